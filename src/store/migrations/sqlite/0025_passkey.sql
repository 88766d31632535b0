-- The passkeys of users. How many a user has is kept with the user, so that whoever adds or removes
-- one waits for whoever is before them, and a login sees at once that there is a second factor.
CREATE TABLE donjon_passkeys (
    id               BLOB    NOT NULL PRIMARY KEY,
    user_id          TEXT    NOT NULL REFERENCES donjon_users (id) ON DELETE CASCADE,
    credential       BLOB    NOT NULL UNIQUE,
    public_key       BLOB    NOT NULL,
    sign_count       BIGINT  NOT NULL,
    aaguid           BLOB    NOT NULL,
    name             TEXT    NOT NULL,
    transports       TEXT    NOT NULL,
    backup_eligible  INTEGER NOT NULL,
    backed_up        INTEGER NOT NULL,
    rp_id            TEXT    NOT NULL,
    created_at       BIGINT  NOT NULL,
    last_used_at     BIGINT
);
CREATE INDEX donjon_passkeys_user ON donjon_passkeys (user_id, created_at);
ALTER TABLE donjon_users ADD COLUMN passkeys BIGINT NOT NULL DEFAULT 0;

-- The challenges that were answered, until nobody would accept an answer to them.
CREATE TABLE donjon_passkey_challenges (
    challenge   BLOB   NOT NULL PRIMARY KEY,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_passkey_challenges_expiry ON donjon_passkey_challenges (expires_at);
