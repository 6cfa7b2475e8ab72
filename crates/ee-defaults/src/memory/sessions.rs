use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, UserId,
    storage::{
        Change, Cursor, EndedSessionStore, Listed, SessionRecord, SessionStore, SignInFlow,
        SignInFlowStore,
    },
};
use jiff::Timestamp;

use super::{MemoryStore, bad_cursor, read, taken, write};

const TAKEN: &str = "such a session exists already";

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        if self.sessions.insert_new(record.hash, record) {
            Ok(())
        } else {
            Err(taken(TAKEN))
        }
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

    async fn replace(&self, old: &TokenHash, record: SessionRecord) -> Result<bool, Error> {
        let replaced = {
            let _shared = read(&self.replacing);
            let new = record.hash;
            if new == *old {
                self.sessions.change(old, |kept| *kept = record)
            } else if !self.sessions.contains(old) {
                false
            } else if !self.sessions.insert_new(new, record) {
                return Err(taken(TAKEN));
            } else if self.sessions.remove(old).is_some() {
                true
            } else {
                // Somebody else was faster.
                self.sessions.remove(&new);
                false
            }
        };
        self.hub.tell(&Change::Session(*old));
        Ok(replaced)
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
        let alone = write(&self.replacing);
        let mut rows = self.sessions.filter(|record| {
            user.is_none_or(|user| record.user_id == *user)
                && after.is_none_or(|after| record.hash.as_bytes() > after.as_bytes())
        });
        drop(alone);
        rows.sort_unstable_by_key(|record| *record.hash.as_bytes());
        Ok(Listed::cut(rows, cursor.limit, |row| row.hash.to_text()))
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        let found = self.sessions.remove(hash).is_some();
        self.hub.tell(&Change::Session(*hash));
        Ok(found)
    }

    async fn delete_for_user(&self, user: &UserId, keep: Option<&TokenHash>) -> Result<u64, Error> {
        let count = self.end_where(|it| it.user_id == *user && keep != Some(&it.hash));
        self.hub.tell(&Change::User(user.clone()));
        Ok(count)
    }

    async fn trim(&self, user: &UserId, most: u32) -> Result<u64, Error> {
        let alone = write(&self.replacing);
        let mut records = self.sessions.filter(|record| record.user_id == *user);
        records.sort_unstable_by_key(|record| (record.created_at, *record.hash.as_bytes()));
        let over = records.len().saturating_sub(most as usize);
        let ended = records.iter().take(over);
        let count = ended.filter(|record| self.sessions.remove(&record.hash).is_some());
        let count = super::count(count.count());
        drop(alone);
        self.hub.tell(&Change::User(user.clone()));
        Ok(count)
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(self.sessions.remove_where(|record| !record.is_live(now)))
    }
}

impl MemoryStore {
    /// Ends the sessions that `over` says, those that are just being replaced as well, and returns
    /// how many there were.
    pub(super) fn end_where(&self, over: impl FnMut(&SessionRecord) -> bool) -> u64 {
        let _alone = write(&self.replacing);
        self.sessions.remove_where(over)
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
        Ok(self.ended.remove_where(|until| *until <= now))
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
        Ok(self.flows.remove_where(|flow| flow.expires_at <= now))
    }
}
