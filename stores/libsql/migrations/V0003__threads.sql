CREATE TABLE ee_threads (
    id          TEXT    NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL,
    resource_id TEXT    NOT NULL,
    agent_id    TEXT,
    title       TEXT,
    metadata    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_threads_by_owner ON ee_threads (owner, updated_at, id);

-- `position` is one more than the largest in the table, so it grows within a conversation.
CREATE TABLE ee_messages (
    position   INTEGER NOT NULL PRIMARY KEY,
    thread_id  TEXT    NOT NULL REFERENCES ee_threads (id) ON DELETE CASCADE,
    id         TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_messages_by_thread ON ee_messages (thread_id);
