//! Grants on single things.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, GroupId, RoleId, User, UserId};

/// A thing that a grant is about (`ResourceIdentifier`, phase 4).
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
pub struct ResourceRef {
    /// Kind of thing, such as `agents`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// Who a grant is for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase", tag = "type", content = "id")]
pub enum AclSubject {
    /// Everybody in a group.
    Group(GroupId),
    /// Everybody with a role.
    Role(RoleId),
    /// One user.
    User(UserId),
}

impl fmt::Display for AclSubject {
    /// Writes `user:ada`, `role:editor` or `group:ops`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(id) => write!(f, "group:{id}"),
            Self::Role(id) => write!(f, "role:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl FromStr for AclSubject {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) writes; what stands after the first colon is the id.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("group", id)) => id.parse().map(Self::Group),
            Some(("role", id)) => id.parse().map(Self::Role),
            Some(("user", id)) => id.parse().map(Self::User),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("`{text}` is not a subject: it must be `user:ID`, `role:ID` or `group:ID`"),
            )),
        }
    }
}

/// Somebody may do something with one thing (`ACLGrant`, phase 4).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AclGrant {
    /// Who.
    pub subject: AclSubject,
    /// Which thing.
    pub resource: ResourceRef,
    /// What, such as `read`; `*` is everything.
    pub actions: Vec<String>,
    /// Since when.
    #[schemars(with = "String")]
    pub granted_at: Timestamp,
    /// By whom, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<UserId>,
}

/// Answers what somebody may do with single things (`IACLProvider`, phase 4).
#[async_trait]
pub trait AclProvider: fmt::Debug + Send + Sync + 'static {
    /// Tells whether the user may do this with the thing.
    async fn can_access(
        &self,
        user: &User,
        resource: &ResourceRef,
        action: &str,
    ) -> Result<bool, Error>;

    /// Returns the ids of all things of this kind that the user may do this with.
    async fn list_accessible(
        &self,
        user: &User,
        kind: &str,
        action: &str,
    ) -> Result<Vec<String>, Error>;

    /// Keeps the ids that the user may do this with, in their order.
    async fn filter_accessible(
        &self,
        user: &User,
        kind: &str,
        ids: Vec<String>,
        action: &str,
    ) -> Result<Vec<String>, Error> {
        let allowed = self.list_accessible(user, kind, action).await?;
        Ok(ids.into_iter().filter(|id| allowed.contains(id)).collect())
    }
}

/// Changes grants (`IACLManager`, phase 4).
#[async_trait]
pub trait AclManager: fmt::Debug + Send + Sync + 'static {
    /// Grants actions on a thing.
    async fn grant(
        &self,
        subject: AclSubject,
        resource: ResourceRef,
        actions: Vec<String>,
        granted_by: &UserId,
    ) -> Result<AclGrant, Error>;

    /// Takes actions back, all of them when none is named.
    async fn revoke(
        &self,
        subject: &AclSubject,
        resource: &ResourceRef,
        actions: &[String],
    ) -> Result<(), Error>;

    /// Returns the grants on a thing.
    async fn list_for_resource(&self, resource: &ResourceRef) -> Result<Vec<AclGrant>, Error>;

    /// Returns the grants of somebody.
    async fn list_for_subject(&self, subject: &AclSubject) -> Result<Vec<AclGrant>, Error>;
}
