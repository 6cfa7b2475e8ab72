//! An event as people read it.

use ee::{AuditEvent, AuditStage, storage::AuditEntry};

use crate::admin::output::{Table, moment, or_dash, plain};

/// Longest reason of a row.
const LONGEST_REASON: usize = 60;

/// Returns rows of events.
pub(super) fn table(entries: &[AuditEntry]) -> String {
    let head = ["TIME", "OUTCOME", "ACTOR", "ACTION", "RESOURCE", "REASON"];
    let rows = entries.iter().map(|entry| cells(&entry.record.event));
    Table::new(head, rows).to_string()
}

/// Returns an event as one line, with its number. The columns of all lines stand below each other, unless one is long.
pub(super) fn row(entry: &AuditEntry) -> String {
    let [time, outcome, actor, action, resource, reason] =
        cells(&entry.record.event).map(|cell| plain(&cell));
    let seq = entry.seq;
    let line = format!(
        "{seq:>8}  {time}  {outcome:<7}  {actor:<20}  {action:<24}  {resource:<24}  {reason}"
    );
    line.trim_end().to_owned()
}

fn cells(event: &AuditEvent) -> [String; 6] {
    let outcome = match event.stage {
        AuditStage::Intent => "intent",
        AuditStage::Result => event.outcome.as_str(),
    };
    [
        moment(event.timestamp),
        outcome.to_owned(),
        actor(event).to_owned(),
        event.action.to_string(),
        or_dash(resource(event)),
        or_dash(event.reason.as_deref().map(clipped)),
    ]
}

/// Returns what people know somebody by.
fn actor(event: &AuditEvent) -> &str {
    let actor = &event.actor;
    actor.email.as_deref().unwrap_or(&actor.id)
}

/// Returns what was acted upon, as searches name it.
pub(super) fn resource(event: &AuditEvent) -> Option<String> {
    let resource = event.resource.as_ref()?;
    Some(format!("{}/{}", resource.kind, resource.id))
}

fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_REASON).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
pub(super) mod tests {
    use ee::{
        ActorType, AuditAction, AuditActor, AuditOutcome, AuditResource, storage::AuditRecord,
    };

    use super::*;

    /// An event that somebody made of names that steer terminals.
    pub(in super::super) fn hostile() -> AuditEntry {
        let mut actor = AuditActor::new(ActorType::User, "u1");
        actor.email = Some("ada\u{1b}[2J@example.com".to_owned());
        let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        let (action, outcome) = (AuditAction::AGENT_UPDATE, AuditOutcome::Denied);
        let mut event = AuditEvent::new(at, actor, action, outcome);
        event.resource = Some(AuditResource::new("agent", "a\n1"));
        event.reason = Some("x".repeat(100));
        AuditEntry {
            record: AuditRecord::new(event).unwrap(),
            partition: "default".to_owned(),
            received_at: at,
            seq: 7,
        }
    }

    #[test]
    fn a_row_is_one_line_that_steers_nothing() {
        let reason = format!("{}…", "x".repeat(60));
        let expected = format!(
            "       7  2026-01-02T03:04:05Z  denied   ada\\u{{1b}}[2J@example.com  agents.update             agent/a\\u{{a}}1             {reason}"
        );
        assert_eq!(row(&hostile()), expected);
        assert_eq!(table(&[hostile()]).lines().count(), 2);
    }

    #[test]
    fn what_is_about_to_be_done_has_no_outcome() {
        let mut entry = hostile();
        entry.record.event.stage = AuditStage::Intent;
        entry.record.event.resource = None;
        entry.record.event.reason = None;

        let [_, outcome, _, _, resource, reason] = cells(&entry.record.event);

        assert_eq!([outcome, resource, reason], ["intent", "-", "-"]);
    }
}
