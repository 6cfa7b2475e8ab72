//! Sessions: how a browser stays signed in.

use std::net::IpAddr;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::{Error, RequestHead, RolesMark, SessionId, TokenHash, User, UserId};

/// A running session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// When it was created.
    pub created_at: Timestamp,
    /// Which [`User::credential_version`] it was begun under. Under another one it is over.
    pub credential_version: u64,
    /// When it ends whatever happens.
    pub ends_at: Timestamp,
    /// When it ends if nothing happens.
    pub expires_at: Timestamp,
    /// What the store knew it by when it was found, where a store keeps it.
    pub hash: Option<TokenHash>,
    /// What the browser shows. A secret.
    pub id: SessionId,
    /// Whether `id` is the one that it had before the one it has. Who shows that is handed out nothing.
    pub is_previous_id: bool,
    /// Whether its user asked for a long one.
    pub is_remembered: bool,
    /// What the provider keeps beside it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Under which roles the id was given out: under others it has to be [renewed](SessionProvider::renew). `None` when
    /// that cannot be, or not now.
    pub roles_mark: Option<RolesMark>,
    /// Whose it is.
    pub user_id: UserId,
}

impl Session {
    /// Describes a session.
    pub fn new(
        id: SessionId,
        user_id: UserId,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            created_at,
            credential_version: 0,
            ends_at: expires_at,
            expires_at,
            hash: None,
            id,
            is_previous_id: false,
            is_remembered: false,
            metadata: serde_json::Map::new(),
            roles_mark: None,
            user_id,
        }
    }
}

/// A session that is to begin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewSession {
    /// Where it begins, as judged by the adapter.
    pub address: Option<IpAddr>,
    /// Which [`User::credential_version`] it begins under.
    pub credential_version: u64,
    /// What it begins with, for people: a browser and its system.
    pub device: Option<String>,
    /// Whether its user asked for a long one.
    pub is_remembered: bool,
    /// What the provider keeps beside it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The roles that its user has; without them its id does not change when they do.
    pub roles_mark: Option<RolesMark>,
    /// Whose it is.
    pub user_id: UserId,
}

impl NewSession {
    /// Describes a session of a user whose credentials nobody here can change.
    pub fn new(user_id: UserId) -> Self {
        Self {
            address: None,
            credential_version: 0,
            device: None,
            is_remembered: false,
            metadata: serde_json::Map::new(),
            roles_mark: None,
            user_id,
        }
    }

    /// Describes a session of somebody.
    pub fn of(user: &User) -> Self {
        Self {
            credential_version: user.credential_version,
            ..Self::new(user.id.clone())
        }
    }
}

/// Creates, checks and ends sessions (`ISessionProvider`, phase 2).
#[async_trait]
pub trait SessionProvider: std::fmt::Debug + Send + Sync + 'static {
    /// Starts a session with a fresh id.
    async fn create(&self, new: NewSession) -> Result<Session, Error>;

    /// Returns the session, `None` when it is unknown, ended or expired.
    async fn validate(&self, id: &SessionId) -> Result<Option<Session>, Error>;

    /// Returns the session as [`validate`](Self::validate) does, without a use of it: nothing is prolonged.
    async fn peek(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        self.validate(id).await
    }

    /// Returns a session that was found before as it is now, also when its id has changed since. It is no use of it.
    async fn follow(&self, session: &Session) -> Result<Option<Session>, Error> {
        self.peek(&session.id).await
    }

    /// Gives the session another id, since its user has other roles now, and changes nothing else. The id that it had is
    /// good a moment more, for what is under way. `None` when it keeps the id that it has: of many who ask at once, one
    /// gets the new one.
    async fn renew(&self, _session: &Session, _roles: RolesMark) -> Result<Option<Session>, Error> {
        Ok(None)
    }

    /// Ends the session for good: whoever shows its id afterwards is nobody.
    async fn destroy(&self, id: &SessionId) -> Result<(), Error>;

    /// Prolongs the session within its absolute limit. The id may change.
    async fn refresh(&self, id: &SessionId) -> Result<Option<Session>, Error>;

    /// Returns the id that the request shows, `None` when it shows none of ours.
    ///
    /// Fails with [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) when the cookie is malformed.
    fn id_from_request(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error>;

    /// Returns the headers that hand the session to the browser; none for whoever has shown the
    /// [previous id](Session::is_previous_id).
    fn headers(&self, session: &Session) -> Vec<HeaderValue>;

    /// Returns the headers that make the browser forget the session.
    fn clear_headers(&self) -> Vec<HeaderValue>;
}

/// Adds values of `Set-Cookie` to the headers of an answer.
pub fn add_cookies(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    for cookie in cookies {
        headers.append(http::header::SET_COOKIE, cookie);
    }
}
