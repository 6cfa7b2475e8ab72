use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Error, TokenHash, UserId};

/// A session as a store keeps it: the hash of its id and never the id.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// When it was created.
    pub created_at: Timestamp,
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
    /// Whose it is.
    pub user_id: UserId,
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
            created_at: now,
            idle_until,
            absolute_until,
            hash,
            last_seen_at: now,
            metadata,
            user_id,
        }
    }

    /// Tells whether the session still runs at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.idle_until && now < self.absolute_until
    }
}

/// Keeps server-side sessions.
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

    /// Ends a session. False when there is none.
    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error>;

    /// Ends all sessions of a user and returns how many there were.
    async fn delete_for_user(&self, user: &UserId) -> Result<u64, Error>;

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
