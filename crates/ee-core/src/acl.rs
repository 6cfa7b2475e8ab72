//! Grants on single things.

mod grant_set;

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind, GroupId, RoleId, User, UserId,
    storage::{Cursor, Effect, Listed},
};

pub use grant_set::GrantSet;
pub(crate) use grant_set::Question;

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
pub struct AclGrant {
    /// Who.
    pub subject: AclSubject,
    /// Which thing.
    pub resource: ResourceRef,
    /// What, such as `read`; `*` is everything.
    pub actions: Vec<String>,
    /// Which way it decides.
    #[serde(default)]
    pub effect: Effect,
    /// When it ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// Since when.
    #[schemars(with = "String")]
    pub granted_at: Timestamp,
    /// By whom, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<UserId>,
}

/// A grant that is to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NewGrant {
    /// What, such as `read`; `*` is everything.
    pub actions: Vec<String>,
    /// Which way it decides.
    pub effect: Effect,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// By whom, if that is known.
    pub granted_by: Option<UserId>,
    /// Which thing.
    pub resource: ResourceRef,
    /// Who.
    pub subject: AclSubject,
}

impl NewGrant {
    /// Describes a grant that permits and does not end.
    pub fn new(
        subject: AclSubject,
        resource: ResourceRef,
        actions: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            actions: actions.into_iter().collect(),
            effect: Effect::Allow,
            expires_at: None,
            granted_by: None,
            resource,
            subject,
        }
    }
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

    /// Returns one part of the ids of all things of this kind that the user may do this with, by id.
    async fn accessible(
        &self,
        user: &User,
        kind: &str,
        action: &str,
        cursor: &Cursor,
    ) -> Result<Listed<String>, Error> {
        let mut ids = self.list_accessible(user, kind, action).await?;
        ids.sort_unstable();
        let after = cursor.after.as_deref();
        ids.retain(|id| after.is_none_or(|after| id.as_str() > after));
        Ok(Listed::cut(ids, cursor.limit, String::clone))
    }

    /// Returns all grants that count for the user, compiled, so that the many checks of one request ask nobody. `None`
    /// when the provider cannot tell them: then it is asked each time, and only for the thing that a route is about.
    async fn grants(&self, _user: &User) -> Result<Option<Arc<[Arc<GrantSet>]>>, Error> {
        Ok(None)
    }

    /// Returns all grants that count for whoever has the role, compiled: its own and those of what it inherits. `None`
    /// when the provider cannot tell them.
    async fn role_grants(&self, _role: &RoleId) -> Result<Option<Arc<[Arc<GrantSet>]>>, Error> {
        Ok(None)
    }

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
    /// Permits or forbids actions on a thing; the moment of granting is the manager's. Fails with
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a grant that cannot be meant.
    async fn grant(&self, grant: NewGrant) -> Result<AclGrant, Error>;

    /// Takes actions back, all of them when none is named, and returns how many there were.
    async fn revoke(
        &self,
        subject: &AclSubject,
        resource: &ResourceRef,
        effect: Effect,
        actions: &[String],
    ) -> Result<u64, Error>;

    /// Returns the grants on a thing.
    async fn list_for_resource(
        &self,
        resource: &ResourceRef,
        cursor: &Cursor,
    ) -> Result<Listed<AclGrant>, Error>;

    /// Returns the grants of somebody.
    async fn list_for_subject(
        &self,
        subject: &AclSubject,
        cursor: &Cursor,
    ) -> Result<Listed<AclGrant>, Error>;
}
