ALTER TABLE ee_workflows ADD COLUMN created_by TEXT;
