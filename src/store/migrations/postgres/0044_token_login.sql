-- Where the user of a token had logged in who made it: empty for anywhere but an identity provider, null
-- if the host made it. Nobody knows of those that are there.
ALTER TABLE donjon_api_tokens ADD COLUMN login_path TEXT;
UPDATE donjon_api_tokens SET login_path = '' WHERE user_id IS NOT NULL;
