-- Browsers that a user is known by carry a sealed cookie that names this epoch; when it moves, none
-- of them is known any more.
ALTER TABLE donjon_users ADD COLUMN device_epoch BIGINT NOT NULL DEFAULT 0;

-- Attempts to log in are counted per address ('address:EMAIL'), and for a browser that the user is
-- known by, per user and browser ('device:USER:DEVICE').
ALTER TABLE donjon_login_attempts RENAME COLUMN email TO key;
UPDATE donjon_login_attempts SET key = 'address:' || key;
