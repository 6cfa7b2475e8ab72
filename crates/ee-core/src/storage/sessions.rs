use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Cursor, Listed};
use crate::{Error, RolesMark, TokenHash, UserId};

/// A session as a store keeps it: the hash of its id and never the id.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Where it was begun, as judged by the adapter.
    pub address: Option<IpAddr>,
    /// When its user last showed a credential: dangerous acts ask for a recent moment.
    pub authenticated_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// Which [`credential_version`](super::AccountRecord::credential_version) it was begun under; 0 when its user has no
    /// account here.
    pub credential_version: u64,
    /// What it was begun with, for people: a browser and its system.
    pub device: Option<String>,
    /// When it ends if it is not used.
    pub idle_until: Timestamp,
    /// When it ends however much it is used.
    pub absolute_until: Timestamp,
    /// Hash of its id.
    pub hash: TokenHash,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// What the provider keeps beside it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The hash of the id that it had before the one it has.
    pub previous: Option<PreviousHash>,
    /// Under which roles its id was given out; `None` when it does not change with them.
    pub roles_mark: Option<RolesMark>,
    /// Whether its user asked for a long one.
    pub is_remembered: bool,
    /// Whose it is.
    pub user_id: UserId,
}

/// The hash of an id that a session had. For requests that were under way when it got another one it is good a moment more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PreviousHash {
    /// The hash.
    pub hash: TokenHash,
    /// From when on it is good for nothing.
    pub until: Timestamp,
}

/// Another id for a session that goes on as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionRenewal {
    /// The time.
    pub at: Timestamp,
    /// Hash of the new id.
    pub hash: TokenHash,
    /// Until when the id that it had is good as well.
    pub previous_until: Timestamp,
    /// Under which roles the new id is given out.
    pub roles_mark: RolesMark,
}

impl SessionRecord {
    /// Describes a session that starts at `now`.
    pub fn new(
        hash: TokenHash,
        user_id: UserId,
        now: Timestamp,
        idle_until: Timestamp,
        absolute_until: Timestamp,
    ) -> Self {
        let metadata = serde_json::Map::new();
        Self {
            address: None,
            authenticated_at: now,
            created_at: now,
            credential_version: 0,
            device: None,
            idle_until,
            is_remembered: false,
            absolute_until,
            hash,
            last_seen_at: now,
            metadata,
            previous: None,
            roles_mark: None,
            user_id,
        }
    }

    /// Tells whether the session still runs at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.idle_until && now < self.absolute_until
    }

    /// Tells whether the hash is the one that the session has or had before.
    pub fn is_named(&self, hash: &TokenHash) -> bool {
        self.hash == *hash || self.previous.is_some_and(|it| it.hash == *hash)
    }

    /// Tells whether the id that the session had before is good at `now`.
    pub fn has_two_ids(&self, now: Timestamp) -> bool {
        self.previous.is_some_and(|it| now < it.until)
    }

    /// Tells whether an id with this hash continues the session at `now`.
    pub fn is_continued_by(&self, hash: &TokenHash, now: Timestamp) -> bool {
        self.is_live(now) && (self.hash == *hash || self.has_two_ids(now) && self.is_named(hash))
    }

    /// Gives the session another hash if it may have one; tells whether it has got it.
    ///
    /// One that is over stays so, and the id before is never cut short.
    pub fn renew(&mut self, renewal: &SessionRenewal) -> bool {
        if !self.is_live(renewal.at) || self.has_two_ids(renewal.at) {
            return false;
        }
        self.previous = Some(PreviousHash {
            hash: self.hash,
            until: renewal.previous_until,
        });
        self.hash = renewal.hash;
        self.roles_mark = Some(renewal.roles_mark);
        true
    }
}

