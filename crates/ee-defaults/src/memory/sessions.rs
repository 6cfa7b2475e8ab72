use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, UserId,
    storage::{EndedSessionStore, SessionRecord, SessionStore, SignInFlow, SignInFlowStore},
};
use jiff::Timestamp;

use super::{MemoryStore, taken};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        if self.sessions.insert_new(record.hash, record) {
            Ok(())
        } else {
            Err(taken("such a session exists already"))
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

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        Ok(self.sessions.remove(hash).is_some())
    }

    async fn delete_for_user(&self, user: &UserId) -> Result<u64, Error> {
        Ok(self.sessions.remove_where(|record| record.user_id == *user))
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, Error> {
        Ok(self.sessions.remove_where(|record| !record.is_live(now)))
    }
}

#[async_trait]
impl EndedSessionStore for MemoryStore {
    async fn end(&self, hash: &TokenHash, until: Timestamp) -> Result<bool, Error> {
        let merge = |kept: &mut Timestamp, until: Timestamp| *kept = until.max(*kept);
        Ok(self.ended.upsert(*hash, until, merge))
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
