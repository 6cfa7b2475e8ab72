//! Sessions that the browser keeps, sealed.

mod keys;
mod payload;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ee_core::{
    Clock, Error, NewSession, RequestHead, ServerCookie, Session, SessionId, SessionProvider,
    storage::EndedSessionStore,
};
use http::HeaderValue;
use jiff::Timestamp;
use secrecy::SecretString;

use self::{keys::KeyRing, payload::Payload};
use crate::{SessionConfigError, SessionLifetimes};

/// Fewest bytes of a secret.
pub(crate) const MIN_SECRET_BYTES: usize = 32;
/// Most secrets in use at once.
pub(crate) const MAX_SECRETS: usize = 16;
/// The longest `Set-Cookie` value that every browser keeps.
const MAX_COOKIE_BYTES: usize = 4_096;

/// Keeps sessions in the browser: the cookie holds all of it, encrypted and authenticated.
///
/// The cookie is AES-256-GCM with a random nonce under a key that HKDF-SHA-256 makes of a secret. Of
/// the secrets the first seals and every one opens; put a new one in front and drop the old one
/// when the sessions that it sealed are over. A session that was ended is refused until its cookie
/// would have expired, by the list in an [`EndedSessionStore`]. Whatever else is shown (malformed,
/// shortened, changed, sealed with another key, for another cookie) is no session.
///
/// One secret seals about four billion cookies safely; rotate it long before.
#[derive(Debug)]
pub struct CookieSessions {
    clock: Arc<dyn Clock>,
    cookie: ServerCookie,
    ended: Arc<dyn EndedSessionStore>,
    keys: KeyRing,
    lifetimes: SessionLifetimes,
}

impl CookieSessions {
    /// Seals cookies with the first of the secrets, for [`SessionLifetimes::SEALED`].
    ///
    /// Fails without a secret, with more than 16, and with one of fewer than 32 bytes.
    pub fn new(
        secrets: &[SecretString],
        ended: Arc<dyn EndedSessionStore>,
        clock: Arc<dyn Clock>,
        cookie: ServerCookie,
    ) -> Result<Self, SessionConfigError> {
        Ok(Self {
            clock,
            ended,
            keys: KeyRing::new(secrets, cookie.name())?,
            lifetimes: SessionLifetimes::SEALED,
            cookie,
        })
    }

    /// Changes how long sessions last: until they are refreshed, and at most. The second limit
    /// holds for sessions that run already too.
    #[must_use]
    pub const fn lifetimes(mut self, lifetimes: SessionLifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    fn seal(&self, payload: Payload) -> Result<Session, Error> {
        let text = self.keys.seal(&payload.to_bytes()?)?;
        let cookie = self.cookie.set(&text, self.lifetimes.absolute());
        let fits = cookie.is_some_and(|cookie| cookie.len() <= MAX_COOKIE_BYTES);
        let id = SessionId::from_cookie(&text)
            .filter(|_| fits)
            .ok_or_else(|| {
                let message = format!(
                    "makes a cookie of {} characters, longer than browsers keep",
                    text.len()
                );
                Error::invalid_field("metadata", message)
            })?;
        Ok(session(id, payload))
    }

    /// Opens what the browser shows, if it was sealed here, however long ago.
    fn open(&self, id: &SessionId) -> Option<Payload> {
        let mut bytes = Vec::with_capacity(id.expose().len());
        Payload::from_bytes(self.keys.open(id.expose(), &mut bytes)?)
    }

    /// Opens what the browser shows, if it runs at `now` and nobody ended it.
    async fn live(&self, id: &SessionId, now: Timestamp) -> Result<Option<Payload>, Error> {
        let runs = |payload: &Payload| {
            now < payload.expires_at && now < self.lifetimes.last_end(payload.created_at)
        };
        let Some(payload) = self.open(id).filter(runs) else {
            return Ok(None);
        };
        let ended = self.ended.is_ended(&payload.name()?).await?;
        Ok((!ended).then_some(payload))
    }
}

#[async_trait]
impl SessionProvider for CookieSessions {
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when the metadata is too long for a cookie.
    /// The browser keeps neither device nor address, and a sealed cookie lasts as long for everybody.
    async fn create(&self, new: NewSession) -> Result<Session, Error> {
        let now = to_millis(self.clock.now());
        self.seal(Payload {
            created_at: now,
            credential_version: new.credential_version,
            expires_at: self.lifetimes.idle_end(now, self.lifetimes.last_end(now)),
            id: Payload::fresh_id()?,
            metadata: new.metadata,
            user_id: new.user_id,
        })
    }

    async fn validate(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let payload = self.live(id, self.clock.now()).await?;
        Ok(payload.map(|mut payload| {
            let last_end = self.lifetimes.last_end(payload.created_at);
            payload.expires_at = payload.expires_at.min(last_end);
            session(id.clone(), payload)
        }))
    }

    async fn destroy(&self, id: &SessionId) -> Result<(), Error> {
        match self.open(id) {
            // Also when it seems to have expired: the clock may be wrong today.
            Some(payload) => {
                self.ended.end(&payload.name()?, payload.expires_at).await?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Seals anew with the newest key and ends the old cookie before the new one is handed out.
    async fn refresh(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        let Some(mut payload) = self.live(id, now).await? else {
            return Ok(None);
        };
        let (old, old_end) = (payload.name()?, payload.expires_at);
        let last_end = self.lifetimes.last_end(payload.created_at);
        payload.id = Payload::fresh_id()?;
        payload.expires_at = self.lifetimes.idle_end(to_millis(now), last_end);
        let fresh = self.seal(payload)?;
        // Of many who refresh one cookie at once, one gets a session.
        let is_first = self.ended.end(&old, old_end).await?;
        Ok(is_first.then_some(fresh))
    }

    fn id_from_request(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error> {
        self.cookie.read(head)
    }

    /// The browser keeps the cookie until it expires; a refresh hands out another.
    fn headers(&self, session: &Session) -> Vec<HeaderValue> {
        let rest = session.expires_at.duration_since(self.clock.now());
        let age = Duration::try_from(rest).unwrap_or_default();
        let header = self.cookie.set(session.id.expose(), age);
        header.into_iter().collect()
    }

    fn clear_headers(&self) -> Vec<HeaderValue> {
        self.cookie.clear().into_iter().collect()
    }
}

fn session(id: SessionId, payload: Payload) -> Session {
    let mut session = Session::new(id, payload.user_id, payload.created_at, payload.expires_at);
    session.credential_version = payload.credential_version;
    session.metadata = payload.metadata;
    session
}

/// Cuts what the cookie does not hold, so that a session reads the same when it comes back.
fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
