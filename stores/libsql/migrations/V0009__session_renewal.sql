-- A session gets another id when the roles of its user change. The one before is good for a moment more. Sessions that
-- were begun before know of no roles and keep their id until they end.
ALTER TABLE ee_sessions ADD COLUMN previous_hash  BLOB;
ALTER TABLE ee_sessions ADD COLUMN previous_until INTEGER;
ALTER TABLE ee_sessions ADD COLUMN roles_mark     INTEGER;

CREATE UNIQUE INDEX ee_sessions_by_previous ON ee_sessions (previous_hash) WHERE previous_hash IS NOT NULL;
