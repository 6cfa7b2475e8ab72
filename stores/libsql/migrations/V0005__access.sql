ALTER TABLE ee_sessions ADD COLUMN authenticated_at   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ee_sessions ADD COLUMN ends_at            INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ee_sessions ADD COLUMN credential_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ee_sessions ADD COLUMN is_remembered      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ee_sessions ADD COLUMN address            TEXT;
ALTER TABLE ee_sessions ADD COLUMN device             TEXT;

UPDATE ee_sessions SET authenticated_at = created_at, ends_at = min(idle_until, absolute_until);

DROP INDEX ee_sessions_by_end;
DROP INDEX ee_sessions_by_user;
CREATE INDEX ee_sessions_by_end ON ee_sessions (ends_at);
CREATE INDEX ee_sessions_by_user ON ee_sessions (user_id, created_at, hash);

CREATE TABLE ee_accounts (
    id                 TEXT    NOT NULL PRIMARY KEY,
    kind               TEXT    NOT NULL,
    status             TEXT    NOT NULL,
    email              TEXT,
    email_key          TEXT    UNIQUE,
    email_verified     INTEGER NOT NULL,
    name               TEXT,
    avatar_url         TEXT,
    password_hash      TEXT,
    totp_secret        BLOB,
    totp_confirmed     INTEGER NOT NULL,
    totp_last_step     INTEGER NOT NULL,
    credential_version INTEGER NOT NULL,
    metadata           TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    created_by         TEXT,
    updated_at         INTEGER NOT NULL,
    last_sign_in_at    INTEGER,
    version            INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_accounts_by_kind ON ee_accounts (kind, id);
CREATE INDEX ee_accounts_by_status ON ee_accounts (status, id);

CREATE TABLE ee_identities (
    issuer    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_identities_by_user ON ee_identities (user_id);

-- Numbers that move with every change of something: `roles` of the roles and their mapping together, `changes` of
-- anything that somebody may have remembered.
CREATE TABLE ee_revisions (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO ee_revisions (name, value) VALUES ('roles', 0), ('changes', 0);

CREATE TABLE ee_roles (
    id         TEXT    NOT NULL PRIMARY KEY,
    definition TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT
) STRICT;

CREATE TABLE ee_role_mapping (
    external_role TEXT NOT NULL PRIMARY KEY,
    roles         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ee_assignments (
    user_id     TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    assigned_at INTEGER NOT NULL,
    assigned_by TEXT,
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_assignments_by_role ON ee_assignments (role, user_id);

CREATE TABLE ee_groups (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    description TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ee_group_members (
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_group_members_by_user ON ee_group_members (user_id, group_id);

-- The grants on one thing lie together: a check reads one page.
CREATE TABLE ee_grants (
    kind        TEXT    NOT NULL,
    resource_id TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    effect      TEXT    NOT NULL,
    expires_at  INTEGER,
    granted_at  INTEGER NOT NULL,
    granted_by  TEXT,
    PRIMARY KEY (kind, resource_id, subject, effect, action)
) STRICT, WITHOUT ROWID;

-- What a subject may use, in the order of a list and without a look at the row.
CREATE INDEX ee_grants_by_subject ON ee_grants (subject, kind, action, effect, resource_id, expires_at);
-- What a subject has, in the order of that list.
CREATE INDEX ee_grants_of_subject ON ee_grants (subject, kind, resource_id, effect, action);
CREATE INDEX ee_grants_by_end ON ee_grants (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE ee_api_keys (
    id             TEXT    NOT NULL PRIMARY KEY,
    user_id        TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    hash           BLOB    NOT NULL,
    scopes         TEXT    NOT NULL,
    addresses      TEXT    NOT NULL,
    may_act_for    INTEGER NOT NULL,
    previous_hash  BLOB,
    previous_until INTEGER,
    expires_at     INTEGER,
    last_used_at   INTEGER,
    created_at     INTEGER NOT NULL,
    created_by     TEXT,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_api_keys_by_user ON ee_api_keys (user_id, id);

CREATE TABLE ee_throttle (
    name        TEXT    NOT NULL PRIMARY KEY,
    last_at     INTEGER NOT NULL,
    window_from INTEGER NOT NULL,
    in_window   INTEGER NOT NULL,
    in_row      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ee_throttle_by_time ON ee_throttle (last_at);

CREATE TABLE ee_one_time_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    purpose    TEXT    NOT NULL,
    user_id    TEXT,
    data       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ee_one_time_tokens_by_purpose ON ee_one_time_tokens (purpose, id);
CREATE INDEX ee_one_time_tokens_by_user ON ee_one_time_tokens (user_id, purpose, id);
CREATE INDEX ee_one_time_tokens_by_end ON ee_one_time_tokens (expires_at);
