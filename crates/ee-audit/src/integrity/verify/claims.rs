//! What the log itself says of what was taken out of it.

use ee_core::{AuditAction, AuditEvent};
use serde_json::Value;

/// Key in the metadata of `audit.retention.pruned`: the first number that may be missing.
pub const PRUNED_FROM: &str = "from";
/// Key in the metadata of `audit.retention.pruned`: the last number that may be missing.
pub const PRUNED_TO: &str = "to";
/// Key in the metadata of `audit.retention.pruned`: the pairs of first and last numbers between those two that may be
/// missing. Without it, all of them may.
pub const PRUNED_RANGES: &str = "ranges";
/// Key in the metadata of `audit.retention.pruned` and `audit.erasure`: which log is meant, where it is not the one that
/// the event is in.
pub const CLAIMED_PARTITION: &str = "partition";

/// Key in the metadata of `audit.erasure`: of how many events of this log something was erased.
pub const ERASED_COUNT: &str = "count";

/// A recorded reason why something is missing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Claim {
    /// Personal values of so many earlier events were erased.
    Erased {
        /// How many events.
        count: u64,
    },
    /// Events of this range were removed after their time.
    Pruned {
        /// First number.
        from: u64,
        /// Last number.
        to: u64,
    },
}

impl Claim {
    /// Reads the claims out of an event, with the log that it names if it names one. It does not matter whether the act
    /// was about to be done, or was: between the two, a part of it is.
    pub fn of(event: &AuditEvent) -> Option<(Option<&str>, Vec<Self>)> {
        let number = |key: &str| event.metadata.get(key)?.as_u64();
        let claims = if event.action == AuditAction::AUDIT_ERASE {
            let count = number(ERASED_COUNT)?;
            vec![Self::Erased { count }]
        } else if event.action == AuditAction::AUDIT_PRUNE {
            let (from, to) = (number(PRUNED_FROM)?, number(PRUNED_TO)?);
            match event.metadata.get(PRUNED_RANGES) {
                Some(ranges) => ranges_within(ranges, from, to)?,
                None => vec![Self::Pruned { from, to }],
            }
        } else {
            return None;
        };
        let partition = event.metadata.get(CLAIMED_PARTITION);
        Some((partition.and_then(|value| value.as_str()), claims))
    }
}

/// Reads pairs of numbers. `None` when something else is among them: then nothing is claimed.
fn ranges_within(ranges: &Value, first: u64, last: u64) -> Option<Vec<Claim>> {
    let range = |pair: &Value| {
        let [from, to] = pair.as_array()?.as_slice() else {
            return None;
        };
        let (from, to) = (from.as_u64()?, to.as_u64()?);
        (first <= from && from <= to && to <= last).then_some(Claim::Pruned { from, to })
    };
    ranges.as_array()?.iter().map(range).collect()
}

/// All claims of a log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Claims {
    /// Of how many events something was erased.
    erased: u64,
    /// An erasure is recorded behind everything up to here.
    erased_below: u64,
    pruned: Vec<(u64, u64)>,
}

impl Claims {
    /// Adds a claim which stands at a number: it covers only what was before it.
    pub(super) fn add(&mut self, claim: &Claim, seq: u64) {
        match claim {
            Claim::Erased { count } => {
                self.erased = self.erased.saturating_add(*count);
                self.erased_below = self.erased_below.max(seq);
            }
            Claim::Pruned { from, to } => {
                let to = (*to).min(seq.saturating_sub(1));
                if *from <= to {
                    self.pruned.push((*from, to));
                }
            }
        }
    }

    /// Orders the ranges and joins those that touch.
    pub(super) fn settle(&mut self) {
        self.pruned.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(self.pruned.len());
        for &(from, to) in &self.pruned {
            match joined.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        self.pruned = joined;
    }

    /// Returns the parts of a range that nothing was said of.
    pub(super) fn not_pruned(&self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let mut open = Vec::new();
        let mut next = from;
        let begin = self.pruned.partition_point(|range| range.1 < from);
        for range in self.pruned.iter().skip(begin) {
            if range.0 > to || next > to {
                break;
            }
            if next < range.0 {
                open.push((next, range.0 - 1));
            }
            next = next.max(range.1.saturating_add(1));
        }
        if next <= to {
            open.push((next, to));
        }
        open
    }

    /// Returns the part of a range that no recorded erasure accounts for, when values of so many events are gone.
    pub(super) fn not_erased(&self, from: u64, to: u64, gone: u64) -> Option<(u64, u64)> {
        let from = if gone > self.erased {
            from
        } else {
            from.max(self.erased_below)
        };
        (from <= to).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use ee_core::{AuditActor, AuditOutcome};
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn claimed(ranges: Option<Value>) -> Option<Vec<(u64, u64)>> {
        let (action, outcome) = (AuditAction::AUDIT_PRUNE, AuditOutcome::Success);
        let at = Timestamp::UNIX_EPOCH;
        let mut event = AuditEvent::new(at, AuditActor::system(), action, outcome);
        let said = [(PRUNED_FROM, Some(json!(3))), (PRUNED_TO, Some(json!(9)))];
        for (name, value) in said.into_iter().chain([(PRUNED_RANGES, ranges)]) {
            let value = value.map(|value| (name.to_owned(), value));
            event.metadata.extend(value);
        }
        let claims = Claim::of(&event)?.1.into_iter();
        let range = |claim| match claim {
            Claim::Pruned { from, to } => Some((from, to)),
            Claim::Erased { .. } => None,
        };
        claims.map(range).collect()
    }

    #[test]
    fn ranges_say_more_than_their_ends_and_never_more_than_these_allow() {
        assert_eq!(claimed(None), Some(vec![(3, 9)]));
        assert_eq!(
            claimed(Some(json!([[3, 4], [9, 9]]))),
            Some(vec![(3, 4), (9, 9)])
        );
        assert_eq!(claimed(Some(json!([]))), Some(vec![]));
        for ranges in [
            json!([[2, 4]]),
            json!([[3, 10]]),
            json!([[5, 4]]),
            json!([[3]]),
            json!([[3, 4, 5]]),
            json!([[3, 4], 9]),
            json!([[3, "4"]]),
            json!([[-3, 4]]),
            json!("3-9"),
            json!(null),
        ] {
            assert_eq!(claimed(Some(ranges.clone())), None, "{ranges}");
        }
    }
}
