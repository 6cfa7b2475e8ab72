use std::time::Duration;

use async_trait::async_trait;
use ee_core::{
    Error,
    storage::{Attempts, ThrottleStore},
};
use jiff::Timestamp;

use super::TestStore;

#[async_trait]
impl ThrottleStore for TestStore {
    async fn count(&self, key: &str, now: Timestamp, window: Duration) -> Result<Attempts, Error> {
        let mut state = self.enter("count").await?;
        let next = match state.attempts.get(key) {
            Some(attempts) => attempts.and_one(now, window),
            None => Attempts::first(now),
        };
        state.attempts.insert(key.to_owned(), next);
        Ok(next)
    }

    async fn peek(&self, key: &str) -> Result<Option<Attempts>, Error> {
        Ok(self.enter("peek").await?.attempts.get(key).copied())
    }

    async fn clear(&self, key: &str) -> Result<(), Error> {
        self.enter("clear").await?.attempts.remove(key);
        Ok(())
    }

    async fn purge_idle(&self, before: Timestamp) -> Result<u64, Error> {
        let mut state = self.enter("purge attempts").await?;
        let count = state.attempts.len();
        state
            .attempts
            .retain(|_, attempts| attempts.last_at >= before);
        Ok((count - state.attempts.len()) as u64)
    }
}
