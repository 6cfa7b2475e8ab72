use std::sync::{Mutex, PoisonError};

use ee::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// The clock of the system, which a test moves ahead.
#[derive(Debug, Default)]
pub struct MovedClock(Mutex<SignedDuration>);

impl MovedClock {
    /// Moves it ahead.
    pub fn advance(&self, by: SignedDuration) {
        let mut ahead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        let ahead = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemClock.now();
        now.checked_add(ahead).unwrap_or(now)
    }
}
