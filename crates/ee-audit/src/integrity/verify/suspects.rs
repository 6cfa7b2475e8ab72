//! Rows with which something is wrong, and what may have been done to them.

use ee_core::{AuditHash, storage::AuditStoredLink};

use super::walk::chain_after;

/// So many are looked at.
const MOST: usize = 256;

/// A row that is not what was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Suspect {
    /// Hash of everything before it.
    pub(super) before: AuditHash,
    pub(super) chain: AuditHash,
    /// Hash of the event, as it is kept.
    pub(super) leaf: AuditHash,
    /// What its number was when it was written, if nothing was moved.
    pub(super) number: u64,
    /// Hash of the event that is there.
    pub(super) payload: Option<AuditHash>,
    pub(super) seq: u64,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Suspects {
    all: Vec<Suspect>,
    /// Those that are copies, and of which number.
    copies: Vec<(u64, u64)>,
}

impl Suspects {
    pub(super) fn add(&mut self, suspect: Suspect) {
        if self.all.len() < MOST {
            self.all.push(suspect);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Finds out whether one of them is a copy of this.
    pub(super) fn recognise(&mut self, link: &AuditStoredLink) {
        for suspect in &self.all {
            let is_copy = suspect.leaf == link.leaf || suspect.payload == Some(link.leaf);
            if suspect.seq != link.seq && is_copy {
                self.copies.push((suspect.seq, link.seq));
            }
        }
    }

    /// Returns the copies: their numbers, and those of what they are copies of.
    pub(super) fn copies(&self) -> &[(u64, u64)] {
        &self.copies
    }

    /// Returns pairs, each of which stands in the place of the other.
    pub(super) fn swapped(&self, partition: &str) -> Vec<(u64, u64)> {
        let mut pairs = Vec::new();
        for (at, first) in self.all.iter().enumerate() {
            for second in self.all.iter().skip(at + 1) {
                if have_swapped_events(first, second) || have_swapped_rows(partition, first, second)
                {
                    pairs.push((first.seq, second.seq));
                }
            }
        }
        pairs
    }
}

fn have_swapped_events(first: &Suspect, second: &Suspect) -> bool {
    first.leaf != second.leaf
        && first.payload == Some(second.leaf)
        && second.payload == Some(first.leaf)
}

fn have_swapped_rows(partition: &str, first: &Suspect, second: &Suspect) -> bool {
    let fits = |number, before, row: &Suspect| {
        chain_after(partition, number, before, row.leaf) == row.chain
    };
    // What stands in the second place belongs into the first; with both next to each other it comes right before.
    let before_second = if second.number == first.number + 1 {
        second.chain
    } else {
        second.before
    };
    fits(first.number, first.before, second) && fits(second.number, before_second, first)
}
