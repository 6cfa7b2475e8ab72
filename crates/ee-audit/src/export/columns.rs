//! The columns of tables.

use std::borrow::Cow;

use ee_core::{
    ActorKind, AuditActor, AuditAi, AuditCellKind, AuditColumn, AuditContext, AuditEvent,
    AuditParty, AuditPermission, AuditResource, storage::AuditEntry,
};
use serde::Serialize;

use super::csv::Column;

/// The columns of Mastra.
pub(super) const MASTRA: &[Column] = &[
    ("id", |it| event(it).id.to_string().into()),
    ("timestamp", |it| {
        format!("{:.3}", event(it).timestamp).into()
    }),
    ("actorType", |it| actor(it).actor_type.as_str().into()),
    ("actorId", |it| (&*actor(it).id).into()),
    ("actorEmail", |it| some(actor(it).email.as_deref())),
    ("action", |it| event(it).action.as_str().into()),
    ("resourceType", |it| resource(it, |it| Some(&it.kind))),
    ("resourceId", |it| resource(it, |it| Some(&it.id))),
    ("outcome", |it| event(it).outcome.as_str().into()),
    ("duration", |it| number(event(it).duration)),
];

/// Everything that an event has. What is a list or a map is JSON.
pub(super) const FULL: &[Column] = &[
    ("id", |it| event(it).id.to_string().into()),
    ("timestamp", |it| event(it).timestamp.to_string().into()),
    ("receivedAt", |it| it.received_at.to_string().into()),
    ("partition", |it| (&*it.partition).into()),
    ("seq", |it| it.seq.to_string().into()),
    ("schemaVersion", |_| {
        AuditEvent::SCHEMA_VERSION.to_string().into()
    }),
    ("action", |it| event(it).action.as_str().into()),
    ("code", |it| event(it).code().into()),
    ("category", |it| event(it).action.category().into()),
    ("crud", |it| event(it).action.card().crud.as_str().into()),
    ("severity", |it| event(it).severity().to_string().into()),
    ("stage", |it| event(it).stage.as_str().into()),
    ("outcome", |it| event(it).outcome.as_str().into()),
    ("reason", |it| some(event(it).reason.as_deref())),
    ("duration", |it| number(event(it).duration)),
    ("actor.type", |it| actor(it).actor_type.as_str().into()),
    ("actor.id", |it| (&*actor(it).id).into()),
    ("actor.kind", |it| {
        some(actor(it).kind.map(ActorKind::as_str))
    }),
    ("actor.name", |it| some(actor(it).name.as_deref())),
    ("actor.email", |it| some(actor(it).email.as_deref())),
    ("actor.ip", |it| shown(actor(it).ip)),
    ("actor.userAgent", |it| {
        some(actor(it).user_agent.as_deref())
    }),
    ("actor.authMethod", |it| {
        some(actor(it).auth_method.as_deref())
    }),
    ("actor.credentialId", |it| {
        some(actor(it).credential_id.as_deref())
    }),
    ("actor.sessionId", |it| {
        some(actor(it).session_id.as_deref())
    }),
    ("actor.organizationId", |it| {
        some(actor(it).organization_id.as_deref())
    }),
    ("actor.roles", |it| list(&actor(it).roles)),
    ("onBehalfOf.type", |it| {
        party_type(event(it).on_behalf_of.as_ref())
    }),
    ("onBehalfOf.id", |it| {
        party_id(event(it).on_behalf_of.as_ref())
    }),
    ("onBehalfOf.email", |it| {
        party_email(event(it).on_behalf_of.as_ref())
    }),
    ("impersonatedBy.type", |it| {
        party_type(event(it).impersonated_by.as_ref())
    }),
    ("impersonatedBy.id", |it| {
        party_id(event(it).impersonated_by.as_ref())
    }),
    ("impersonatedBy.email", |it| {
        party_email(event(it).impersonated_by.as_ref())
    }),
    ("resource.type", |it| resource(it, |it| Some(&it.kind))),
    ("resource.id", |it| resource(it, |it| Some(&it.id))),
    ("resource.name", |it| resource(it, |it| it.name.as_deref())),
    ("targets", |it| list(&event(it).targets)),
    ("permission.required", |it| {
        permission(it, |it| Some(&it.required))
    }),
    ("permission.matchedRole", |it| {
        permission(it, |it| it.matched_role.as_deref())
    }),
    ("permission.matchedGrant", |it| {
        permission(it, |it| it.matched_grant.as_deref())
    }),
    ("context.requestId", |it| {
        context(it, |it| Some(&it.request_id))
    }),
    ("context.traceId", |it| {
        context(it, |it| it.trace_id.as_deref())
    }),
    ("context.spanId", |it| {
        context(it, |it| it.span_id.as_deref())
    }),
    ("context.method", |it| context(it, |it| Some(&it.method))),
    ("context.route", |it| context(it, |it| Some(&it.route))),
    ("context.status", |it| {
        shown(event(it).context.as_ref().map(|it| it.status))
    }),
    ("context.instanceId", |it| {
        context(it, |it| it.instance_id.as_deref())
    }),
    ("ai.agentId", |it| ai(it, |it| it.agent_id.as_deref())),
    ("ai.provider", |it| ai(it, |it| it.provider.as_deref())),
    ("ai.model", |it| ai(it, |it| it.model.as_deref())),
    ("ai.runId", |it| ai(it, |it| it.run_id.as_deref())),
    ("ai.threadId", |it| ai(it, |it| it.thread_id.as_deref())),
    ("ai.stepId", |it| ai(it, |it| it.step_id.as_deref())),
    ("ai.toolCallId", |it| {
        ai(it, |it| it.tool_call_id.as_deref())
    }),
    ("ai.promptTokens", |it| count(it, |it| it.prompt_tokens)),
    ("ai.completionTokens", |it| {
        count(it, |it| it.completion_tokens)
    }),
    ("ai.finishReason", |it| {
        ai(it, |it| it.finish_reason.as_deref())
    }),
    ("ai.inputBytes", |it| count(it, |it| it.input_bytes)),
    ("ai.outputBytes", |it| count(it, |it| it.output_bytes)),
    ("ai.input", |it| {
        json(event(it).ai.as_ref().and_then(|it| it.input.as_ref()))
    }),
    ("ai.output", |it| {
        json(event(it).ai.as_ref().and_then(|it| it.output.as_ref()))
    }),
    ("changes", |it| list(&event(it).changes)),
    ("metadata", |it| {
        let metadata = &event(it).metadata;
        json((!metadata.is_empty()).then_some(metadata))
    }),
    ("redactions", |it| list(&event(it).redactions)),
];

