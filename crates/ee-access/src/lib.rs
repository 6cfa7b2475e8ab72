//! Roles, groups, grants and keys of a store.
#![doc = include_str!("../README.md")]

mod acl;
mod epochs;
mod keys;
mod rbac;
mod sessions;
mod store_access;
mod users;

pub use epochs::Epochs;
pub use keys::ApiKeys;
pub use sessions::CachedSessions;
pub use store_access::{AccessStores, StoreAccess};
pub use users::{AccountUsers, CachedUsers, EitherUsers};

/// For how many entries a cache takes memory when it is made; it takes more when there are more.
const AT_FIRST: usize = 256;
