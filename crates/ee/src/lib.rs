//! Enterprise access for servers of AI agents: one crate, every plugin behind a feature.
//!
//! The traits and domain types stand at the top; each plugin has a module of its own. Enabling a
//! feature adds a module and changes nothing else.
#![doc = include_str!("../README.md")]

/// Needed to implement the traits.
pub use async_trait::async_trait;
pub use ee_core::*;

/// Roles, groups, grants and keys of a store.
pub mod access {
    pub use ee_access::*;
}

/// The audit record: delivery, spool, integrity, search, sinks, retention.
pub mod audit {
    pub use ee_audit::*;
}

/// Routes, extractors, middleware and HTTP errors for axum.
pub mod axum {
    pub use ee_adapter_axum::*;
}

/// Sessions, static roles, the console audit logger and the memory store.
pub mod defaults {
    pub use ee_defaults::*;
}

/// The storage domains in portable SQL, for databases of your own.
pub mod sql {
    pub use ee_sql::*;
}

/// Use cases and the route table.
pub mod server {
    pub use ee_server::*;
}

/// Stored agents, chat and workflows.
#[cfg(feature = "agent-host")]
pub mod agent_host {
    pub use ee_agent_host::*;
}

/// Accounts with e-mail address and password, second factor, invitations and recovery.
#[cfg(feature = "auth-password")]
pub mod auth_password {
    pub use ee_auth_password::*;
}

/// Tokens and users from configuration.
#[cfg(feature = "auth-simple")]
pub mod auth_simple {
    pub use ee_auth_simple::*;
}

/// Copies of the audit record as Apache Parquet.
#[cfg(feature = "parquet")]
pub mod parquet {
    pub use ee_parquet::*;
}

/// One SQLite file as the store.
#[cfg(feature = "store-libsql")]
pub mod store_libsql {
    pub use ee_store_libsql::*;
}

/// PostgreSQL as the store.
#[cfg(feature = "store-pg")]
pub mod store_pg {
    pub use ee_store_pg::*;
}

/// The web interface.
#[cfg(feature = "studio")]
pub mod studio {
    pub use ee_studio::*;
}
