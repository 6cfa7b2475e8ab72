//! Sessions: how a browser stays signed in.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::{Error, RequestHead, SessionId, UserId};

/// A running session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends if nothing happens.
    pub expires_at: Timestamp,
    /// What the browser shows. A secret.
    pub id: SessionId,
    /// What the provider keeps beside it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
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
            expires_at,
            id,
            metadata: serde_json::Map::new(),
            user_id,
        }
    }
}

/// Creates, checks and ends sessions (`ISessionProvider`, phase 2).
#[async_trait]
pub trait SessionProvider: std::fmt::Debug + Send + Sync + 'static {
    /// Starts a session with a fresh id.
    async fn create(
        &self,
        user: &UserId,
        metadata: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Session, Error>;

    /// Returns the session, `None` when it is unknown, ended or expired.
    async fn validate(&self, id: &SessionId) -> Result<Option<Session>, Error>;

    /// Ends the session for good: whoever shows its id afterwards is nobody.
    async fn destroy(&self, id: &SessionId) -> Result<(), Error>;

    /// Prolongs the session within its absolute limit. The id may change.
    async fn refresh(&self, id: &SessionId) -> Result<Option<Session>, Error>;

    /// Returns the id that the request shows, `None` when it shows none of ours.
    ///
    /// Fails with [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) when the cookie is malformed.
    fn id_from_request(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error>;

    /// Returns the headers that hand the session to the browser.
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
