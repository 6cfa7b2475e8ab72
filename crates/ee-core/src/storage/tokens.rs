use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Cursor, Listed};
use crate::{Error, TokenHash, TokenId, UserId};

/// What a one-time token is good for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TokenPurpose {
    /// To create an account that somebody was invited to.
    Invitation,
    /// To sign in once without the second factor.
    RecoveryCode,
    /// To set a new password.
    PasswordReset,
    /// To show the second factor after the password.
    SecondFactor,
    /// To create the first owner.
    Setup,
    /// To show that mail to an address is read.
    VerifyEmail,
}

/// A secret that is good once. The store keeps its hash.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct OneTimeToken {
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Option<UserId>,
    /// What it carries, such as the address that was invited.
    pub data: Map<String, Value>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Hash of the secret.
    pub hash: TokenHash,
    /// What administrators name it by.
    pub id: TokenId,
    /// What it is good for.
    pub purpose: TokenPurpose,
    /// Whose it is, if it is about an account.
    pub user_id: Option<UserId>,
}

impl OneTimeToken {
    /// Describes a token.
    pub fn new(
        purpose: TokenPurpose,
        hash: TokenHash,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            created_at: now,
            created_by: None,
            data: Map::new(),
            expires_at,
            hash,
            id: TokenId::ordered(),
            purpose,
            user_id: None,
        }
    }
}

/// Keeps one-time tokens.
#[async_trait]
pub trait OneTimeTokenStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps new tokens in one step. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when a hash or an id
    /// is taken: then none is kept.
    async fn create(&self, tokens: Vec<OneTimeToken>) -> Result<(), Error>;

    /// Returns a token of this purpose that is good at `now`, and leaves it.
    async fn find(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error>;

    /// Removes a token of this purpose that is good at `now` and returns it, in one step: of many who show the same
    /// one, one gets it.
    async fn take(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        now: Timestamp,
    ) -> Result<Option<OneTimeToken>, Error>;

    /// Returns tokens of a purpose by id, of one user or of all, also expired ones.
    async fn list(
        &self,
        purpose: TokenPurpose,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<OneTimeToken>, Error>;

    /// Removes a token of this purpose. False when there is none.
    async fn delete(&self, id: &TokenId, purpose: TokenPurpose) -> Result<bool, Error>;

    /// Removes all tokens of a user for this purpose and returns how many there were.
    async fn delete_for_user(&self, user: &UserId, purpose: TokenPurpose) -> Result<u64, Error>;

    /// Forgets the tokens that are over at `now` and returns how many there were.
    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, Error>;
}
