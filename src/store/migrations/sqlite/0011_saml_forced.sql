-- When the identity provider was told to have the user prove anew who they are; null if it was not.
ALTER TABLE donjon_saml_intents ADD COLUMN forced_at BIGINT;
