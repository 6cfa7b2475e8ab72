//! A search, as it was asked for.

use ee_core::{AuditFilter, AuditPlace, AuditQuery};
use jiff::Timestamp;

/// Which end of the record comes first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Order {
    /// The oldest.
    Ascending,
    /// The newest.
    #[default]
    Descending,
}

/// How far the events that fit are counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Counting {
    /// Up to [`CAP`](Self::CAP).
    #[default]
    Capped,
    /// All of them.
    Exact,
    /// Not at all.
    None,
}

impl Counting {
    /// How far events are counted when nobody says otherwise.
    pub const CAP: u64 = 10_000;

    /// Returns how far to count. `None`: not at all.
    pub const fn most(self) -> Option<u64> {
        match self {
            Self::Capped => Some(Self::CAP),
            Self::Exact => Some(u64::MAX),
            Self::None => None,
        }
    }
}

/// A search, as it was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Search {
    /// When the search was begun: relative times are counted from there, also in its later parts.
    pub began: Timestamp,
    /// How far to count.
    pub count: Counting,
    /// What the answer of the part before gave; [`Cursors`](super::Cursors) opens it.
    pub cursor: Option<String>,
    /// Which events, in normal form.
    pub filter: AuditFilter,
    /// Most events of the part.
    pub limit: u32,
    /// What comes first.
    pub order: Order,
}

impl Search {
    /// Most events of a part when nobody says otherwise.
    pub const LIMIT: u32 = 50;

    /// Searches for everything that fits, the newest first.
    pub fn new(filter: AuditFilter, began: Timestamp) -> Self {
        Self {
            began,
            count: Counting::default(),
            cursor: None,
            filter: super::normal(filter),
            limit: Self::LIMIT,
            order: Order::default(),
        }
    }

    /// Narrows the search to what also fits this, such as the events of one organization.
    pub fn restrict(&mut self, to: AuditFilter) {
        let filter = std::mem::take(&mut self.filter);
        self.filter = super::normal(filter.and(to));
    }

    /// Returns what a store is asked.
    pub(super) fn query(&self, after: Option<AuditPlace>) -> AuditQuery {
        AuditQuery {
            filter: self.filter.clone(),
            after,
            is_ascending: self.order == Order::Ascending,
            limit: self.limit,
        }
    }
}
