use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use ee_core::{
    Error,
    storage::{Attempts, ThrottleStore},
};
use jiff::Timestamp;

use super::{MemoryStore, count, read, write};

pub(super) type Throttle = HashMap<String, Attempts>;

#[async_trait]
impl ThrottleStore for MemoryStore {
    async fn count(&self, key: &str, now: Timestamp, window: Duration) -> Result<Attempts, Error> {
        let mut throttle = write(&self.throttle);
        let kept = throttle.get(key);
        let counted = kept.map_or(Attempts::first(now), |kept| kept.and_one(now, window));
        throttle.insert(key.to_owned(), counted);
        Ok(counted)
    }

    async fn peek(&self, key: &str) -> Result<Option<Attempts>, Error> {
        Ok(read(&self.throttle).get(key).copied())
    }

    async fn clear(&self, key: &str) -> Result<(), Error> {
        write(&self.throttle).remove(key);
        Ok(())
    }

    async fn purge_idle(&self, before: Timestamp) -> Result<u64, Error> {
        let mut throttle = write(&self.throttle);
        let kept = throttle.len();
        throttle.retain(|_, attempts| attempts.last_at >= before);
        Ok(count(kept - throttle.len()))
    }
}
