//! API keys: who shows one, and how they are made.

use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Identity, KeyId, PermissionPattern, RequestHead, UserId,
    storage::{ApiKeyRecord, Changed, Cursor, Listed},
};

/// Finds out whose API key a request shows.
#[async_trait]
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// Finds out who shows these headers. `Ok(None)` means that there is no key of ours among them.
    ///
    /// Fails with [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) for a key that is malformed, unknown,
    /// over or used from elsewhere.
    async fn identify(&self, head: &RequestHead<'_>) -> Result<Option<Identity>, Error>;
}

/// A key in full: shown once, to whoever made it.
pub struct KeySecret(String);

impl KeySecret {
    /// Takes the text of a key that was just made.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text that programs send as a bearer token.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret([REDACTED])")
    }
}

/// A key that is to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewKey {
    /// From where it may be used, as addresses or networks; from anywhere when empty.
    pub addresses: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The users for whom it may act.
    pub may_act_for: Vec<UserId>,
    /// Name for people.
    pub name: String,
    /// What it may do of what its owner may do.
    pub scopes: Vec<PermissionPattern>,
    /// Whose it is.
    pub user_id: UserId,
}

impl NewKey {
    /// Describes a key that does not end and may be used from anywhere.
    pub const fn new(user_id: UserId, name: String, scopes: Vec<PermissionPattern>) -> Self {
        Self {
            addresses: Vec::new(),
            expires_at: None,
            may_act_for: Vec::new(),
            name,
            scopes,
            user_id,
        }
    }
}

/// Makes and changes API keys.
#[async_trait]
pub trait KeyManager: fmt::Debug + Send + Sync + 'static {
    /// Makes a key. Fails with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an empty name, no scopes, a network
    /// that is none, too many users to act for or an end in the past.
    async fn create(
        &self,
        new: NewKey,
        by: Option<&UserId>,
    ) -> Result<(ApiKeyRecord, KeySecret), Error>;

    /// Returns a key, also an expired one.
    async fn find(&self, id: &KeyId) -> Result<Option<ApiKeyRecord>, Error>;

    /// Returns keys by id, of one user or of all.
    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<ApiKeyRecord>, Error>;

    /// Replaces name, scopes, end, networks and for whom it may act, of a key whose version is still the
    /// record's. Fails as [`create`](Self::create) does.
    async fn update(&self, key: ApiKeyRecord) -> Result<Changed, Error>;

    /// Gives a key whose version is still the record's a new secret; the old one is good for `overlap` more.
    async fn rotate(
        &self,
        key: ApiKeyRecord,
        overlap: SignedDuration,
    ) -> Result<Result<KeySecret, Changed>, Error>;

    /// Deletes a key. False when there is none.
    async fn delete(&self, id: &KeyId) -> Result<bool, Error>;
}
