//! Where the time comes from.

use std::fmt;

use jiff::Timestamp;

/// Tells the time. Tests hold their own.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the present moment in UTC, to the microsecond: the precision that stores keep.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine for the time"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}
