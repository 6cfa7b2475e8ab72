ALTER TABLE ee_workflows ADD COLUMN created_by TEXT COLLATE "C";

-- Pages of a list go along these. A name has at most 1,000 bytes, so an index can hold it.
CREATE INDEX ee_agents_by_name ON ee_agents (name, id);
CREATE INDEX ee_workflows_by_name ON ee_workflows (name, id);
