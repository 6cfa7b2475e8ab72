//! When to try again.

use std::time::Duration;

use ee_core::fill_random;

use super::SinkOptions;

/// From so many failures in a row on, one event is sent to see whether the receiver is back, not a batch.
const OPENS_AT: u32 = 5;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
}

impl Breaker {
    /// Counts a failure and returns how long to wait: longer each time, and never shorter than the receiver wants.
    pub(super) fn failed(&mut self, options: &SinkOptions, wanted: Option<Duration>) -> Duration {
        let doublings = self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        let longest = options.retry_min.saturating_mul(1 << doublings);
        let wait = jittered(longest.min(options.retry_max));
        wait.max(wanted.unwrap_or_default())
    }

    /// The receiver has answered.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Tells whether the receiver seems to be gone.
    pub(super) const fn is_open(&self) -> bool {
        self.failures >= OPENS_AT
    }
}

/// Returns between a half and the whole of it, so that servers which failed together do not come back together.
fn jittered(longest: Duration) -> Duration {
    let mut byte = [0];
    if fill_random(&mut byte).is_err() {
        return longest;
    }
    let [byte] = byte;
    longest / 2 + longest / 2 * u32::from(byte) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_the_receiver_may_ask_for_more() {
        let options = SinkOptions::default();
        let mut breaker = Breaker::default();

        for doublings in 0..40 {
            assert_eq!(breaker.is_open(), doublings >= OPENS_AT);
            let longest = Duration::from_millis(500 << doublings.min(20)).min(options.retry_max);
            let wait = breaker.failed(&options, None);
            assert!(wait >= longest / 2 && wait <= longest, "{wait:?}");
        }
        let wanted = Duration::from_secs(90);
        assert_eq!(breaker.failed(&options, Some(wanted)), wanted);

        breaker.reset();
        assert!(!breaker.is_open());
        let again = breaker.failed(&options, Some(Duration::ZERO));
        assert!(again >= options.retry_min / 2 && again <= options.retry_min);
    }
}
