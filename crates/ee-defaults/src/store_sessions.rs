//! Sessions that a store keeps.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ee_core::{
    Clock, Error, NewSession, RequestHead, RolesMark, ServerCookie, Session, SessionId,
    SessionProvider, TokenHash,
    storage::{SessionRecord, SessionRenewal, SessionStore},
};
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use tracing::{debug, warn};

use crate::SessionLifetimes;

/// Most sessions that one user has, unless the configuration says otherwise.
const MOST_OF_A_USER: u32 = 20;
/// How often the use of a session is written down at most.
const TOUCH_EVERY: Duration = Duration::from_mins(1);
/// How long the id is good that a session had before the one it has: for requests that were under way, and for those
/// that the browser sent before it got the answer with the new one.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Keeps sessions in a store; the browser holds 256 random bits and the store only their hash.
///
/// A session ends when it was not used for a while, and at the latest at its absolute end, which is
/// fixed when it is created and moved by nothing: neither by use, nor by a refresh, nor by a clock
/// that is set back. Over a memory store these are the memory sessions of the specification.
///
/// It gets another id when the roles of its user change, and everything else stays as it is. The id that it had is good
/// for 30 seconds more, gets no other one, and is no way to the one that came after it.
#[derive(Debug)]
pub struct StoreSessions {
    clock: Arc<dyn Clock>,
    cookie: ServerCookie,
    lifetimes: SessionLifetimes,
    most: u32,
    store: Arc<dyn SessionStore>,
}

impl StoreSessions {
    /// Keeps sessions in `store` for [`SessionLifetimes::STORED`].
    pub fn new(store: Arc<dyn SessionStore>, clock: Arc<dyn Clock>, cookie: ServerCookie) -> Self {
        Self {
            clock,
            cookie,
            lifetimes: SessionLifetimes::STORED,
            most: MOST_OF_A_USER,
            store,
        }
    }

