#![doc = include_str!("../README.md")]

mod console_audit;
mod cookie_sessions;
mod default_roles;
mod error;
mod lifetimes;
mod memory;
mod static_rbac;
mod store_sessions;

pub use console_audit::ConsoleAuditLogger;
pub use cookie_sessions::CookieSessions;
pub use default_roles::default_roles;
pub use error::SessionConfigError;
pub use lifetimes::SessionLifetimes;
pub use memory::MemoryStore;
pub use static_rbac::StaticRbac;
pub use store_sessions::StoreSessions;
