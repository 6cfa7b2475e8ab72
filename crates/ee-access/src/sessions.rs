//! Sessions of another store, remembered.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::{
    Clock, Error, TokenHash, UserId,
    storage::{Cursor, Listed, SessionRecord, SessionRenewal, SessionStore},
};
use jiff::Timestamp;
use quick_cache::{UnitWeighter, sync::Cache};

use crate::{AT_FIRST, Epochs};

/// Most sessions that are remembered.
const CAPACITY: u64 = 100_000;

#[derive(Clone)]
struct Remembered {
    at_session: u64,
    at_user: u64,
    record: Arc<SessionRecord>,
}

/// A session store that remembers what it has found in another one.
///
/// Whoever is asked about has been told of every change: [`Epochs`] has to listen to the hub of the store.
pub struct CachedSessions {
    cache: Cache<TokenHash, Remembered>,
    clock: Arc<dyn Clock>,
    epochs: Arc<Epochs>,
    store: Arc<dyn SessionStore>,
}

impl CachedSessions {
    /// Remembers the sessions of `store`, to whose hub `epochs` listens.
    pub fn new(store: Arc<dyn SessionStore>, epochs: Arc<Epochs>, clock: Arc<dyn Clock>) -> Self {
        Self {
            cache: Cache::with_weighter(AT_FIRST, CAPACITY, UnitWeighter),
            clock,
            epochs,
            store,
        }
    }

    /// Counts what happens to a session by the other hash that it has or had: whoever ends it names the one or the other.
    fn other(&self, hash: &TokenHash, record: &SessionRecord) -> u64 {
        let Some(previous) = &record.previous else {
            return 0;
        };
        let is_current = record.hash == *hash;
        let other = if is_current {
            &previous.hash
        } else {
            &record.hash
        };
        self.epochs.session(other)
    }
}

impl fmt::Debug for CachedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedSessions")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for CachedSessions {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        self.store.create(record).await
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
        let at_session = self.epochs.session(hash);
        if let Some(found) = self.cache.get(hash)
            && found.at_session == at_session + self.other(hash, &found.record)
            && found.at_user == self.epochs.user(&found.record.user_id)
            // Use is told to nobody: one that seems to be over may have been used at another server.
            && found.record.is_live(self.clock.now())
        {
            return Ok(Some(SessionRecord::clone(&found.record)));
        }
        // Whose it is shows only afterwards: nothing is remembered while anything happened to any user.
        let any_user = self.epochs.any_user();
        let any_session = self.epochs.any_session();
        let Some(record) = self.store.find(hash).await? else {
            self.cache.remove(hash);
            return Ok(None);
        };
        let at_user = self.epochs.user(&record.user_id);
        let at_session = at_session + self.other(hash, &record);
        // So does the other hash that it may have.
        let is_still = record.previous.is_none() || self.epochs.any_session() == any_session;
        if is_still && self.epochs.any_user() == any_user {
            let remembered = Remembered {
                at_session,
                at_user,
                record: Arc::new(record.clone()),
            };
            self.cache.insert(*hash, remembered);
        }
        Ok(Some(record))
    }

    async fn touch(
        &self,
        hash: &TokenHash,
        last_seen_at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<bool, Error> {
        let result = self.store.touch(hash, last_seen_at, idle_until).await;
        self.cache.remove(hash);
        result
    }

    async fn renew(&self, old: &TokenHash, renewal: &SessionRenewal) -> Result<bool, Error> {
        self.store.renew(old, renewal).await
    }

    async fn replace(&self, old: &TokenHash, record: SessionRecord) -> Result<bool, Error> {
        self.store.replace(old, record).await
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<SessionRecord>, Error> {
        self.store.list(user, cursor).await
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        self.store.delete(hash).await
    }

    async fn delete_for_user(&self, user: &UserId, keep: Option<&TokenHash>) -> Result<u64, Error> {
        self.store.delete_for_user(user, keep).await
    }

    async fn trim(&self, user: &UserId, most: u32) -> Result<u64, Error> {
        self.store.trim(user, most).await
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error> {
        self.store.purge_expired(now).await
    }
}
