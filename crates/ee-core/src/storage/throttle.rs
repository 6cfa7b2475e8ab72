use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::Error;

/// What was counted under one key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Attempts {
    /// Within the window that runs.
    pub in_window: u32,
    /// Since the key was last cleared.
    pub in_row: u32,
    /// When the last one was counted.
    pub last_at: Timestamp,
    /// When the window began.
    pub window_from: Timestamp,
}

impl Attempts {
    /// Describes a first attempt.
    pub const fn first(now: Timestamp) -> Self {
        Self {
            in_window: 1,
            in_row: 1,
            last_at: now,
            window_from: now,
        }
    }

    /// Counts one more: in the same window if `window` has not passed since it began, else in a new one.
    #[must_use]
    pub fn and_one(self, now: Timestamp, window: Duration) -> Self {
        let window = window.try_into().unwrap_or(SignedDuration::MAX);
        let is_over = now.duration_since(self.window_from) >= window;
        Self {
            in_window: if is_over {
                1
            } else {
                self.in_window.saturating_add(1)
            },
            in_row: self.in_row.saturating_add(1),
            last_at: now,
            window_from: if is_over { now } else { self.window_from },
        }
    }
}

/// Counts attempts, so that guessing is slow on every instance together.
#[async_trait]
pub trait ThrottleStore: std::fmt::Debug + Send + Sync + 'static {
    /// Counts one attempt and returns what stands then ([`Attempts::and_one`]); of many at once each gets another count.
    async fn count(&self, key: &str, now: Timestamp, window: Duration) -> Result<Attempts, Error>;

    /// Returns what stands.
    async fn peek(&self, key: &str) -> Result<Option<Attempts>, Error>;

    /// Forgets a key.
    async fn clear(&self, key: &str) -> Result<(), Error>;

    /// Forgets the keys under which nothing was counted since `before`, and returns how many there were.
    async fn purge_idle(&self, before: Timestamp) -> Result<u64, Error>;
}
