-- The networks that a user was seen in, the last one first, and whether the last one was among them
-- already (null for the very first). One row, so that of two logins from a new network one is the first.
CREATE TABLE donjon_sightings (
    user_id   TEXT   NOT NULL PRIMARY KEY REFERENCES donjon_users (id) ON DELETE CASCADE,
    networks  TEXT  NOT NULL,
    familiar  INTEGER,
    seen_at   BIGINT NOT NULL
);
