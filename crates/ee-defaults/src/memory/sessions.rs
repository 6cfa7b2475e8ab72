use std::{
    collections::{HashMap, HashSet},
    sync::RwLock,
};

use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, UserId,
    storage::{
        Change, Cursor, EndedSessionStore, Listed, SessionRecord, SessionRenewal, SessionStore,
        SignInFlow, SignInFlowStore,
    },
};
use jiff::Timestamp;

use super::{MemoryStore, bad_cursor, count, read, shards::Shards, taken, write};

/// Sessions by their hashes, and whose they are.
///
/// Whoever begins or ends one holds `by_user`, so that none that takes the place of another slips
/// by somebody who ends all of a user. Who only finds or touches one does without.
#[derive(Default)]
pub(super) struct Sessions {
    by_hash: Shards<SessionRecord>,
    by_user: RwLock<ByUser>,
    /// Which hash the session has now that had this one before.
    renewed: Shards<TokenHash>,
}

type ByUser = HashMap<UserId, HashSet<TokenHash>>;

impl Sessions {
    /// Ends all sessions of a user but `keep`, and returns how many there were.
    pub(super) fn end_all(&self, user: &UserId, keep: Option<&TokenHash>) -> u64 {
        let mut by_user = write(&self.by_user);
        let mut over = by_user.get(user).cloned().unwrap_or_default();
        let keep = keep.map(|hash| self.current(hash));
        over.retain(|hash| keep != Some(*hash));
        for hash in &over {
            self.end(&mut by_user, hash);
        }
        count(over.len())
    }

    fn begin(&self, by_user: &mut ByUser, record: SessionRecord) -> Result<(), Error> {
        let (hash, user) = (record.hash, record.user_id.clone());
        let previous = record.previous;
        if !self.by_hash.insert_new(hash, record) {
            return Err(taken("such a session exists already"));
        }
        by_user.entry(user).or_default().insert(hash);
        if let Some(previous) = previous {
            self.renewed.insert_new(previous.hash, hash);
        }
        Ok(())
    }

    fn end(&self, by_user: &mut ByUser, hash: &TokenHash) -> bool {
        let record = self.by_hash.remove(hash);
        if let Some(record) = &record {
            self.forget(by_user, record);
        }
        record.is_some()
    }

    /// Forgets whose a session was that is gone, and the hash that it had before.
    fn forget(&self, by_user: &mut ByUser, record: &SessionRecord) {
        leave(by_user, record);
        if let Some(previous) = &record.previous {
            self.renewed.remove(&previous.hash);
        }
    }

    /// Returns the hash that the session has which has or had this one.
    fn current(&self, hash: &TokenHash) -> TokenHash {
        if self.by_hash.contains(hash) {
            return *hash;
        }
        self.renewed.find(hash).unwrap_or(*hash)
    }

    fn find(&self, hash: &TokenHash) -> Option<SessionRecord> {
        let found = self.by_hash.find(hash);
        found.or_else(|| self.by_hash.find(&self.renewed.find(hash)?))
    }

    fn change(&self, hash: &TokenHash, change: impl Fn(&mut SessionRecord)) -> bool {
        let renewed = || self.renewed.find(hash);
        self.by_hash.change(hash, &change)
            || renewed().is_some_and(|hash| self.by_hash.change(&hash, &change))
    }

    /// Gives a session another hash. Whoever looks meanwhile finds it by the one or the other.
    fn renew(&self, old: &TokenHash, renewal: &SessionRenewal) -> Result<bool, Error> {
        let by_user = &mut write(&self.by_user);
        let Some(mut record) = self.by_hash.find(old) else {
            return Ok(false);
        };
        if !record.renew(renewal) {
            return Ok(false);
        }
        self.begin(by_user, record)?;
        self.end(by_user, old);
        Ok(true)
    }

    /// Copies all sessions of a user, in no order.
    fn of(&self, by_user: &ByUser, user: &UserId) -> Vec<SessionRecord> {
        let hashes = by_user.get(user).into_iter().flatten();
        hashes.filter_map(|hash| self.by_hash.find(hash)).collect()
    }
}

