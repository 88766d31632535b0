-- What binds a mailed link to its purpose, user and address: a keyed hash. A link that was mailed
-- before has none, and opens nothing any more.
ALTER TABLE donjon_links ADD COLUMN binding BLOB NOT NULL DEFAULT x'';