/// Keeps server-side sessions.
///
/// Whatever takes a hash takes the one that the session has or the one that it [had before](SessionRecord::previous),
/// however long ago, unless it says otherwise: both name one session, and the end of it ends both.
#[async_trait]
pub trait SessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new session. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the hash is taken;
    /// nothing is overwritten.
    async fn create(&self, record: SessionRecord) -> Result<(), Error>;

    /// Returns a session, also an expired one that is not purged yet.
    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error>;

    /// Notes that the session was used. False when there is none: nothing is created.
    async fn touch(
        &self,
        hash: &TokenHash,
        last_seen_at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<bool, Error>;

    /// Gives a session another hash, in one step, and changes nothing else but what the
    /// [renewal](SessionRecord::renew) says. False when there is none that has the old hash now, when it is over, and
    /// while the hash that it had before is still good: then it stays as it is.
    /// Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the new hash is taken.
    async fn renew(&self, old: &TokenHash, renewal: &SessionRenewal) -> Result<bool, Error>;

    /// Puts a session in the place of another that has the hash now, in one step. False when the other is gone: then
    /// nothing is kept.
    /// Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the new hash is taken.
    async fn replace(&self, old: &TokenHash, record: SessionRecord) -> Result<bool, Error>;

    /// Returns sessions by hash, of one user or of all, also expired ones.
    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<SessionRecord>, Error>;

    /// Ends a session. False when there is none.
    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error>;

    /// Ends all sessions of a user but `keep`, and returns how many there were.
    async fn delete_for_user(&self, user: &UserId, keep: Option<&TokenHash>) -> Result<u64, Error>;

    /// Ends the oldest sessions of a user until no more than `most` are left, and returns how many there were.
    async fn trim(&self, user: &UserId, most: u32) -> Result<u64, Error>;

    /// Forgets the sessions that are over at `now` and returns how many there were.
    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error>;
}

/// Keeps the ids of sessions that were ended before they expired. Stateless sessions need it to end at all.
#[async_trait]
pub trait EndedSessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Remembers until `until` that the session is over. True for the first who ends it: of many
    /// who end the same one at once, one is told so. Of two ends the later `until` counts.
    async fn end(&self, hash: &TokenHash, until: Timestamp) -> Result<bool, Error>;

    /// Tells whether the session is over.
    async fn is_ended(&self, hash: &TokenHash) -> Result<bool, Error>;

    /// Forgets what would have expired at `now` anyway and returns how many there were.
    async fn purge_ended(&self, now: Timestamp) -> Result<u64, Error>;
}

/// A sign-in at an identity provider that is under way (RFC 9700 §2.1, §4.7).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct SignInFlow {
    /// Hash of a secret that only the browser which started the flow has.
    pub browser_hash: TokenHash,
    /// When the flow ends.
    pub expires_at: Timestamp,
    /// Random value that comes back in the ID token.
    pub nonce: String,
    /// PKCE verifier.
    pub pkce_verifier: String,
    /// Where the provider was told to send the browser.
    pub redirect_uri: String,
    /// Path that the browser goes to afterwards.
    pub return_to: String,
    /// Hash of the state parameter: the key of the row.
    pub state_hash: TokenHash,
}

impl SignInFlow {
    /// Describes a flow that was just started; the remaining fields are set by the caller.
    pub const fn new(
        state_hash: TokenHash,
        browser_hash: TokenHash,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            browser_hash,
            expires_at,
            nonce: String::new(),
            pkce_verifier: String::new(),
            redirect_uri: String::new(),
            return_to: String::new(),
            state_hash,
        }
    }
}

impl std::fmt::Debug for SignInFlow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInFlow")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Keeps the sign-ins that are under way.
#[async_trait]
pub trait SignInFlowStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a flow. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the state is taken.
    async fn create(&self, flow: SignInFlow) -> Result<(), Error>;

    /// Removes the flow and returns it, in one step: of many who ask for the same one, one gets it.
    async fn take(&self, state_hash: &TokenHash) -> Result<Option<SignInFlow>, Error>;

    /// Forgets the flows that are over at `now` and returns how many there were.
    async fn purge_flows(&self, now: Timestamp) -> Result<u64, Error>;
}
