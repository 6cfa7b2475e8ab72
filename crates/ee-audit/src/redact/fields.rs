//! The texts and values of an event.

use std::borrow::Cow;

use ee_core::{AuditEvent, AuditParty, AuditResource};
use serde_json::Value;

use super::{
    detect::Sort,
    path::{Path, Pattern},
};

/// What is done with a text at a place.
type See<'a> = &'a mut dyn FnMut(&Path<'_>, &mut String, Sort);

/// The texts that every event may have, as patterns.
const TEXTS: [&[&str]; 9] = [
    &[
        "actor",
        "authMethod credentialId email id name organizationId sessionId userAgent",
    ],
    &[
        "ai",
        "agentId finishReason model provider runId stepId threadId toolCallId",
    ],
    &[
        "context",
        "instanceId method requestId route spanId traceId",
    ],
    &["impersonatedBy", "email id"],
    &["onBehalfOf", "email id"],
    &["permission", "matchedGrant matchedRole required"],
    &["reason"],
    &["resource", "id name type"],
    &["targets", "*", "id name type"],
];

/// Tells whether a text or a value may be at the place, so that a digest can stand there.
pub(super) fn can_be_digested(pattern: &Pattern) -> bool {
    let steps = pattern.steps();
    match steps.as_slice() {
        ["ai", "input" | "output", ..]
        | ["changes", _, "after" | "before", ..]
        | ["metadata", _, ..] => true,
        steps => TEXTS.iter().any(|text| {
            let is_one = |(names, step): (&&str, &&str)| {
                *names == "*" || names.split(' ').any(|name| name == *step)
            };
            text.len() == steps.len() && text.iter().zip(steps).all(is_one)
        }),
    }
}

/// Shows every text of an event but its roles, its redactions and the paths of its changes as places where digests can
/// stand, and those as others. A text that the program itself brings is left out.
pub(super) fn each_text(event: &mut AuditEvent, see: See<'_>) {
    actor(event, see);
    if let Some(ai) = &mut event.ai {
        let top = Path::top("ai");
        for (name, text, sort) in [
            ("agentId", &mut ai.agent_id, Sort::Id),
            ("finishReason", &mut ai.finish_reason, Sort::Text),
            ("model", &mut ai.model, Sort::Id),
            ("provider", &mut ai.provider, Sort::Text),
            ("runId", &mut ai.run_id, Sort::Id),
            ("stepId", &mut ai.step_id, Sort::Id),
            ("threadId", &mut ai.thread_id, Sort::Id),
            ("toolCallId", &mut ai.tool_call_id, Sort::Id),
        ] {
            option(&top.name(name), text, sort, see);
        }
    }
    let changes = Path::top("changes");
    for (index, change) in event.changes.iter_mut().enumerate() {
        see(
            &changes.at(index).name("path"),
            &mut change.path,
            Sort::Text,
        );
    }
    context(event, see);
    for (name, someone) in [
        ("impersonatedBy", &mut event.impersonated_by),
        ("onBehalfOf", &mut event.on_behalf_of),
    ] {
        if let Some(someone) = someone {
            party(&Path::top(name), someone, see);
        }
    }
    if let Some(permission) = &mut event.permission {
        let top = Path::top("permission");
        see(&top.name("required"), &mut permission.required, Sort::Id);
        option(
            &top.name("matchedRole"),
            &mut permission.matched_role,
            Sort::Id,
            see,
        );
        option(
            &top.name("matchedGrant"),
            &mut permission.matched_grant,
            Sort::Id,
            see,
        );
    }
    option(&Path::top("reason"), &mut event.reason, Sort::Text, see);
    if let Some(thing) = &mut event.resource {
        resource(&Path::top("resource"), thing, see);
    }
    let targets = Path::top("targets");
    for (index, target) in event.targets.iter_mut().enumerate() {
        resource(&targets.at(index), target, see);
    }
}

/// Shows the values of an event: each member of the metadata, both sides of each change, and content.
pub(super) fn each_value(event: &mut AuditEvent, see: &mut dyn FnMut(&Path<'_>, &mut Value)) {
    let metadata = Path::top("metadata");
    for (name, value) in &mut event.metadata {
        see(&metadata.name(name), value);
    }
    let changes = Path::top("changes");
    for (index, change) in event.changes.iter_mut().enumerate() {
        let path = changes.at(index);
        for (name, value) in [("before", &mut change.before), ("after", &mut change.after)] {
            if let Some(value) = value {
                see(&path.name(name), value);
            }
        }
    }
    if let Some(ai) = &mut event.ai {
        let top = Path::top("ai");
        for (name, value) in [("input", &mut ai.input), ("output", &mut ai.output)] {
            if let Some(value) = value {
                see(&top.name(name), value);
            }
        }
    }
}

fn actor(event: &mut AuditEvent, see: See<'_>) {
    let actor = &mut event.actor;
    let top = Path::top("actor");
    see(&top.name("id"), &mut actor.id, Sort::Id);
    for (name, text, sort) in [
        ("authMethod", &mut actor.auth_method, Sort::Text),
        ("credentialId", &mut actor.credential_id, Sort::Id),
        ("email", &mut actor.email, Sort::Text),
        ("name", &mut actor.name, Sort::Text),
        ("organizationId", &mut actor.organization_id, Sort::Id),
        ("sessionId", &mut actor.session_id, Sort::Id),
        ("userAgent", &mut actor.user_agent, Sort::Text),
    ] {
        option(&top.name(name), text, sort, see);
    }
    let roles = top.name("roles");
    for (index, role) in actor.roles.iter_mut().enumerate() {
        see(&roles.at(index), role, Sort::Id);
    }
}

fn context(event: &mut AuditEvent, see: See<'_>) {
    let Some(context) = &mut event.context else {
        return;
    };
    let top = Path::top("context");
    see(&top.name("requestId"), &mut context.request_id, Sort::Id);
    see(&top.name("method"), &mut context.method, Sort::Text);
    cow(&top.name("route"), &mut context.route, see);
    for (name, text) in [
        ("instanceId", &mut context.instance_id),
        ("spanId", &mut context.span_id),
        ("traceId", &mut context.trace_id),
    ] {
        option(&top.name(name), text, Sort::Id, see);
    }
}

fn party(top: &Path<'_>, party: &mut AuditParty, see: See<'_>) {
    see(&top.name("id"), &mut party.id, Sort::Id);
    option(&top.name("email"), &mut party.email, Sort::Text, see);
}

fn resource(top: &Path<'_>, resource: &mut AuditResource, see: See<'_>) {
    cow(&top.name("type"), &mut resource.kind, see);
    see(&top.name("id"), &mut resource.id, Sort::Id);
    option(&top.name("name"), &mut resource.name, Sort::Text, see);
}

fn option(path: &Path<'_>, text: &mut Option<String>, sort: Sort, see: See<'_>) {
    if let Some(text) = text {
        see(path, text, sort);
    }
}

fn cow(path: &Path<'_>, text: &mut Cow<'static, str>, see: See<'_>) {
    if let Cow::Owned(text) = text {
        see(path, text, Sort::Text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> AuditEvent {
        let party = json!({"type": "user", "id": "x", "email": "x"});
        let thing = json!({"type": "x", "id": "x", "name": "x"});
        serde_json::from_value(json!({
            "id": "019a3c5e-7b1c-7d40-9f0e-2a61c0d4e001", "timestamp": "2026-10-02T09:14:03.218Z",
            "action": "x", "outcome": "denied", "stage": "result", "duration": 1, "reason": "x",
            "actor": {"type": "user", "kind": "agent", "id": "x", "email": "x", "ip": "192.0.2.1", "userAgent": "x",
                "authMethod": "x", "credentialId": "x", "name": "x", "organizationId": "x", "roles": ["x"],
                "sessionId": "x"},
            "resource": thing, "targets": [thing], "impersonatedBy": party, "onBehalfOf": party,
            "ai": {"agentId": "x", "model": "x", "provider": "x", "runId": "x", "threadId": "x", "stepId": "x",
                "toolCallId": "x", "promptTokens": 1, "completionTokens": 1, "finishReason": "x", "inputBytes": 1,
                "outputBytes": 1, "input": "x", "output": "x"},
            "changes": [{"path": "x", "before": "x", "after": "x"}], "metadata": {"x": "x"},
            "context": {"requestId": "x", "method": "x", "route": "x", "status": 1, "instanceId": "x", "traceId": "x",
                "spanId": "x"},
            "permission": {"required": "x", "matchedRole": "x", "matchedGrant": "x"},
            "redactions": [{"path": "x", "method": "removed"}],
        }))
        .unwrap()
    }

    #[test]
    fn every_text_is_shown() {
        let mut event = full();
        // Whatever a structure holds is in its debug output: a field that is new stands there empty.
        let debug = format!("{event:?}");
        for empty in ["None", "[]", "\"\"", "{}"] {
            assert!(
                !debug.contains(empty),
                "teach `full` the new field: {debug}"
            );
        }

        each_text(&mut event, &mut |_, text, _| *text = "seen".to_owned());
        each_value(&mut event, &mut |_, value| *value = json!("seen"));
        let json = serde_json::to_value(event).unwrap();

        let mut unseen = Vec::new();
        collect(&json, String::new(), &mut unseen);
        // What follows from the action, and what is looked at by itself.
        assert_eq!(
            unseen,
            ["/action", "/category", "/crud", "/redactions/0/path"]
        );
    }

    fn collect(json: &Value, pointer: String, unseen: &mut Vec<String>) {
        match json {
            Value::Array(values) => {
                for (at, value) in values.iter().enumerate() {
                    collect(value, format!("{pointer}/{at}"), unseen);
                }
            }
            Value::Object(map) => {
                for (name, value) in map {
                    collect(value, format!("{pointer}/{name}"), unseen);
                }
            }
            value if value == "x" => unseen.push(pointer),
            _ => {}
        }
        unseen.sort();
    }

    #[test]
    fn a_digest_can_stand_at_every_text_and_value() {
        let mut places = Vec::new();
        let mut event = full();
        each_text(&mut event, &mut |path, _, _| places.push(path.pointer()));
        each_value(&mut event, &mut |path, _| places.push(path.pointer()));

        for place in places {
            let can = can_be_digested(&Pattern::parse(&place).unwrap());
            let is_not = place == "/changes/0/path" || place.starts_with("/actor/roles");
            assert_eq!(can, !is_not, "{place}");
        }
        for place in [
            "/actor/ip",
            "/actor",
            "/metadata",
            "/id",
            "/timestamp",
            "/",
            "/actor/id/x",
        ] {
            assert!(!can_be_digested(&Pattern::parse(place).unwrap()), "{place}");
        }
    }
}
