-- What PostgreSQL needs a function for, SQLite does as it is.
SELECT 1;
