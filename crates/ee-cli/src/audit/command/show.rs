//! `mastra-ee audit show`.

use anyhow::Result;
use ee::{
    AuditAction, AuditEvent, AuditResource,
    audit::{export::hide_content, format::native},
    storage::AuditEntry,
};
use serde_json::{Value, json};

use super::{event::resource, keeper::Keeper, line};
use crate::{admin::output::lines, args::ShowArgs};

pub(super) async fn run(keeper: &Keeper, args: &ShowArgs) -> Result<()> {
    let mut entry = keeper.find(&args.event).await?;
    let id = entry.record.event.id.to_string();
    if args.content && has_content(&entry.record.event) {
        let mut act = keeper.act(AuditAction::AUDIT_CONTENT_READ, []);
        act.resource = Some(AuditResource::new("audit-event", id));
        keeper.record(act).await?;
    } else {
        keeper.record_reading("show", &id).await?;
        hide_content(&mut entry)?;
    }
    if args.raw {
        return line::write(&[entry.record.canonical]).map(drop);
    }
    keeper.show(&native(&entry), |_| text(&entry))
}

fn has_content(event: &AuditEvent) -> bool {
    let ai = event.ai.as_ref();
    ai.is_some_and(|ai| ai.input.is_some() || ai.output.is_some())
}

fn text(entry: &AuditEntry) -> String {
    let event = &entry.record.event;
    let actor = &event.actor;
    let action = format!("{} ({})", event.action, event.action.label());
    let place = format!("{} of log `{}`", entry.seq, entry.partition);
    let facts = [
        ("id", Some(event.id.to_string())),
        ("number", Some(place)),
        ("time", Some(event.timestamp.to_string())),
        ("received", Some(entry.received_at.to_string())),
        ("action", Some(action)),
        ("code", Some(event.code())),
        ("stage", Some(event.stage.as_str().to_owned())),
        ("outcome", Some(event.outcome.as_str().to_owned())),
        ("reason", event.reason.clone()),
        (
            "actor",
            Some(format!("{} {}", actor.actor_type.as_str(), actor.id)),
        ),
        ("name", actor.name.clone()),
        ("e-mail", actor.email.clone()),
        ("address", actor.ip.map(|ip| ip.to_string())),
        ("client", actor.user_agent.clone()),
        (
            "roles",
            (!actor.roles.is_empty()).then(|| actor.roles.join(", ")),
        ),
        ("resource", resource(event)),
        (
            "permission",
            event.permission.as_ref().map(|it| it.required.clone()),
        ),
        (
            "request",
            event.context.as_ref().map(|it| it.request_id.clone()),
        ),
        ("took", event.duration.map(|millis| format!("{millis} ms"))),
        ("leaf", Some(entry.record.leaf().to_string())),
    ];
    let rest = [
        ("metadata", json!(event.metadata)),
        ("changes", json!(event.changes)),
        ("model", json!(event.ai)),
        ("redacted", json!(event.redactions)),
    ];
    let rest = rest.map(|(name, value)| (name, (!is_empty(&value)).then(|| value.to_string())));
    lines(&[facts.as_slice(), rest.as_slice()].concat())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::command::event::tests::hostile;

    #[test]
    fn what_an_event_does_not_have_is_left_out_and_no_name_steers_the_terminal() {
        let said = text(&hostile());

        assert!(said.contains("number      7 of log `default`\n"), "{said}");
        assert!(
            said.contains("action      agents.update (Agent changed)\n"),
            "{said}"
        );
        assert!(said.contains("resource    agent/a\\u{a}1\n"), "{said}");
        assert!(
            !said.contains("metadata") && !said.contains("client"),
            "{said}"
        );
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}
