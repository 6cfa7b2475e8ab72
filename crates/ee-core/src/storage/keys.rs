use async_trait::async_trait;
use jiff::Timestamp;

use super::{Changed, Cursor, Listed};
use crate::{Error, KeyId, PermissionPattern, TokenHash, UserId};

/// The secret that a key had before, for as long as its users change over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreviousSecret {
    /// Its hash.
    pub hash: TokenHash,
    /// Until when it is good.
    pub until: Timestamp,
}

/// A key with which a program calls.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ApiKeyRecord {
    /// From where it may be used, as addresses or networks (`192.0.2.0/24`); from anywhere when empty.
    pub addresses: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Option<UserId>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Hash of its secret.
    pub hash: TokenHash,
    /// Identity.
    pub id: KeyId,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The users for whom it may act.
    pub may_act_for: Vec<UserId>,
    /// Name for people.
    pub name: String,
    /// Its secret before the last rotation.
    pub previous: Option<PreviousSecret>,
    /// What it may do of what its owner may do.
    pub scopes: Vec<PermissionPattern>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whose it is.
    pub user_id: UserId,
    /// Counts the changes; the store moves it.
    pub version: u64,
}

impl ApiKeyRecord {
    /// Describes a new key.
    pub const fn new(
        id: KeyId,
        user_id: UserId,
        name: String,
        hash: TokenHash,
        scopes: Vec<PermissionPattern>,
        now: Timestamp,
    ) -> Self {
        Self {
            addresses: Vec::new(),
            created_at: now,
            created_by: None,
            expires_at: None,
            hash,
            id,
            last_used_at: None,
            may_act_for: Vec::new(),
            name,
            previous: None,
            scopes,
            updated_at: now,
            user_id,
            version: 1,
        }
    }

    /// Tells whether the key may be used at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Returns when the secret with this hash ends by itself: with the key, or with the overlap of a rotation.
    pub fn ends_at(&self, hash: &TokenHash) -> Option<Timestamp> {
        let before = self.previous.as_ref().filter(|_| self.hash != *hash);
        let ends = [self.expires_at, before.map(|before| before.until)];
        ends.into_iter().flatten().min()
    }

    /// Tells whether the secret with this hash is good at `now`.
    pub fn accepts(&self, hash: &TokenHash, now: Timestamp) -> bool {
        let before = self.previous.as_ref();
        self.hash == *hash
            || before.is_some_and(|before| now < before.until && before.hash == *hash)
    }
}

/// Keeps API keys.
#[async_trait]
pub trait ApiKeyStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new key. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, key: ApiKeyRecord) -> Result<(), Error>;

    /// Returns a key, also an expired one.
    async fn find(&self, id: &KeyId) -> Result<Option<ApiKeyRecord>, Error>;

    /// Returns keys by id, of one user or of all.
    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<ApiKeyRecord>, Error>;

    /// Replaces a key whose version is still the record's, and moves the version by one. Owner, creation and last use
    /// stay.
    async fn update(&self, key: ApiKeyRecord) -> Result<Changed, Error>;

    /// Deletes a key. False when there is none.
    async fn delete(&self, id: &KeyId) -> Result<bool, Error>;

    /// Notes that a key was used. False when there is none.
    async fn note_use(&self, id: &KeyId, at: Timestamp) -> Result<bool, Error>;
}
