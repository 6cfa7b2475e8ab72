//! What the threads of a spool know together.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{SpoolError, SpoolPosition, segment::HEADER_BYTES};

/// How a spool is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpoolStatus {
    /// Bytes that all segments take, with what is acknowledged in them.
    pub bytes: u64,
    /// How often something was written since the start. Fewer than events: several go together.
    pub groups: u64,
    /// Whether the last write failed.
    pub is_failing: bool,
    /// Whether there is no room for another event.
    pub is_full: bool,
    /// When the oldest event happened that is not acknowledged.
    pub oldest: Option<Timestamp>,
    /// Events that were refused since the start, or could not be written.
    pub refused: u64,
    /// Events that are not acknowledged. When some of them turn out to be damaged, they are counted until all others
    /// are acknowledged.
    pub records: u64,
}

/// A segment, up to what may be read of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Segment {
    pub(super) end: u64,
    pub(super) is_damaged: bool,
    pub(super) number: u64,
}

impl Segment {
    pub(super) const fn empty(number: u64) -> Self {
        Self {
            end: HEADER_BYTES,
            is_damaged: false,
            number,
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    /// Everything before it is acknowledged.
    pub(super) cursor: SpoolPosition,
    pub(super) groups: u64,
    pub(super) is_failing: bool,
    pub(super) oldest: Option<Timestamp>,
    pub(super) records: u64,
    pub(super) refused: u64,
    /// The oldest first. The last one is written to.
    pub(super) segments: VecDeque<Segment>,
}

impl State {
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.end).sum()
    }

    pub(super) fn status(&self) -> SpoolStatus {
        SpoolStatus {
            bytes: self.bytes(),
            groups: self.groups,
            is_failing: self.is_failing,
            is_full: false,
            oldest: self.oldest,
            refused: self.refused,
            records: self.records,
        }
    }

    /// Tells whether everything is acknowledged.
    pub(super) fn is_drained(&self) -> bool {
        self.segments.back().is_none_or(|last| {
            let end = SpoolPosition::new(last.number, last.end);
            self.cursor >= end
        })
    }

    /// Goes on with a new segment, and returns those that are done with.
    pub(super) fn begin(&mut self, number: u64) -> Vec<Segment> {
        if self.segments.is_empty() {
            self.cursor = self.cursor.max(SpoolPosition::new(number, HEADER_BYTES));
        }
        self.segments.push_back(Segment::empty(number));
        self.settle()
    }

    /// Takes everything up to there for acknowledged, and returns the segments that are done with.
    pub(super) fn advance(&mut self, cursor: SpoolPosition, records: u64) -> Vec<Segment> {
        self.cursor = self.cursor.max(cursor);
        self.records = self.records.saturating_sub(records);
        let done = self.settle();
        if self.is_drained() {
            self.records = 0;
            self.oldest = None;
        }
        done
    }

    /// Remembers that bytes of a segment cannot be read.
    pub(super) fn mark_damaged(&mut self, number: u64) {
        for segment in &mut self.segments {
            segment.is_damaged |= segment.number == number;
        }
    }

    fn settle(&mut self) -> Vec<Segment> {
        let mut done = Vec::new();
        while let (Some(first), Some(second)) = (self.segments.front(), self.segments.get(1)) {
            if self.cursor < SpoolPosition::new(first.number, first.end) {
                break;
            }
            self.cursor = self
                .cursor
                .max(SpoolPosition::new(second.number, HEADER_BYTES));
            done.extend(self.segments.pop_front());
        }
        done
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    /// Told whenever there is something new to read.
    pub(super) changed: Notify,
    state: Mutex<State>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self {
            changed: Notify::new(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets what was written up to there be read.
    pub(super) fn publish(&self, position: SpoolPosition, records: u64, first_at: Timestamp) {
        let mut state = self.lock();
        if let Some(last) = state.segments.back_mut() {
            last.end = position.offset;
        }
        state.groups += 1;
        state.oldest.get_or_insert(first_at);
        state.records += records;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Remembers how the last write has ended.
    pub(super) fn report(&self, outcome: &Result<(), SpoolError>, records: u64) {
        let mut state = self.lock();
        state.is_failing = outcome.is_err();
        if outcome.is_err() {
            state.refused += records;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_done_with_when_it_is_acknowledged_and_another_was_begun() {
        let mut state = State {
            cursor: SpoolPosition::new(1, HEADER_BYTES),
            groups: 0,
            is_failing: false,
            oldest: None,
            records: 4,
            refused: 0,
            segments: VecDeque::from([Segment::empty(1)]),
        };
        assert!(state.is_drained());
        state.segments[0].end = 100;
        assert!(!state.is_drained());

        assert_eq!(state.begin(2), []);
        assert_eq!(state.advance(SpoolPosition::new(1, 60), 1), []);
        let done = state.advance(SpoolPosition::new(1, 100), 1);

        assert_eq!(done.len(), 1);
        assert_eq!(state.cursor, SpoolPosition::new(2, HEADER_BYTES));
        assert!(state.is_drained());
        assert_eq!(state.bytes(), HEADER_BYTES);
        assert_eq!(state.records, 0);

        state.segments[0].end = 50;
        assert_eq!(state.advance(SpoolPosition::new(2, 50), 1), []);
        assert_eq!(state.begin(3).len(), 1);
        assert!(state.is_drained());
    }
}
