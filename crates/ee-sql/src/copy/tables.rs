//! What there is to copy.

use super::mark;

/// One table of the schema. Every column stands in one of the three lists.
#[derive(Debug)]
#[non_exhaustive]
pub struct Table {
    /// Whether PostgreSQL keeps it in parts by the id, which stands at the end of its key there.
    pub is_in_parts: bool,
    /// The columns of its primary key, in the order of the key.
    pub key: &'static [&'static str],
    /// Its name.
    pub name: &'static str,
    /// The column whose values the database gives out by itself, where the row brings none.
    pub numbered: Option<&'static str>,
    /// Which of its rows are copied; all when empty. A new schema has such rows already, and the source's win.
    only: &'static str,
    /// The columns that are neither part of the key nor text.
    pub rest: &'static [&'static str],
    /// The columns of text that are not part of the key. They can be long: bytes are counted before they are read.
    pub texts: &'static [&'static str],
}

impl Table {
    const fn new(
        name: &'static str,
        key: &'static [&'static str],
        texts: &'static [&'static str],
        rest: &'static [&'static str],
    ) -> Self {
        Self {
            is_in_parts: false,
            key,
            name,
            numbered: None,
            only: "",
            rest,
            texts,
        }
    }

    /// Returns every column, those of the key first.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        let others = self.texts.iter().chain(self.rest);
        self.key.iter().chain(others).copied()
    }

    /// Returns the condition that its rows meet.
    pub(super) const fn filter(&self) -> &'static str {
        if self.only.is_empty() {
            "1 = 1"
        } else {
            self.only
        }
    }

    /// Tells whether a new schema has rows of it already.
    pub(super) const fn is_seeded(&self) -> bool {
        !self.only.is_empty()
    }
}

/// Tables that are made again from what the others hold, by [`AuditIndex`](ee_core::storage::AuditIndex).
pub const DERIVED: [&str; 3] = ["ee_audit_indexed", "ee_audit_tallies", "ee_audit_words"];

