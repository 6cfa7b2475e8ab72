//! Who reads the record: how much at once, how often, and what the record says of that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ee_core::{AuditAction, AuditHash, Error, ErrorKind, UserId};
use jiff::{SignedDuration, Timestamp};

use super::Asked;
use crate::{AuditNote, Cx, Op, Outcome, Server, record};

/// Parameters that say which part of what fits is wanted, and how it is shown, and not what fits.
const OF_SHOWING: [&str; 13] = [
    "after",
    "allowScan",
    "by",
    "count",
    "cursor",
    "fields",
    "interval",
    "limit",
    "offset",
    "order",
    "page",
    "perPage",
    "wait",
];
/// For how long the same reading of the same caller is not recorded again.
const RECORDED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Most readings that are remembered. Beyond it, more is recorded and never less.
const MOST_REMEMBERED: usize = 8_192;
/// Most digests that somebody is told within a minute.
const MOST_DIGESTS: u32 = 60;
const A_MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// When to come again, for somebody who asks too much at once.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// What of the record is asked for at once.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Reading {
    /// Follows a log and mostly waits.
    Follow,
    /// Has the store search.
    Search,
}

impl Reading {
    /// Returns how many of these somebody may have at once.
    const fn most(self) -> u32 {
        match self {
            Self::Follow => 8,
            Self::Search => 4,
        }
    }
}

/// Who reads now, and what of it was recorded.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    busy: HashMap<(Reading, UserId), u32>,
    /// How many digests whom were told since when.
    digests: HashMap<UserId, (Timestamp, u32)>,
    recorded: HashMap<AuditHash, Timestamp>,
}

impl Readers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_recorded(&self, what: &AuditHash, now: Timestamp) -> bool {
        let state = self.lock();
        let at = state.recorded.get(what);
        at.is_some_and(|at| is_within(*at, now, RECORDED_FOR))
    }

    fn remember(&self, what: AuditHash, now: Timestamp) {
        let recorded = &mut self.lock().recorded;
        if recorded.len() >= MOST_REMEMBERED {
            recorded.retain(|_, at| is_within(*at, now, RECORDED_FOR));
        }
        if recorded.len() < MOST_REMEMBERED {
            recorded.insert(what, now);
        }
    }
}

/// Tells whether a moment lies no longer ago than this. One that is yet to come does not.
fn is_within(at: Timestamp, now: Timestamp, span: SignedDuration) -> bool {
    let age = now.duration_since(at);
    !age.is_negative() && age < span
}

/// Something that is asked of the record, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    reading: Reading,
    server: Arc<Server>,
    who: UserId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.server.readers.lock();
        let key = (self.reading, self.who.clone());
        if let Some(count) = state.busy.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.busy.remove(&key);
            }
        }
    }
}

impl Cx {
    /// Begins to read. Fails with [`ErrorKind::RateLimited`] when the caller does so too often at once.
    pub(super) fn begin_reading(&self, reading: Reading) -> Result<Turn, Error> {
        let who = self.owner()?;
        let mut state = self.server().readers.lock();
        let count = state.busy.entry((reading, who.clone())).or_default();
        if *count >= reading.most() {
            let most = reading.most();
            let what = match reading {
                Reading::Follow => "followers",
                Reading::Search => "searches and copies",
            };
            let message = format!("at most {most} {what} of the audit record at once");
            return Err(Error::new(ErrorKind::RateLimited, message).with_retry_after(COME_AGAIN));
        }
        *count += 1;
        Ok(Turn {
            reading,
            server: Arc::clone(self.server()),
            who,
        })
    }

    /// Records that the caller reads what these parameters ask for, once in five minutes.
    ///
    /// Fails when that is not kept: then nothing may be shown.
    pub(super) async fn record_reading(
        &self,
        op: Op,
        asked: &Asked,
        filter: String,
    ) -> Result<(), Error> {
        let mut pairs: Vec<_> = asked.pairs().iter().collect();
        pairs.retain(|(name, _)| !OF_SHOWING.contains(&&**name));
        pairs.sort_unstable();
        let what = format!("{pairs:?}");
        let note = AuditNote::default()
            .with("filter", filter)
            .with("operation", op.name());
        self.record_once(op, &what, note).await
    }

    /// Records that the caller reads one event, once in five minutes.
    pub(super) async fn record_reading_of(&self, op: Op, id: &str) -> Result<(), Error> {
        let note = AuditNote::about("audit-event", id, None);
        self.record_once(op, id, note).await
    }

    async fn record_once(&self, op: Op, what: &str, note: AuditNote) -> Result<(), Error> {
        let who = self.owner()?;
        let key = self.identity().and_then(|identity| identity.key.as_ref());
        let text = format!("{who}\n{key:?}\n{what}");
        let what = AuditHash::of_leaf(text.as_bytes());
        let readers = &self.server().readers;
        if readers.is_recorded(&what, self.now()) {
            return Ok(());
        }
        self.record_as(op, AuditAction::AUDIT_READ, note).await?;
        readers.remember(what, self.now());
        Ok(())
    }

    /// Records an act of the caller that his request says nothing else about.
    pub(super) async fn record_as(
        &self,
        op: Op,
        action: AuditAction,
        note: AuditNote,
    ) -> Result<(), Error> {
        let outcome = Outcome {
            status: 200,
            reason: None,
            note: Some(note),
            resource_param: None,
        };
        record(self, &op.route().audited(action), outcome).await
    }

    /// Counts a digest that the caller wants. Fails with [`ErrorKind::RateLimited`] beyond sixty in a minute: whoever
    /// tries all values would find the right one.
    pub(super) fn count_digest(&self) -> Result<(), Error> {
        let who = self.owner()?;
        let now = self.now();
        let digests = &mut self.server().readers.lock().digests;
        digests.retain(|_, (since, _)| is_within(*since, now, A_MINUTE));
        let (since, count) = digests.entry(who).or_insert((now, 0));
        if *count >= MOST_DIGESTS {
            let wait = A_MINUTE - now.duration_since(*since);
            let message = format!("at most {MOST_DIGESTS} digests in a minute");
            let error = Error::new(ErrorKind::RateLimited, message);
            return Err(error.with_retry_after(wait.unsigned_abs()));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_forgotten_after_five_minutes_and_memory_has_an_end() {
        let readers = Readers::default();
        let hash = |number: usize| AuditHash::of_leaf(&number.to_be_bytes());
        let now = Timestamp::UNIX_EPOCH;
        let later = now + RECORDED_FOR;

        for number in 0..MOST_REMEMBERED + 10 {
            readers.remember(hash(number), now);
        }
        assert_eq!(readers.lock().recorded.len(), MOST_REMEMBERED);
        assert!(readers.is_recorded(&hash(0), now));
        assert!(!readers.is_recorded(&hash(MOST_REMEMBERED), now));
        assert!(!readers.is_recorded(&hash(0), later));
        // A clock that was set back.
        assert!(!readers.is_recorded(&hash(0), now - SignedDuration::from_secs(1)));

        readers.remember(hash(MOST_REMEMBERED), later);
        assert_eq!(readers.lock().recorded.len(), 1);
    }
}
