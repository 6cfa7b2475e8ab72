//! The last rows of a log.

use ee_core::{AuditHash, AuditHead};

use super::WINDOW;

/// What counts of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Row {
    pub(super) chain: AuditHash,
    pub(super) leaf: AuditHash,
}

/// The last rows, so that the log can be walked back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Recent {
    base: AuditHead,
    /// The log after the first [`WINDOW`] of the rows.
    middle: Option<AuditHead>,
    rows: Vec<Row>,
}

impl Recent {
    pub(super) fn new(head: &AuditHead) -> Self {
        Self {
            base: head.clone(),
            middle: None,
            rows: Vec::new(),
        }
    }

    /// Adds a row that leads to this head.
    pub(super) fn add(&mut self, row: Row, head: &AuditHead) {
        self.rows.push(row);
        if self.rows.len() == 2 * WINDOW
            && let Some(middle) = self.middle.take()
        {
            self.base = middle;
            self.rows.drain(..WINDOW);
        }
        if self.rows.len() == WINDOW {
            self.middle = Some(head.clone());
        }
    }

    /// Forgets the last rows, and returns them.
    pub(super) fn forget(&mut self, count: u64) -> Vec<Row> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let left = self.rows.len().saturating_sub(count);
        if left < WINDOW {
            self.middle = None;
        }
        self.rows.split_off(left)
    }

    /// Returns each row with the hash of everything before it, the last first.
    pub(super) fn chains(&self) -> impl Iterator<Item = (AuditHash, &Row)> {
        let earlier = self.rows.iter().rev().skip(1).map(|row| row.chain);
        let earlier = earlier.chain([self.base.chain()]);
        earlier.zip(self.rows.iter().rev())
    }

    /// Returns the log before the last rows.
    pub(super) fn head_before(&self, count: u64) -> AuditHead {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let left = self.rows.len().saturating_sub(count);
        let mut head = self.base.clone();
        for row in self.rows.iter().take(left) {
            head.push(row.leaf);
        }
        head
    }
}