/// Returns the columns of everything that an event has, with what their texts say.
pub(super) fn described() -> Vec<AuditColumn> {
    let describe = |(name, _): &Column| AuditColumn::new(name, kind(name));
    FULL.iter().map(describe).collect()
}

fn kind(name: &str) -> AuditCellKind {
    match name {
        "actor.roles" | "ai.input" | "ai.output" | "changes" | "metadata" | "redactions"
        | "targets" => AuditCellKind::Json,
        "ai.completionTokens"
        | "ai.inputBytes"
        | "ai.outputBytes"
        | "ai.promptTokens"
        | "context.status"
        | "duration"
        | "schemaVersion"
        | "seq"
        | "severity" => AuditCellKind::Number,
        "receivedAt" | "timestamp" => AuditCellKind::Time,
        _ => AuditCellKind::Text,
    }
}

fn event(entry: &AuditEntry) -> &AuditEvent {
    &entry.record.event
}

fn actor(entry: &AuditEntry) -> &AuditActor {
    &entry.record.event.actor
}

fn resource(entry: &AuditEntry, text: impl Fn(&AuditResource) -> Option<&str>) -> Cow<'_, str> {
    some(event(entry).resource.as_ref().and_then(text))
}

fn permission(entry: &AuditEntry, text: impl Fn(&AuditPermission) -> Option<&str>) -> Cow<'_, str> {
    some(event(entry).permission.as_ref().and_then(text))
}

fn context(entry: &AuditEntry, text: impl Fn(&AuditContext) -> Option<&str>) -> Cow<'_, str> {
    some(event(entry).context.as_deref().and_then(text))
}

fn ai(entry: &AuditEntry, text: impl Fn(&AuditAi) -> Option<&str>) -> Cow<'_, str> {
    some(event(entry).ai.as_deref().and_then(text))
}

fn count(entry: &AuditEntry, count: impl Fn(&AuditAi) -> Option<u64>) -> Cow<'_, str> {
    number(event(entry).ai.as_deref().and_then(count))
}

fn party_type(party: Option<&AuditParty>) -> Cow<'_, str> {
    some(party.map(|party| party.actor_type.as_str()))
}

fn party_id(party: Option<&AuditParty>) -> Cow<'_, str> {
    some(party.map(|party| &*party.id))
}

fn party_email(party: Option<&AuditParty>) -> Cow<'_, str> {
    some(party.and_then(|party| party.email.as_deref()))
}

fn some(text: Option<&str>) -> Cow<'_, str> {
    text.unwrap_or_default().into()
}

fn number(number: Option<u64>) -> Cow<'static, str> {
    shown(number)
}

fn shown(value: Option<impl ToString>) -> Cow<'static, str> {
    value.map(|it| it.to_string()).unwrap_or_default().into()
}

fn list<T: Serialize>(values: &[T]) -> Cow<'static, str> {
    json((!values.is_empty()).then_some(values))
}

fn json<T: Serialize + ?Sized>(value: Option<&T>) -> Cow<'static, str> {
    // What is in an event has been written as JSON before.
    let text = value.and_then(|value| serde_json::to_string(value).ok());
    text.unwrap_or_default().into()
}
