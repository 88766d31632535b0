-- What others did to an address, such as inviting it, is found when its owner is forgotten.
CREATE INDEX donjon_audit_email ON donjon_audit ((metadata ->> 'email'))
    WHERE (metadata ->> 'email') IS NOT NULL;
