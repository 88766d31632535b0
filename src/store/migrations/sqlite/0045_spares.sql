-- An end of everything leaves alone what came by this login.
ALTER TABLE donjon_session_events ADD COLUMN spares TEXT;
