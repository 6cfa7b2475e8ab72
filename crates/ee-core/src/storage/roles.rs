use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Changed, Cursor, Listed};
use crate::{Error, Role, RoleId, UserId};

/// The role that somebody must always have.
pub const OWNER_ROLE: &str = "owner";

/// A role that was made here, beside the ones that the program brings.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RoleRecord {
    /// When it was created.
    pub created_at: Timestamp,
    /// What it permits.
    pub role: Role,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<UserId>,
}

impl RoleRecord {
    /// Describes a new role.
    pub const fn new(role: Role, now: Timestamp) -> Self {
        Self {
            created_at: now,
            role,
            updated_at: now,
            updated_by: None,
        }
    }
}

/// All roles that were made here, as they stand together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RoleBook {
    /// Which of our roles a role of an identity provider stands for, such as `org:admin` → `admin`.
    pub mapping: BTreeMap<RoleId, Vec<RoleId>>,
    /// Moves with every change; 0 for a book that nobody has written in.
    pub revision: u64,
    /// The roles by id.
    pub roles: Vec<RoleRecord>,
}

/// Keeps roles. They depend on each other, so every change names the revision of the book that it was decided on.
#[async_trait]
pub trait RoleStore: std::fmt::Debug + Send + Sync + 'static {
    /// Returns all of it.
    async fn book(&self) -> Result<RoleBook, Error>;

    /// Writes a role, new or not; the time of creation of an old one stays. [`Changed::Stale`] when the book has moved.
    async fn put(&self, role: RoleRecord, revision: u64) -> Result<Changed, Error>;

    /// Deletes a role with its assignments and the grants to it. [`Changed::Stale`] when the book has moved;
    /// [`Changed::LastOwner`] for [`OWNER_ROLE`], always.
    async fn delete(&self, role: &RoleId, revision: u64) -> Result<Changed, Error>;

    /// Replaces the mapping. [`Changed::Stale`] when the book has moved.
    async fn set_mapping(
        &self,
        mapping: BTreeMap<RoleId, Vec<RoleId>>,
        revision: u64,
    ) -> Result<Changed, Error>;
}

/// Somebody has a role.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AssignmentRecord {
    /// Since when.
    pub assigned_at: Timestamp,
    /// Who gave it.
    pub assigned_by: Option<UserId>,
    /// Which.
    pub role: RoleId,
    /// Who.
    pub user_id: UserId,
}

impl AssignmentRecord {
    /// Describes an assignment.
    pub const fn new(user_id: UserId, role: RoleId, now: Timestamp) -> Self {
        Self {
            assigned_at: now,
            assigned_by: None,
            role,
            user_id,
        }
    }
}

/// Which assignments are wanted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AssignmentFilter {
    /// Of this role.
    pub role: Option<RoleId>,
    /// Of this user.
    pub user_id: Option<UserId>,
}

/// Keeps who has which role. Users need no account here: providers may know them.
#[async_trait]
pub trait AssignmentStore: std::fmt::Debug + Send + Sync + 'static {
    /// Gives a role. False when the user has it already: nothing is changed.
    async fn assign(&self, assignment: AssignmentRecord) -> Result<bool, Error>;

    /// Takes a role. [`Changed::LastOwner`] when nobody else has [`OWNER_ROLE`]; users whose account is disabled do not
    /// count.
    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<Changed, Error>;

    /// Returns the roles of a user, by id.
    async fn roles_of(&self, user: &UserId) -> Result<Vec<RoleId>, Error>;

    /// Returns assignments by user and role.
    async fn list(
        &self,
        filter: &AssignmentFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AssignmentRecord>, Error>;
}
