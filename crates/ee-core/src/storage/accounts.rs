use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Changed, Cursor, Listed};
use crate::{Error, UserId};

/// What an account stands for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AccountKind {
    /// An agent that acts by itself.
    Agent,
    /// A person.
    Person,
    /// A program.
    Service,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AccountStatus {
    /// It may.
    Active,
    /// It may not: whoever shows its credentials, sessions or keys is nobody.
    Disabled,
}

/// The secret of a time-based second factor (RFC 6238).
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Totp {
    /// Whether its owner has shown a code once; before that it guards nothing.
    pub is_confirmed: bool,
    /// Last time step of which a code was taken: that one and older ones are never taken again.
    pub last_step: u64,
    /// The secret, sealed by whoever made the row.
    pub sealed_secret: Vec<u8>,
}

impl Totp {
    /// Describes a secret that nobody has used yet.
    pub const fn new(sealed_secret: Vec<u8>) -> Self {
        Self {
            is_confirmed: false,
            last_step: 0,
            sealed_secret,
        }
    }
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Totp")
            .field("is_confirmed", &self.is_confirmed)
            .finish_non_exhaustive()
    }
}

/// A person or program that this server itself knows.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct AccountRecord {
    /// Picture, an absolute URL.
    pub avatar_url: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it, if somebody else did.
    pub created_by: Option<UserId>,
    /// Moves with every change of password, factor or status: sessions that began under an earlier one are over.
    pub credential_version: u64,
    /// E-mail address, as its owner writes it. No two accounts have one that differs in letter case only.
    pub email: Option<String>,
    /// Whether its owner has shown that he reads mail to it.
    pub email_verified: bool,
    /// Identity.
    pub id: UserId,
    /// What it stands for.
    pub kind: AccountKind,
    /// When somebody last signed in.
    pub last_sign_in_at: Option<Timestamp>,
    /// What else is kept beside it.
    pub metadata: Map<String, Value>,
    /// Name for people.
    pub name: Option<String>,
    /// Hash of the password in PHC form, if it has one.
    pub password_hash: Option<String>,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// Second factor, if it has one.
    pub totp: Option<Totp>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the store moves it.
    pub version: u64,
}

impl AccountRecord {
    /// Describes a new, active account.
    pub fn new(id: UserId, kind: AccountKind, now: Timestamp) -> Self {
        Self {
            avatar_url: None,
            created_at: now,
            created_by: None,
            credential_version: 1,
            email: None,
            email_verified: false,
            id,
            kind,
            last_sign_in_at: None,
            metadata: Map::new(),
            name: None,
            password_hash: None,
            status: AccountStatus::Active,
            totp: None,
            updated_at: now,
            version: 1,
        }
    }

    /// Returns the form of an address in which two spellings of one are equal.
    pub fn email_key(email: &str) -> String {
        email.trim().to_lowercase()
    }
}

impl std::fmt::Debug for AccountRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountRecord")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Which accounts are wanted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AccountFilter {
    /// Of this kind.
    pub kind: Option<AccountKind>,
    /// Part of id, name or e-mail address, whatever the case of ASCII letters.
    pub search: Option<String>,
    /// Of this status.
    pub status: Option<AccountStatus>,
}

/// Keeps accounts.
#[async_trait]
pub trait AccountStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new account. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when its id or its e-mail
    /// address is taken, and when it is disabled and for the last owner, who had none.
    async fn create(&self, account: AccountRecord) -> Result<(), Error>;

    /// Returns an account.
    async fn find(&self, id: &UserId) -> Result<Option<AccountRecord>, Error>;

    /// Returns the account with this address, in any letter case.
    async fn find_by_email(&self, email: &str) -> Result<Option<AccountRecord>, Error>;

    /// Returns accounts by id.
    async fn list(
        &self,
        filter: &AccountFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AccountRecord>, Error>;

    /// Replaces an account whose version is still the record's, and moves the version by one. Kind, creation and last
    /// sign-in stay, and so does a later step of the same second factor: taking one moves no version.
    ///
    /// Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the new address is taken.
    /// [`Changed::LastOwner`] when it would disable the last owner.
    async fn update(&self, account: AccountRecord) -> Result<Changed, Error>;

    /// Deletes an account with its external identities, role assignments, group memberships, grants, keys,
    /// sessions and tokens, in one step.
    async fn delete(&self, id: &UserId) -> Result<Changed, Error>;

    /// Takes a time step of the second factor. Of many who show a code of one step, one is told so;
    /// a step that is not later than the last one taken is never taken.
    async fn take_totp_step(&self, id: &UserId, step: u64) -> Result<bool, Error>;

    /// Notes when somebody signed in. False when there is no such account.
    async fn note_sign_in(&self, id: &UserId, at: Timestamp) -> Result<bool, Error>;
}

/// Whom an identity provider knows an account as (OpenID Connect Core §5.7: issuer and subject together).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExternalIdentity {
    /// The provider.
    pub issuer: String,
    /// Since when.
    pub linked_at: Timestamp,
    /// The person at the provider.
    pub subject: String,
    /// The account.
    pub user_id: UserId,
}

impl ExternalIdentity {
    /// Describes a link.
    pub const fn new(
        issuer: String,
        subject: String,
        user_id: UserId,
        linked_at: Timestamp,
    ) -> Self {
        Self {
            issuer,
            linked_at,
            subject,
            user_id,
        }
    }
}

/// Keeps whom identity providers know accounts as.
#[async_trait]
pub trait IdentityStore: std::fmt::Debug + Send + Sync + 'static {
    /// Links. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when issuer and subject are linked already.
    async fn link(&self, identity: ExternalIdentity) -> Result<(), Error>;

    /// Returns who that is.
    async fn find_linked(&self, issuer: &str, subject: &str) -> Result<Option<UserId>, Error>;

    /// Returns the links of an account, by issuer and subject.
    async fn links_of(&self, user: &UserId) -> Result<Vec<ExternalIdentity>, Error>;

    /// Unlinks. False when there was no such link.
    async fn unlink(&self, issuer: &str, subject: &str) -> Result<bool, Error>;
}
