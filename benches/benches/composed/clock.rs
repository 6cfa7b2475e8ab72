//! The time, which can be moved on: locking an account takes minutes.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use ee::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct MovableClock {
    ahead_secs: AtomicI64,
}

impl MovableClock {
    pub(crate) fn advance(&self, time: Duration) {
        let secs = time.as_secs().try_into().unwrap_or(i64::MAX);
        self.ahead_secs.fetch_add(secs, Ordering::Relaxed);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_secs.load(Ordering::Relaxed);
        SystemClock.now() + SignedDuration::from_secs(ahead)
    }
}
