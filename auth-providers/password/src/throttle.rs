//! How often somebody may try.

mod device;

use std::{net::IpAddr, sync::Arc, time::Duration};

use ee_core::{
    Clock, Error, ErrorKind, TokenHash, UserId,
    storage::{Attempts, ThrottleStore},
};
use jiff::Timestamp;

pub(crate) use device::Devices;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Failures without any delay.
const FREE_FAILURES: u32 = 5;
/// Failures within [`LOCK`] after which an account is locked for as long.
const LOCK_FAILURES: u32 = 10;
/// Failures in a row after which only a new password helps (SP 800-63B-4 §3.2.2).
const MAX_IN_A_ROW: u32 = 100;
/// How long failures are remembered, and how long a lock lasts.
const LOCK: Duration = Duration::from_mins(15);

/// So many within such a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    most: u32,
    window: Duration,
}

impl Limit {
    /// Sign-ins, successful or not, from one address.
    pub(crate) const SIGN_IN: [Self; 2] = [Self::new(10, MINUTE), Self::new(50, HOUR)];
    /// Accounts created from one address.
    pub(crate) const SIGN_UP: [Self; 1] = [Self::new(5, HOUR)];
    /// Mails asked for from one address, and for one account.
    pub(crate) const MAIL: [Self; 1] = [Self::new(5, Duration::from_mins(10))];
    /// Codes for one sign-in.
    pub(crate) const CODES_OF_SIGN_IN: [Self; 1] = [Self::new(5, Duration::from_mins(5))];
    /// Codes for one account.
    pub(crate) const CODES_OF_ACCOUNT: [Self; 1] = [Self::new(20, HOUR)];
    /// Secrets from links shown by one address.
    pub(crate) const LINKS: [Self; 2] = [Self::new(30, MINUTE), Self::new(300, HOUR)];

    const fn new(most: u32, window: Duration) -> Self {
        Self { most, window }
    }
}

/// Whether a password may be compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    /// It may.
    Allowed,
    /// It came too soon after the one before.
    TooSoon,
    /// The account is locked for a while.
    Locked,
    /// Only a new password helps.
    RecoveryNeeded,
}

/// Counts in the store, so that all instances together allow no more than one alone.
///
/// Everything is counted before the work is done that it stands for: of many at once, each gets
/// another count, and those beyond the limit are refused without a look at their password.
#[derive(Debug)]
pub(crate) struct Throttle {
    clock: Arc<dyn Clock>,
    store: Arc<dyn ThrottleStore>,
}

impl Throttle {
    pub(crate) const fn new(store: Arc<dyn ThrottleStore>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, store }
    }

    /// Counts what an address does, IPv6 by /64. An unknown address is not limited.
    ///
    /// Fails with [`ErrorKind::RateLimited`] and the time to wait.
    pub(crate) async fn address(
        &self,
        what: &str,
        address: Option<IpAddr>,
        limits: &[Limit],
    ) -> Result<(), Error> {
        match address {
            Some(address) => self.limit(what, &network(address), limits).await,
            None => Ok(()),
        }
    }

    /// Counts under a key, the shortest time first. Fails with [`ErrorKind::RateLimited`] and the time to wait.
    pub(crate) async fn limit(&self, what: &str, key: &str, limits: &[Limit]) -> Result<(), Error> {
        let now = self.clock.now();
        for Limit { most, window } in limits {
            let key = format!("password:{what}:{}:{key}", window.as_secs());
            let attempts = self.store.count(&key, now, *window).await?;
            // What one limit refuses uses nothing up of the next.
            if attempts.in_window > *most {
                let message = "too many attempts; try again later";
                let wait = rest(attempts.window_from, *window, now);
                return Err(Error::new(ErrorKind::RateLimited, message).with_retry_after(wait));
            }
        }
        Ok(())
    }

    /// Forgets what was counted under a key.
    pub(crate) async fn forget(
        &self,
        what: &str,
        key: &str,
        limits: &[Limit],
    ) -> Result<(), Error> {
        for Limit { window, .. } in limits {
            let key = format!("password:{what}:{}:{key}", window.as_secs());
            self.store.clear(&key).await?;
        }
        Ok(())
    }

    /// Counts a password that is about to be compared as a failure, until [`succeeded`](Self::succeeded) says that it
    /// was none.
    pub(crate) async fn attempt(&self, guarded: &Guarded) -> Result<Attempt, Error> {
        let now = self.clock.now();
        let (failures, turn) = guarded.keys();
        let before = self.store.peek(&failures).await?;
        if before.is_some_and(|before| before.in_row >= MAX_IN_A_ROW) {
            return Ok(Attempt::RecoveryNeeded);
        }
        // What is refused here is not counted, so that nobody can make a lock last.
        let mut has_turn = false;
        if let Some(before) = before {
            if before.in_window >= LOCK_FAILURES && !has_passed(before.last_at, LOCK, now) {
                return Ok(Attempt::Locked);
            }
            let delay = delay(in_window(before, now));
            if !has_passed(before.last_at, delay, now) {
                return Ok(Attempt::TooSoon);
            }
            if !delay.is_zero() {
                // Of many who have waited long enough at once, one has the turn.
                has_turn = self.store.count(&turn, now, delay).await?.in_window == 1;
                if !has_turn {
                    return Ok(Attempt::TooSoon);
                }
            }
        }
        let counted = self.store.count(&failures, now, LOCK).await?;
        Ok(if counted.in_row > MAX_IN_A_ROW {
            Attempt::RecoveryNeeded
        } else if counted.in_window > LOCK_FAILURES {
            Attempt::Locked
        } else if counted.in_window > FREE_FAILURES && !has_turn {
            // It began when there was no delay, together with others that were counted first.
            Attempt::TooSoon
        } else {
            Attempt::Allowed
        })
    }

    /// Forgets the failures: the password was right, or there is a new one.
    pub(crate) async fn succeeded(&self, guarded: &Guarded) -> Result<(), Error> {
        let (failures, turn) = guarded.keys();
        self.store.clear(&failures).await?;
        self.store.clear(&turn).await
    }
}