/// Every table that is copied; one that refers to another comes behind it.
///
/// All rows go along: who is signed in stays so, who is locked out too, and a link that was sent can still be used. Left
/// out are the history of the schema, which each database has of its own, the mark of the copy itself, and what is [derived](DERIVED).
pub const TABLES: &[Table] = &[
    Table::new(
        "ee_accounts",
        &["id"],
        &[
            "kind",
            "status",
            "email",
            "email_key",
            "name",
            "avatar_url",
            "password_hash",
            "metadata",
            "created_by",
        ],
        &[
            "email_verified",
            "totp_secret",
            "totp_confirmed",
            "totp_last_step",
            "credential_version",
            "created_at",
            "updated_at",
            "last_sign_in_at",
            "version",
        ],
    ),
    Table::new(
        "ee_identities",
        &["issuer", "subject"],
        &["user_id"],
        &["linked_at"],
    ),
    Table::new(
        "ee_roles",
        &["id"],
        &["definition", "updated_by"],
        &["created_at", "updated_at"],
    ),
    Table::new("ee_role_mapping", &["external_role"], &["roles"], &[]),
    Table::new(
        "ee_assignments",
        &["user_id", "role"],
        &["assigned_by"],
        &["assigned_at"],
    ),
    Table::new(
        "ee_groups",
        &["id"],
        &["name", "description"],
        &["created_at", "updated_at", "version"],
    ),
    Table::new("ee_group_members", &["group_id", "user_id"], &[], &[]),
    Table::new(
        "ee_grants",
        &["kind", "resource_id", "subject", "effect", "action"],
        &["granted_by"],
        &["expires_at", "granted_at"],
    ),
    Table::new(
        "ee_api_keys",
        &["id"],
        &[
            "user_id",
            "name",
            "scopes",
            "addresses",
            "may_act_for",
            "created_by",
        ],
        &[
            "hash",
            "previous_hash",
            "previous_until",
            "expires_at",
            "last_used_at",
            "created_at",
            "updated_at",
            "version",
        ],
    ),
    Table::new(
        "ee_sessions",
        &["hash"],
        &["user_id", "address", "device", "metadata"],
        &[
            "previous_hash",
            "previous_until",
            "roles_mark",
            "created_at",
            "last_seen_at",
            "authenticated_at",
            "idle_until",
            "absolute_until",
            "ends_at",
            "credential_version",
            "is_remembered",
        ],
    ),
    Table::new("ee_ended_sessions", &["hash"], &[], &["ends_at"]),
    Table::new(
        "ee_sign_in_flows",
        &["state_hash"],
        &["nonce", "pkce_verifier", "redirect_uri", "return_to"],
        &["browser_hash", "expires_at"],
    ),
    Table::new(
        "ee_one_time_tokens",
        &["hash"],
        &["id", "purpose", "user_id", "data", "created_by"],
        &["created_at", "expires_at"],
    ),
    Table::new(
        "ee_throttle",
        &["name"],
        &[],
        &["last_at", "window_from", "in_window", "in_row"],
    ),
    Table::new(
        "ee_agents",
        &["id"],
        &["name", "description", "instructions", "model", "created_by"],
        &["created_at", "updated_at"],
    ),
    Table::new(
        "ee_threads",
        &["id"],
        &["owner", "resource_id", "agent_id", "title", "metadata"],
        &["created_at", "updated_at"],
    ),
    Table {
        numbered: Some("position"),
        ..Table::new(
            "ee_messages",
            &["position"],
            &["thread_id", "id", "role", "text"],
            &["created_at"],
        )
    },
    Table::new(
        "ee_workflows",
        &["id"],
        &["name", "description", "input_schema", "steps", "created_by"],
        &["created_at", "updated_at"],
    ),
    Table::new(
        "ee_runs",
        &["id"],
        &[
            "workflow_id",
            "owner",
            "status",
            "input",
            "output",
            "error",
            "steps",
        ],
        &["created_at", "updated_at"],
    ),
    Table::new(
        "ee_audit_heads",
        &["partition"],
        &[],
        &["log", "size", "chain", "frontier"],
    ),
    Table::new("ee_audit_links", &["number"], &[], &["id", "leaf", "chain"]),
    Table {
        is_in_parts: true,
        ..Table::new(
            "ee_audit_bodies",
            &["number"],
            &["canonical", "personal"],
            &["id", "received_at"],
        )
    },
    Table {
        is_in_parts: true,
        ..Table::new(
            "ee_audit_events",
            &["number"],
            &[
                "action",
                "actor_id",
                "actor_kind",
                "actor_type",
                "agent_id",
                "category",
                "email",
                "ip",
                "model",
                "organization",
                "outcome",
                "request_id",
                "resource_id",
                "resource_type",
                "roles",
                "run_id",
                "session_id",
                "stage",
                "thread_id",
                "trace_id",
            ],
            &["id", "ts", "address", "duration"],
        )
    },
    Table::new("ee_audit_actions", &["name"], &[], &[]),
    Table::new("ee_audit_nodes", &["log", "level", "idx"], &[], &["hash"]),
    Table::new(
        "ee_audit_checkpoints",
        &["partition", "size", "created_at"],
        &["note"],
        &[],
    ),
    Table::new(
        "ee_audit_holds",
        &["id"],
        &["filter", "reason", "owner"],
        &["created_at"],
    ),
    Table::new("ee_audit_left", &["id"], &["canonical", "personal"], &[]),
    Table {
        only: mark::IS_NONE,
        ..Table::new("ee_revisions", &["name"], &[], &["value"])
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_table_and_no_column_stands_twice() {
        let names: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), TABLES.len());

        for table in TABLES {
            let columns: BTreeSet<&str> = table.columns().collect();
            assert_eq!(columns.len(), table.columns().count(), "{}", table.name);
        }
    }
}
