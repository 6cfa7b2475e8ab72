use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cursor, Listed};
use crate::{AclSubject, Error, Resource, ResourceRef, UserId};

/// Which way a grant decides.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Deserialize,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    schemars::JsonSchema,
    Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It permits.
    #[default]
    Allow,
    /// It forbids, whatever else permits.
    Deny,
}

/// Somebody may, or may not, do one thing with one thing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GrantRecord {
    /// What, such as `read`; `*` is everything.
    pub action: String,
    /// Which way it decides.
    pub effect: Effect,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// Since when.
    pub granted_at: Timestamp,
    /// By whom, if that is known.
    pub granted_by: Option<UserId>,
    /// With which thing.
    pub resource: ResourceRef,
    /// Who.
    pub subject: AclSubject,
}

impl GrantRecord {
    /// The action that stands for every one.
    pub const EVERY_ACTION: &str = "*";

    /// Describes a grant that permits and does not end.
    pub const fn new(
        subject: AclSubject,
        resource: ResourceRef,
        action: String,
        granted_at: Timestamp,
    ) -> Self {
        Self {
            action,
            effect: Effect::Allow,
            expires_at: None,
            granted_at,
            granted_by: None,
            resource,
            subject,
        }
    }

    /// Describes what whoever makes a thing gets with it: he may do everything with it, as long as nothing forbids it.
    /// Nobody has granted that.
    pub fn of_owner(owner: &UserId, kind: Resource, id: &str, now: Timestamp) -> Self {
        let resource = ResourceRef {
            kind: kind.to_string(),
            id: id.to_owned(),
        };
        let subject = AclSubject::User(owner.clone());
        Self::new(subject, resource, Self::EVERY_ACTION.to_owned(), now)
    }

    /// Tells whether the grant counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Tells whether the grant is about the action.
    pub fn covers(&self, action: &str) -> bool {
        self.action == Self::EVERY_ACTION || self.action == action
    }
}

/// Keeps grants. There is one for each subject, thing, action and effect.
#[async_trait]
pub trait GrantStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes grants in one step; of two with one key the later one stays.
    async fn put(&self, grants: Vec<GrantRecord>) -> Result<(), Error>;

    /// Takes grants back and returns how many there were: with this effect, of these actions, all of them when none
    /// is named.
    async fn remove(
        &self,
        subject: &AclSubject,
        resource: &ResourceRef,
        effect: Effect,
        actions: &[String],
    ) -> Result<u64, Error>;

    /// Takes back every grant on a thing and returns how many there were.
    async fn remove_resource(&self, resource: &ResourceRef) -> Result<u64, Error>;

    /// Returns the grants of these subjects on a thing, also expired ones, in no order.
    async fn matching(
        &self,
        subjects: &[AclSubject],
        resource: &ResourceRef,
    ) -> Result<Vec<GrantRecord>, Error>;

    /// Returns the grants on a thing, by subject, effect and action.
    async fn on_resource(
        &self,
        resource: &ResourceRef,
        cursor: &Cursor,
    ) -> Result<Listed<GrantRecord>, Error>;

    /// Returns the grants of a subject, by kind, id, effect and action.
    async fn of_subject(
        &self,
        subject: &AclSubject,
        cursor: &Cursor,
    ) -> Result<Listed<GrantRecord>, Error>;

    /// Returns all grants of a subject, in no order; `None` when there are more than `most`.
    async fn all_of_subject(
        &self,
        subject: &AclSubject,
        most: u32,
    ) -> Result<Option<Vec<GrantRecord>>, Error>;

    /// Returns the ids of the things of a kind with which one of the subjects may do this at `now`: something
    /// permits it and nothing forbids it. By id.
    async fn accessible(
        &self,
        subjects: &[AclSubject],
        kind: &str,
        action: &str,
        now: Timestamp,
        cursor: &Cursor,
    ) -> Result<Listed<String>, Error>;

    /// Forgets the grants that are over at `now` and returns how many there were.
    async fn purge_grants(&self, now: Timestamp) -> Result<u64, Error>;
}