fn leave(by_user: &mut ByUser, record: &SessionRecord) {
    if let Some(hashes) = by_user.get_mut(&record.user_id) {
        hashes.remove(&record.hash);
        if hashes.is_empty() {
            by_user.remove(&record.user_id);
        }
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        let Sessions { by_user, .. } = &self.sessions;
        self.sessions.begin(&mut write(by_user), record)
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
        Ok(self.sessions.find(hash))
    }

    async fn touch(
        &self,
        hash: &TokenHash,
        last_seen_at: Timestamp,
        idle_until: Timestamp,
    ) -> Result<bool, Error> {
        Ok(self.sessions.change(hash, |record| {
            record.last_seen_at = last_seen_at;
            record.idle_until = idle_until;
        }))
    }

    async fn renew(&self, old: &TokenHash, renewal: &SessionRenewal) -> Result<bool, Error> {
        let is_renewed = self.sessions.renew(old, renewal)?;
        self.hub.tell(&Change::Session(*old));
        Ok(is_renewed)
    }

    async fn replace(&self, old: &TokenHash, record: SessionRecord) -> Result<bool, Error> {
        {
            let by_user = &mut write(&self.sessions.by_user);
            if !self.sessions.by_hash.contains(old) {
                return Ok(false);
            }
            if record.hash == *old {
                self.sessions.end(by_user, old);
                self.sessions.begin(by_user, record)?;
            } else {
                self.sessions.begin(by_user, record)?;
                self.sessions.end(by_user, old);
            }
        }
        self.hub.tell(&Change::Session(*old));
        Ok(true)
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<SessionRecord>, Error> {
        let after = match &cursor.after {
            Some(after) => Some(TokenHash::from_text(after).ok_or_else(bad_cursor)?),
            None => None,
        };
        let is_wanted = |record: &SessionRecord| {
            after.is_none_or(|after| record.hash.as_bytes() > after.as_bytes())
        };
        let by_user = read(&self.sessions.by_user);
        let mut rows = match user {
            Some(user) => self.sessions.of(&by_user, user),
            None => self.sessions.by_hash.filter(is_wanted),
        };
        drop(by_user);
        rows.retain(is_wanted);
        rows.sort_unstable_by_key(|record| *record.hash.as_bytes());
        Ok(Listed::cut(rows, cursor.limit, |row| row.hash.to_text()))
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        let found = {
            let by_user = &mut write(&self.sessions.by_user);
            let current = self.sessions.current(hash);
            self.sessions.end(by_user, &current)
        };
        self.hub.tell(&Change::Session(*hash));
        Ok(found)
    }

    async fn delete_for_user(&self, user: &UserId, keep: Option<&TokenHash>) -> Result<u64, Error> {
        let ended = self.sessions.end_all(user, keep);
        self.hub.tell(&Change::User(user.clone()));
        Ok(ended)
    }

    async fn trim(&self, user: &UserId, most: u32) -> Result<u64, Error> {
        let over = {
            let by_user = &mut write(&self.sessions.by_user);
            let mut records = self.sessions.of(by_user, user);
            records.sort_unstable_by_key(|record| (record.created_at, *record.hash.as_bytes()));
            let over = records.len().saturating_sub(most as usize);
            for record in records.iter().take(over) {
                self.sessions.end(by_user, &record.hash);
            }
            over
        };
        self.hub.tell(&Change::User(user.clone()));
        Ok(count(over))
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error> {
        let by_user = &mut write(&self.sessions.by_user);
        let over = self.sessions.by_hash.extract(|record| !record.is_live(now));
        for record in &over {
            self.sessions.forget(by_user, record);
        }
        Ok(count(over.len()))
    }
}

#[async_trait]
impl EndedSessionStore for MemoryStore {
    async fn end(&self, hash: &TokenHash, until: Timestamp) -> Result<bool, Error> {
        let merge = |kept: &mut Timestamp, until: Timestamp| *kept = until.max(*kept);
        let is_first = self.ended.upsert(*hash, until, merge);
        self.hub.tell(&Change::Session(*hash));
        Ok(is_first)
    }

    async fn is_ended(&self, hash: &TokenHash) -> Result<bool, Error> {
        Ok(self.ended.contains(hash))
    }

    async fn purge_ended(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(count(self.ended.extract(|until| *until <= now).len()))
    }
}

#[async_trait]
impl SignInFlowStore for MemoryStore {
    async fn create(&self, flow: SignInFlow) -> Result<(), Error> {
        if self.flows.insert_new(flow.state_hash, flow) {
            Ok(())
        } else {
            Err(taken("such a sign-in is under way already"))
        }
    }

    async fn take(&self, state_hash: &TokenHash) -> Result<Option<SignInFlow>, Error> {
        Ok(self.flows.remove(state_hash))
    }

    async fn purge_flows(&self, now: Timestamp) -> Result<u64, Error> {
        let over = self.flows.extract(|flow| flow.expires_at <= now);
        Ok(count(over.len()))
    }
}
