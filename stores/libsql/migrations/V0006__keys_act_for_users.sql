-- The users for whom a key may act, as JSON. The column that only said whether it may act for anybody goes: nothing
-- has ever read it.
ALTER TABLE ee_api_keys DROP COLUMN may_act_for;
ALTER TABLE ee_api_keys ADD COLUMN may_act_for TEXT NOT NULL DEFAULT '[]';
