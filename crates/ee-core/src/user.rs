//! Who somebody is.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Error, RoleId, UserId, storage::AccountRecord};

/// A person or a machine that a provider knows (`EEUser` of the specification, phase 2).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// Picture, an absolute URL.
    pub avatar_url: Option<String>,
    /// Moves when a password, a factor or the status changes: sessions that began under an earlier one are over. 0 for
    /// users whose credentials nobody here can change.
    pub credential_version: u64,
    /// E-mail address: an attribute, never the identity.
    pub email: Option<String>,
    /// Identity within the provider.
    pub id: UserId,
    /// What else the provider knows.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Name for people.
    pub name: Option<String>,
    /// Roles that the provider asserts; an [`RbacProvider`](crate::RbacProvider) decides what they mean.
    pub roles: Vec<RoleId>,
}

impl User {
    /// Creates a user of whom only the id is known.
    pub fn new(id: UserId) -> Self {
        Self {
            avatar_url: None,
            credential_version: 0,
            email: None,
            id,
            metadata: serde_json::Map::new(),
            name: None,
            roles: Vec::new(),
        }
    }

    /// Returns the name, else the e-mail address, else the id.
    pub fn display_name(&self) -> &str {
        self.name
            .as_deref()
            .or(self.email.as_deref())
            .unwrap_or(self.id.as_str())
    }
}

impl From<&AccountRecord> for User {
    /// Describes whom an account stands for, whatever its status.
    fn from(account: &AccountRecord) -> Self {
        let mut user = Self::new(account.id.clone());
        user.avatar_url.clone_from(&account.avatar_url);
        user.credential_version = account.credential_version;
        user.email.clone_from(&account.email);
        user.metadata.clone_from(&account.metadata);
        user.name.clone_from(&account.name);
        user
    }
}

/// The four fields of a user that go over the wire.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserCard {
    /// Identity within the provider.
    pub id: UserId,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

impl From<&User> for UserCard {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            avatar_url: user.avatar_url.clone(),
        }
    }
}

/// Finds users by id (`IUserProvider`; its `getCurrentUser` is [`EeAuthProvider::identify`](crate::EeAuthProvider::identify)).
#[async_trait]
pub trait UserProvider: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the user, `None` when there is none (any more).
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error>;

    /// Returns the users in the order of the ids, `None` for those that do not exist.
    async fn find_many(&self, ids: &[UserId]) -> Result<Vec<Option<Arc<User>>>, Error> {
        let mut users = Vec::with_capacity(ids.len());
        for id in ids {
            users.push(self.find(id).await?);
        }
        Ok(users)
    }

    /// Returns the address of a page about the user at the provider.
    fn profile_url(&self, _user: &User) -> Option<String> {
        None
    }
}
