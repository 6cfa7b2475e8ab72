//! Whether the record is well.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use ee_core::{AuditAction, AuditOutcome, Error};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts what happens to events, for health checks and metrics.
#[derive(Debug, Default)]
pub struct Health {
    by_action: Mutex<BTreeMap<(String, &'static str), u64>>,
    lost: AtomicU64,
    refused: AtomicU64,
    spooled: AtomicU64,
    stored: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
    verification: Mutex<Option<Verification>>,
}

/// Since when the store does not take events, and what it said.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What the store said last. No value of an event is in it.
    pub message: String,
    /// When it began.
    pub since: Timestamp,
}

/// What the last verification of the logs has found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// When it ended.
    pub at: Timestamp,
    /// Whether everything is as it was written.
    pub is_ok: bool,
}

/// What is known of the record's health.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HealthReport {
    /// Events by action and outcome since the start.
    #[serde(skip)]
    pub by_action: BTreeMap<(String, &'static str), u64>,
    /// Whether nothing is in the way of events.
    pub is_well: bool,
    /// Events since the start that were not kept, by a policy that permits that.
    pub lost: u64,
    /// Events since the start that could not be kept: what they describe was not done.
    pub refused: u64,
    /// Events since the start that went through the spool.
    pub spooled: u64,
    /// Events since the start that the store has taken.
    pub stored: u64,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What the last verification since the start has found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

impl Health {
    /// Returns what is known now.
    pub fn report(&self) -> HealthReport {
        let trouble = lock(&self.trouble).clone();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HealthReport {
            by_action: lock(&self.by_action).clone(),
            is_well: trouble.is_none(),
            lost: read(&self.lost),
            refused: read(&self.refused),
            spooled: read(&self.spooled),
            stored: read(&self.stored),
            trouble,
            verification: *lock(&self.verification),
        }
    }

    /// Remembers what a verification has found.
    pub fn verified(&self, verification: Verification) {
        *lock(&self.verification) = Some(verification);
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        lock(&self.trouble).is_some()
    }

    pub(super) fn emitted(&self, action: &AuditAction, outcome: AuditOutcome) {
        let key = (action.to_string(), outcome.as_str());
        *lock(&self.by_action).entry(key).or_default() += 1;
    }

    pub(super) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn spooled(&self) {
        self.spooled.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether the store had been in trouble.
    pub(super) fn stored(&self, count: usize) -> Option<Trouble> {
        self.stored.fetch_add(count as u64, Ordering::Relaxed);
        lock(&self.trouble).take()
    }

    /// Tells whether this is the first sign of trouble.
    pub(super) fn failed(&self, error: &Error, now: Timestamp) -> bool {
        let mut trouble = lock(&self.trouble);
        let is_new = trouble.is_none();
        let since = trouble.as_ref().map_or(now, |trouble| trouble.since);
        *trouble = Some(Trouble {
            message: error.message().to_owned(),
            since,
        });
        is_new
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
