//! Events that were not kept, counted until the record can say so.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ee_core::{AuditAction, AuditActor, AuditEvent, AuditOutcome};
use jiff::Timestamp;

/// What was lost since the last time that the record said so.
#[derive(Debug, Default)]
pub(super) struct Gaps(Mutex<Option<Gap>>);

#[derive(Debug)]
struct Gap {
    by_action: BTreeMap<String, u64>,
    first: Timestamp,
    last: Timestamp,
}

impl Gaps {
    /// Counts an event that was lost.
    pub(super) fn count(&self, action: &AuditAction, at: Timestamp) {
        let mut gap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = gap.get_or_insert_with(|| Gap {
            by_action: BTreeMap::new(),
            first: at,
            last: at,
        });
        gap.first = gap.first.min(at);
        gap.last = gap.last.max(at);
        let count = gap.by_action.entry(action.to_string()).or_default();
        *count += 1;
    }

    /// Returns the event that says what was lost, if something was.
    pub(super) fn take(&self, now: Timestamp) -> Option<AuditEvent> {
        let gap = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let (action, outcome) = (AuditAction::AUDIT_GAP, AuditOutcome::Failure);
        let mut event = AuditEvent::new(now, AuditActor::system(), action, outcome);
        let count: u64 = gap.by_action.values().sum();
        let mut say = |name: &str, value: serde_json::Value| {
            event.metadata.insert(name.to_owned(), value);
        };
        say("count", count.into());
        say("from", gap.first.to_string().into());
        say("to", gap.last.to_string().into());
        say("byAction", serde_json::json!(gap.by_action));
        Some(event)
    }

    /// Puts what was taken back, since it could not be said.
    pub(super) fn put_back(&self, event: &AuditEvent) {
        let number = |name: &str| {
            event
                .metadata
                .get(name)?
                .as_str()?
                .parse::<Timestamp>()
                .ok()
        };
        let (Some(first), Some(last)) = (number("from"), number("to")) else {
            return;
        };
        let counts = event.metadata.get("byAction").and_then(|it| it.as_object());
        let mut gap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = gap.get_or_insert_with(|| Gap {
            by_action: BTreeMap::new(),
            first,
            last,
        });
        gap.first = gap.first.min(first);
        gap.last = gap.last.max(last);
        for (action, count) in counts.into_iter().flatten() {
            *gap.by_action.entry(action.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(gaps: &Gaps, action: &AuditAction, second: i64) {
        gaps.count(action, Timestamp::from_second(second).unwrap());
    }

    #[test]
    fn what_was_lost_is_said_once() {
        let gaps = Gaps::default();
        assert!(gaps.take(Timestamp::UNIX_EPOCH).is_none());
        count(&gaps, &AuditAction::AGENT_STREAM, 20);
        count(&gaps, &AuditAction::AGENT_STREAM, 10);
        count(&gaps, &AuditAction::AUDIT_READ, 15);

        let said = gaps.take(Timestamp::UNIX_EPOCH).unwrap();

        assert!(gaps.take(Timestamp::UNIX_EPOCH).is_none());
        gaps.put_back(&said);
        count(&gaps, &AuditAction::AUDIT_READ, 30);
        let said = gaps.take(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            serde_json::Value::from(said.metadata),
            serde_json::json!({
                "count": 4,
                "from": "1970-01-01T00:00:10Z",
                "to": "1970-01-01T00:00:30Z",
                "byAction": {"agents.stream": 2, "audit.read": 2},
            })
        );
    }
}
