//! Events for copies.

use ee_core::{
    ActorKind, ActorType, AuditAction, AuditActor, AuditAi, AuditChange, AuditContext, AuditEvent,
    AuditOutcome, AuditParty, AuditPermission, AuditResource,
    storage::{AuditEntry, AuditRecord},
};
use serde_json::{Value, json};

/// Returns an event that has everything, with `text` wherever somebody else may have written.
pub(crate) fn full_event(text: &str) -> AuditEvent {
    let some = || Some(text.to_owned());
    let mut actor = AuditActor::new(ActorType::User, text);
    actor.email = some();
    actor.ip = Some("192.0.2.7".parse().unwrap());
    actor.user_agent = some();
    actor.auth_method = some();
    actor.credential_id = some();
    actor.kind = Some(ActorKind::Human);
    actor.name = some();
    actor.organization_id = some();
    actor.roles = vec![text.to_owned(), "owner".to_owned()];
    actor.session_id = some();
    let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
    let mut event = AuditEvent::new(at, actor, AuditAction::AGENT_UPDATE, AuditOutcome::Denied);
    let mut resource = AuditResource::new(text.to_owned(), text);
    resource.name = some();
    event.targets.push(resource.clone());
    event.resource = Some(resource);
    event.reason = some();
    event.duration = Some(12);
    let mut party = AuditParty::new(ActorType::Apikey, text);
    party.email = some();
    event.on_behalf_of = Some(party.clone());
    event.impersonated_by = Some(party);
    let mut permission = AuditPermission::new(text);
    permission.matched_role = some();
    permission.matched_grant = some();
    event.permission = Some(permission);
    let mut context = AuditContext::new(
        text.to_owned(),
        text.to_owned(),
        text.to_owned().into(),
        403,
    );
    context.instance_id = some();
    context.trace_id = some();
    context.span_id = some();
    event.context = Some(Box::new(context));
    let mut ai = AuditAi::default();
    ai.agent_id = some();
    ai.model = some();
    ai.provider = some();
    ai.run_id = some();
    ai.thread_id = some();
    ai.step_id = some();
    ai.tool_call_id = some();
    ai.finish_reason = some();
    ai.prompt_tokens = Some(3);
    ai.completion_tokens = Some(4);
    ai.input_bytes = Some(5);
    ai.output_bytes = Some(6);
    ai.input = Some(Value::from(text));
    ai.output = Some(Value::from(text));
    event.ai = Some(Box::new(ai));
    event
        .changes
        .push(AuditChange::new("/name", Some(Value::from(text)), None));
    event.metadata.insert(text.to_owned(), json!([text]));
    event
}

pub(crate) fn plain_event() -> AuditEvent {
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    AuditEvent::new(
        at,
        AuditActor::system(),
        AuditAction::SERVER_START,
        AuditOutcome::Success,
    )
}

pub(crate) fn entry(event: AuditEvent, partition: &str, seq: u64) -> AuditEntry {
    AuditEntry {
        record: AuditRecord::new(event).unwrap(),
        partition: partition.to_owned(),
        received_at: "2026-01-02T03:04:06Z".parse().unwrap(),
        seq,
    }
}