    /// Changes how long sessions last. Sessions that run keep the end that they have.
    #[must_use]
    pub const fn lifetimes(mut self, lifetimes: SessionLifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// Changes how many sessions one user has at most: the oldest ends when he begins one more.
    #[must_use]
    pub const fn at_most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    fn lifetimes_of(&self, record: &SessionRecord) -> SessionLifetimes {
        if record.is_remembered {
            SessionLifetimes::REMEMBERED
        } else {
            self.lifetimes
        }
    }

    /// Returns the record if the session runs at `now`, and has the store forget it if it is over.
    async fn live(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<SessionRecord>, Error> {
        let Some(record) = self.store.find(hash).await? else {
            return Ok(None);
        };
        if record.is_live(now) {
            // An id of before takes nothing from the session when it comes too late.
            return Ok(record.is_continued_by(hash, now).then_some(record));
        }
        // The answer does not hang on it: what stays here goes with the next purge.
        if let Err(err) = self.store.delete(&record.hash).await {
            debug!(
                error.kind = err.kind().code(),
                "cannot delete a session that is over"
            );
        }
        Ok(None)
    }

    /// Writes down that the session was used, and tells whether it still exists.
    async fn note_use(&self, record: &mut SessionRecord, now: Timestamp) -> bool {
        let lifetimes = self.lifetimes_of(record);
        let idle_until = lifetimes.idle_end(now, record.absolute_until);
        match self.store.touch(&record.hash, now, idle_until).await {
            Ok(true) => {
                record.last_seen_at = now;
                record.idle_until = idle_until;
                true
            }
            Ok(false) => false,
            // It was read and it runs; it only ends earlier than its use would have it.
            Err(err) => {
                warn!(
                    error.kind = err.kind().code(),
                    "cannot write down that a session was used"
                );
                true
            }
        }
    }
}

#[async_trait]
impl SessionProvider for StoreSessions {
    async fn create(&self, new: NewSession) -> Result<Session, Error> {
        let now = self.clock.now();
        let id = SessionId::random()?;
        let mut record = SessionRecord::new(id.hash(), new.user_id, now, now, now);
        record.address = new.address;
        record.credential_version = new.credential_version;
        record.device = new.device;
        record.is_remembered = new.is_remembered;
        record.metadata = new.metadata;
        record.roles_mark = new.roles_mark;
        let lifetimes = self.lifetimes_of(&record);
        record.absolute_until = lifetimes.last_end(now);
        record.idle_until = lifetimes.idle_end(now, record.absolute_until);
        self.store.create(record.clone()).await?;
        self.store.trim(&record.user_id, self.most).await?;
        Ok(session(id, record, now))
    }

    async fn validate(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        let Some(mut record) = self.live(&id.hash(), now).await? else {
            return Ok(None);
        };
        // A clock that was set back writes nothing until it has caught up.
        let unseen = now.duration_since(record.last_seen_at);
        if unseen >= TOUCH_EVERY.try_into().unwrap_or_default()
            && !self.note_use(&mut record, now).await
        {
            return Ok(None);
        }
        Ok(Some(session(id.clone(), record, now)))
    }

    async fn peek(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        let found = self.live(&id.hash(), now).await?;
        Ok(found.map(|record| session(id.clone(), record, now)))
    }

    /// Whoever asks has been let in before and asks again after every change: the hash that was found then names the
    /// session, also when the id that was shown with it opens nothing new any more.
    async fn follow(&self, known: &Session) -> Result<Option<Session>, Error> {
        let Some(hash) = known.hash else {
            return self.peek(&known.id).await;
        };
        let now = self.clock.now();
        let found = self.store.find(&hash).await?;
        let live = found.filter(|record| record.is_live(now));
        Ok(live.map(|record| session(known.id.clone(), record, now)))
    }

    async fn renew(&self, shown: &Session, roles: RolesMark) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        let id = SessionId::random()?;
        let renewal = SessionRenewal {
            at: now,
            hash: id.hash(),
            previous_until: now + GRACE,
            roles_mark: roles,
        };
        if shown.is_previous_id || !self.store.renew(&shown.id.hash(), &renewal).await? {
            return Ok(None);
        }
        let mut renewed = shown.clone();
        renewed.hash = Some(renewal.hash);
        renewed.id = id;
        renewed.roles_mark = None;
        Ok(Some(renewed))
    }

    /// Ends the session, whichever of its ids is shown. An id that comes too late ends nothing.
    async fn destroy(&self, id: &SessionId) -> Result<(), Error> {
        let (hash, now) = (id.hash(), self.clock.now());
        let found = self.store.find(&hash).await?;
        if found.is_some_and(|it| it.hash != hash && !it.has_two_ids(now)) {
            return Ok(());
        }
        self.store.delete(&hash).await.map(drop)
    }

    /// Gives the session a new id and ends the old one before the new one is handed out.
    ///
    /// Of several who refresh one id at once, one gets a session. Whoever shows the id that it had before gets no new one.
    async fn refresh(&self, id: &SessionId) -> Result<Option<Session>, Error> {
        let now = self.clock.now();
        let old = id.hash();
        let Some(mut record) = self.live(&old, now).await? else {
            return Ok(None);
        };
        if record.hash != old {
            return Ok(Some(session(id.clone(), record, now)));
        }
        let id = SessionId::random()?;
        record.hash = id.hash();
        record.previous = None;
        let lifetimes = self.lifetimes_of(&record);
        record.idle_until = lifetimes.idle_end(now, record.absolute_until);
        record.last_seen_at = now;
        let is_replaced = self.store.replace(&old, record.clone()).await?;
        Ok(is_replaced.then(|| session(id, record, now)))
    }

    fn id_from_request(&self, head: &RequestHead<'_>) -> Result<Option<SessionId>, Error> {
        self.cookie.read(head)
    }

    fn headers(&self, session: &Session) -> Vec<HeaderValue> {
        // The browser may have the new one by now.
        if session.is_previous_id {
            return Vec::new();
        }
        // To the last moment that the session can have.
        let rest = session.ends_at.duration_since(self.clock.now());
        let age = Duration::try_from(rest).unwrap_or_default();
        let header = self.cookie.set(session.id.expose(), age);
        header.into_iter().collect()
    }

    fn clear_headers(&self) -> Vec<HeaderValue> {
        self.cookie.clear().into_iter().collect()
    }
}

/// Describes a session as whoever shows the id sees it.
fn session(id: SessionId, record: SessionRecord, now: Timestamp) -> Session {
    let is_previous_id = record.previous.is_some_and(|it| it.hash == id.hash());
    let roles_mark = record.roles_mark.filter(|_| !record.has_two_ids(now));
    let expires_at = record.idle_until.min(record.absolute_until);
    let mut session = Session::new(id, record.user_id, record.created_at, expires_at);
    session.credential_version = record.credential_version;
    session.ends_at = record.absolute_until;
    session.hash = Some(record.hash);
    session.is_previous_id = is_previous_id;
    session.is_remembered = record.is_remembered;
    session.metadata = record.metadata;
    session.roles_mark = roles_mark;
    session
}
