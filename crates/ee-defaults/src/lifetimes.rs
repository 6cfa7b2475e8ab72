//! How long sessions last.

use std::time::Duration;

use jiff::Timestamp;

use crate::SessionConfigError;

/// The longest that browsers keep a cookie: 400 days (RFC 6265bis).
const LONGEST: Duration = Duration::from_hours(400 * 24);

/// How long a session lasts: until it was not used for a while, and never beyond an absolute end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionLifetimes {
    absolute: Duration,
    idle: Duration,
}

impl SessionLifetimes {
    /// 24 hours unused, 7 days at most: for people who asked to be remembered.
    pub const REMEMBERED: Self = Self::hours(24, 7 * 24);
    /// 7 days until refreshed, 30 days at most: the default of [`CookieSessions`](crate::CookieSessions).
    pub const SEALED: Self = Self::hours(7 * 24, 30 * 24);
    /// 60 minutes unused, 12 hours at most: the default of [`StoreSessions`](crate::StoreSessions).
    pub const STORED: Self = Self::hours(1, 12);

    /// Sets both limits.
    ///
    /// Fails unless the first is at least one second, the second at least the first, and both at
    /// most 400 days.
    pub fn new(idle: Duration, absolute: Duration) -> Result<Self, SessionConfigError> {
        if idle < Duration::from_secs(1) || absolute < idle || absolute > LONGEST {
            return Err(SessionConfigError::Lifetimes {
                idle_secs: idle.as_secs(),
                absolute_secs: absolute.as_secs(),
            });
        }
        Ok(Self { absolute, idle })
    }

    /// Returns how long a session lasts at most.
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }

    /// Returns how long a session lasts unused.
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns when a session that began at `created_at` ends at the latest.
    pub(crate) fn last_end(&self, created_at: Timestamp) -> Timestamp {
        later(created_at, self.absolute)
    }

    /// Returns when a session that is used at `now` ends if it is not used again.
    pub(crate) fn idle_end(&self, now: Timestamp, last_end: Timestamp) -> Timestamp {
        later(now, self.idle).min(last_end)
    }

    const fn hours(idle: u64, absolute: u64) -> Self {
        Self {
            absolute: Duration::from_hours(absolute),
            idle: Duration::from_hours(idle),
        }
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_contradict_each_other_are_refused() {
        let secs = Duration::from_secs;

        for (idle, absolute) in [
            (secs(0), secs(60)),
            (secs(61), secs(60)),
            (secs(60), secs(400 * 86_400 + 1)),
        ] {
            let refused = SessionLifetimes::new(idle, absolute).unwrap_err();
            assert!(matches!(refused, SessionConfigError::Lifetimes { .. }));
        }
        assert!(SessionLifetimes::new(secs(60), secs(60)).is_ok());
    }

    #[test]
    fn the_end_of_time_is_no_overflow() {
        assert_eq!(
            SessionLifetimes::STORED.last_end(Timestamp::MAX),
            Timestamp::MAX
        );
    }
}
