use async_trait::async_trait;
use jiff::Timestamp;

use super::{Changed, Cursor, Listed};
use crate::{Error, GroupId, UserId};

/// A group of users.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GroupRecord {
    /// When it was created.
    pub created_at: Timestamp,
    /// What it is for.
    pub description: Option<String>,
    /// Identity.
    pub id: GroupId,
    /// Name for people.
    pub name: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the store moves it.
    pub version: u64,
}

impl GroupRecord {
    /// Describes a new group.
    pub const fn new(id: GroupId, name: String, now: Timestamp) -> Self {
        Self {
            created_at: now,
            description: None,
            id,
            name,
            updated_at: now,
            version: 1,
        }
    }
}

/// Keeps groups and who is in them.
#[async_trait]
pub trait GroupStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new group. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, group: GroupRecord) -> Result<(), Error>;

    /// Returns a group.
    async fn find(&self, id: &GroupId) -> Result<Option<GroupRecord>, Error>;

    /// Returns groups by id.
    async fn list(&self, cursor: &Cursor) -> Result<Listed<GroupRecord>, Error>;

    /// Replaces name and description of a group whose version is still the record's, and moves the version by one.
    async fn update(&self, group: GroupRecord) -> Result<Changed, Error>;

    /// Deletes a group with its memberships and the grants to it. False when there is none.
    async fn delete(&self, id: &GroupId) -> Result<bool, Error>;

    /// Puts a user into a group. False when he is in it already. Fails with
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such group.
    async fn add_member(&self, id: &GroupId, user: &UserId) -> Result<bool, Error>;

    /// Takes a user out of a group. False when he was not in it.
    async fn remove_member(&self, id: &GroupId, user: &UserId) -> Result<bool, Error>;

    /// Returns who is in a group, by id.
    async fn members(&self, id: &GroupId, cursor: &Cursor) -> Result<Listed<UserId>, Error>;

    /// Returns the groups of a user, by id.
    async fn groups_of(&self, user: &UserId) -> Result<Vec<GroupId>, Error>;
}
