CREATE TABLE ee_agents (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    description  TEXT,
    instructions TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    created_by   TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_agents_by_name ON ee_agents (name, id);
