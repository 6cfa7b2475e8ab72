use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ee_core::Clock;
use jiff::{SignedDuration, Timestamp};

/// A clock that stands still until a test moves it. Clones share one time.
///
/// ```
/// use ee_core::Clock as _;
/// use jiff::SignedDuration;
///
/// let clock = ee_testkit::TestClock::default();
/// let start = clock.now();
///
/// clock.advance(SignedDuration::from_mins(20));
///
/// assert_eq!(clock.now().duration_since(start), SignedDuration::from_mins(20));
/// ```
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    /// Creates a clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Shows `now` from here on, be it later or earlier than before.
    pub fn set(&self, now: Timestamp) {
        *self.lock() = now;
    }

    /// Moves the clock, back with a negative duration.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.lock();
        *now = now
            .checked_add(by)
            .expect("a test stays within the years that a timestamp can name");
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TestClock {
    /// Shows 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::constant(1_767_225_600, 0))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_time_and_it_moves_both_ways() {
        let clock = TestClock::default();
        let other = clock.clone();

        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(other.now().to_string(), "2026-01-01T00:01:30Z");

        other.advance(SignedDuration::from_secs(-90));
        assert_eq!(clock.now(), TestClock::default().now());

        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(other.now(), Timestamp::UNIX_EPOCH);
    }
}