/// What failures are counted for.
#[derive(Clone, Debug)]
pub(crate) enum Guarded {
    /// An account, whatever its address is spelt like.
    Account(UserId),
    /// A browser that has signed in to an account before.
    Device(String),
    /// An address that no account has. It behaves like one.
    Unknown(String),
}

impl Guarded {
    /// Returns the keys for failures and for turns. They tell neither who nor where.
    fn keys(&self) -> (String, String) {
        let (kind, text) = match self {
            Self::Account(id) => ("account", id.as_str()),
            Self::Device(id) => ("device", id.as_str()),
            Self::Unknown(key) => ("unknown", key.as_str()),
        };
        let key = TokenHash::of(&format!("{kind}:{text}")).to_text();
        (
            format!("password:failures:{key}"),
            format!("password:turn:{key}"),
        )
    }
}

/// Returns how many failures still count.
fn in_window(attempts: Attempts, now: Timestamp) -> u32 {
    if has_passed(attempts.window_from, LOCK, now) {
        0
    } else {
        attempts.in_window
    }
}

/// Returns how long after the last failure the next password is looked at: 0, then 1, 2, 4, 8, 16 s.
fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        Some(beyond) => Duration::from_secs(1 << beyond.min(LOCK_FAILURES)),
        None => Duration::ZERO,
    }
}

fn has_passed(since: Timestamp, time: Duration, now: Timestamp) -> bool {
    rest(since, time, now).is_zero()
}

/// Returns what is left of a time that began at `since`. A clock that was set back makes it no longer than it was.
fn rest(since: Timestamp, time: Duration, now: Timestamp) -> Duration {
    let gone = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    time.saturating_sub(gone)
}

/// Returns what stands for all addresses that one visitor can take: IPv6 by /64, IPv4 also in its IPv6 form.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v23_addresses_of_one_visitor_are_one() {
        let network = |text: &str| network(text.parse().unwrap());

        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_eq!(
            network("2001:db8:1:2::1"),
            network("2001:DB8:1:2:ffff:ffff:ffff:ffff")
        );
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_ne!(network("::192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn delays_double_from_the_fifth_failure_on() {
        let seconds: Vec<u64> = (0..10).map(|failures| delay(failures).as_secs()).collect();

        assert_eq!(seconds, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16]);
        assert!(delay(u32::MAX) > LOCK);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_a_wait_longer() {
        let at = |second| Timestamp::from_second(second).unwrap();

        assert_eq!(rest(at(100), MINUTE, at(130)).as_secs(), 30);
        assert_eq!(rest(at(100), MINUTE, at(0)).as_secs(), 60);
        assert!(has_passed(at(100), MINUTE, at(160)));
    }
}
