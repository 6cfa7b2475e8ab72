//! A store that tests can look into.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, TokenHash, UserId,
    storage::{Cursor, EndedSessionStore, Listed, SessionRecord, SessionRenewal, SessionStore},
};
use jiff::Timestamp;

/// Runs a future that never waits.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in these tests waits"),
    }
}

/// Keeps records in a map, counts touches and fails on demand.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) broken: AtomicBool,
    pub(crate) ended: Mutex<HashMap<TokenHash, Timestamp>>,
    pub(crate) records: Mutex<HashMap<TokenHash, SessionRecord>>,
    pub(crate) touches: AtomicUsize,
}

impl Shelf {
    pub(crate) fn only_record(&self) -> SessionRecord {
        let records = self.records.lock().unwrap();
        assert_eq!(records.len(), 1);
        records.values().next().unwrap().clone()
    }

    fn check(&self) -> Result<(), Error> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "the shelf is broken"));
        }
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Shelf {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        self.check()?;
        let before = self.records.lock().unwrap().insert(record.hash, record);
        assert!(before.is_none(), "an id comes twice");
        Ok(())
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
        self.check()?;
        let records = self.records.lock().unwrap();
        Ok(records.values().find(|it| it.is_named(hash)).cloned())
    }

    async fn touch(
        &self,
        hash: &TokenHash,
        last_seen_at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<bool, Error> {
        self.check()?;
        self.touches.fetch_add(1, Ordering::Relaxed);
        let mut records = self.records.lock().unwrap();
        let Some(record) = records.get_mut(hash) else {
            return Ok(false);
        };
        record.last_seen_at = last_seen_at;
        record.idle_until = idle_until;
        Ok(true)
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        self.check()?;
        let mut records = self.records.lock().unwrap();
        let before = records.len();
        records.retain(|_, record| !record.is_named(hash));
        Ok(records.len() < before)
    }

    async fn renew(&self, old: &TokenHash, renewal: &SessionRenewal) -> Result<bool, Error> {
        self.check()?;
        let mut records = self.records.lock().unwrap();
        let Some(mut record) = records.get(old).cloned() else {
            return Ok(false);
        };
        let is_renewed = record.renew(renewal);
        if is_renewed {
            records.remove(old);
            records.insert(record.hash, record);
        }
        Ok(is_renewed)
    }

    async fn replace(&self, old: &TokenHash, record: SessionRecord) -> Result<bool, Error> {
        self.check()?;
        let mut records = self.records.lock().unwrap();
        if records.remove(old).is_none() {
            return Ok(false);
        }
        records.insert(record.hash, record);
        Ok(true)
    }

    async fn list(
        &self,
        _user: Option<&UserId>,
        _cursor: &Cursor,
    ) -> Result<Listed<SessionRecord>, Error> {
        unreachable!("no session provider lists sessions")
    }

    async fn trim(&self, user: &UserId, most: u32) -> Result<u64, Error> {
        self.check()?;
        let mut records = self.records.lock().unwrap();
        let of_user = records.values().filter(|it| it.user_id == *user);
        let mut ages: Vec<_> = of_user.map(|it| (it.created_at, it.hash)).collect();
        ages.sort_by_key(|(created_at, _)| *created_at);
        let over = ages.len().saturating_sub(most as usize);
        for (_, hash) in &ages[..over] {
            records.remove(hash);
        }
        Ok(over as u64)
    }

    async fn delete_for_user(
        &self,
        _user: &UserId,
        _keep: Option<&TokenHash>,
    ) -> Result<u64, Error> {
        unreachable!("no session provider ends all sessions")
    }

    async fn purge_expired(&self, _now: Timestamp) -> Result<u64, Error> {
        unreachable!("no session provider purges")
    }
}

#[async_trait]
impl EndedSessionStore for Shelf {
    async fn end(&self, hash: &TokenHash, until: Timestamp) -> Result<bool, Error> {
        self.check()?;
        Ok(self.ended.lock().unwrap().insert(*hash, until).is_none())
    }

    async fn is_ended(&self, hash: &TokenHash) -> Result<bool, Error> {
        self.check()?;
        Ok(self.ended.lock().unwrap().contains_key(hash))
    }

    async fn purge_ended(&self, _now: Timestamp) -> Result<u64, Error> {
        unreachable!("no session provider purges")
    }
}
