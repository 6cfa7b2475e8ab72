-- Hashes of secrets are spread evenly, so the row is kept in the key's own tree.
CREATE TABLE ee_sessions (
    hash           BLOB    NOT NULL PRIMARY KEY,
    user_id        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    last_seen_at   INTEGER NOT NULL,
    idle_until     INTEGER NOT NULL,
    absolute_until INTEGER NOT NULL,
    metadata       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_sessions_by_user ON ee_sessions (user_id);
CREATE INDEX ee_sessions_by_end ON ee_sessions (min(idle_until, absolute_until));

CREATE TABLE ee_ended_sessions (
    hash    BLOB    NOT NULL PRIMARY KEY,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_ended_sessions_by_end ON ee_ended_sessions (ends_at);

CREATE TABLE ee_sign_in_flows (
    state_hash    BLOB    NOT NULL PRIMARY KEY,
    browser_hash  BLOB    NOT NULL,
    expires_at    INTEGER NOT NULL,
    nonce         TEXT    NOT NULL,
    pkce_verifier TEXT    NOT NULL,
    redirect_uri  TEXT    NOT NULL,
    return_to     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_sign_in_flows_by_end ON ee_sign_in_flows (expires_at);
