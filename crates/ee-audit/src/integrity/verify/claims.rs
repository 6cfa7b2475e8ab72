//! What the log itself says of what was taken out of it.

use ee_core::{AuditAction, AuditEvent};

/// Key in the metadata of `audit.retention.pruned`: the first number that may be missing.
pub const PRUNED_FROM: &str = "from";
/// Key in the metadata of `audit.retention.pruned`: the last number that may be missing.
pub const PRUNED_TO: &str = "to";
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
    /// Reads a claim out of an event, with the log that it names if it names one.
    pub fn of(event: &AuditEvent) -> Option<(Option<&str>, Self)> {
        let number = |key: &str| event.metadata.get(key)?.as_u64();
        let claim = if event.action == AuditAction::AUDIT_ERASE {
            Self::Erased {
                count: number(ERASED_COUNT)?,
            }
        } else if event.action == AuditAction::AUDIT_PRUNE {
            Self::Pruned {
                from: number(PRUNED_FROM)?,
                to: number(PRUNED_TO)?,
            }
        } else {
            return None;
        };
        let partition = event.metadata.get(CLAIMED_PARTITION);
        Some((partition.and_then(|value| value.as_str()), claim))
    }
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
