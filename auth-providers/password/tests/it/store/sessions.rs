use async_trait::async_trait;
use ee_core::{
    Error, TokenHash, UserId,
    storage::{Cursor, Listed, SessionRecord, SessionRenewal, SessionStore},
};
use jiff::Timestamp;

use super::{TestStore, conflict};

#[async_trait]
impl SessionStore for TestStore {
    async fn create(&self, record: SessionRecord) -> Result<(), Error> {
        let mut state = self.enter("create session").await?;
        if state.sessions.iter().any(|other| other.hash == record.hash) {
            return Err(conflict());
        }
        state.sessions.push(record);
        Ok(())
    }

    async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
        let state = self.enter("find session").await?;
        Ok(state
            .sessions
            .iter()
            .find(|session| session.hash == *hash)
            .cloned())
    }

    async fn touch(&self, _: &TokenHash, _: Timestamp, _: Timestamp) -> Result<bool, Error> {
        unreachable!("accounts touch no session")
    }

    async fn renew(&self, _: &TokenHash, _: &SessionRenewal) -> Result<bool, Error> {
        unreachable!("accounts renew no session")
    }

    async fn replace(&self, _: &TokenHash, _: SessionRecord) -> Result<bool, Error> {
        unreachable!("accounts replace no session")
    }

    async fn list(
        &self,
        user: Option<&UserId>,
        cursor: &Cursor,
    ) -> Result<Listed<SessionRecord>, Error> {
        let state = self.enter("list sessions").await?;
        let fits = |session: &&SessionRecord| user.is_none_or(|user| session.user_id == *user);
        let rows = state.sessions.iter().filter(fits).cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, |session| {
            session.hash.to_text()
        }))
    }

    async fn delete(&self, hash: &TokenHash) -> Result<bool, Error> {
        let mut state = self.enter("delete session").await?;
        let before = state.sessions.len();
        state.sessions.retain(|session| session.hash != *hash);
        Ok(state.sessions.len() < before)
    }

    async fn delete_for_user(&self, user: &UserId, keep: Option<&TokenHash>) -> Result<u64, Error> {
        let mut state = self.enter("delete sessions").await?;
        let before = state.sessions.len();
        state
            .sessions
            .retain(|session| session.user_id != *user || keep == Some(&session.hash));
        Ok((before - state.sessions.len()) as u64)
    }

    async fn trim(&self, _: &UserId, _: u32) -> Result<u64, Error> {
        unreachable!("accounts trim no sessions")
    }

    async fn purge_expired(&self, _: Timestamp) -> Result<u64, Error> {
        unreachable!("accounts purge no sessions")
    }
}
