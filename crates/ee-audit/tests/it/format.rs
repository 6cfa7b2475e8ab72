//! Events as other systems read them.

use std::{collections::BTreeSet, fmt::Write as _};

use ee_audit::format::{Product, native, ocsf};
use ee_core::{
    ActionCard, ActorKind, ActorType, AuditAction, AuditActor, AuditAi, AuditChange, AuditContext,
    AuditEvent, AuditOutcome, AuditPermission, AuditResource, AuditStage,
    storage::{AuditEntry, AuditRecord},
};
use serde_json::{Value, json};

use crate::export_samples::full_event;

fn product() -> Product {
    Product {
        vendor: "mastra-ee".to_owned(),
        name: "Mastra EE".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

fn entry(event: AuditEvent) -> AuditEntry {
    AuditEntry {
        record: AuditRecord::new(event).unwrap(),
        partition: "default".to_owned(),
        received_at: "2026-10-02T09:14:03.221Z".parse().unwrap(),
        seq: 18_231,
    }
}

fn written(event: AuditEvent) -> Value {
    ocsf(&entry(event), &product())
}

fn ada(action: &str, outcome: AuditOutcome) -> AuditEvent {
    let mut actor = AuditActor::new(ActorType::User, "u1");
    actor.email = Some("ada@example.com".to_owned());
    actor.ip = Some("192.0.2.7".parse().unwrap());
    actor.kind = Some(ActorKind::Human);
    actor.user_agent = Some("curl/8.5.0".to_owned());
    let at = "2026-10-02T09:14:03.218Z".parse().unwrap();
    let mut event = AuditEvent::new(at, actor, AuditAction::new(action).unwrap(), outcome);
    event.id = "0198a1de-7b1c-7d40-9f0e-2a61c0d4e001".parse().unwrap();
    event
}

fn with_request(
    mut event: AuditEvent,
    method: &str,
    route: &'static str,
    status: u16,
) -> AuditEvent {
    let mut context =
        AuditContext::new("req_7".to_owned(), method.to_owned(), route.into(), status);
    context.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    event.context = Some(Box::new(context));
    event.duration = Some(4);
    event
}

fn about(mut event: AuditEvent, kind: &'static str, id: &str, name: &str) -> AuditEvent {
    let mut resource = AuditResource::new(kind, id);
    resource.name = Some(name.to_owned());
    event.resource = Some(resource);
    event
}

/// One event of each family.
fn families() -> Vec<(&'static str, AuditEvent)> {
    let (success, denied) = (AuditOutcome::Success, AuditOutcome::Denied);
    let mut sign_in = with_request(
        ada("auth.login.credentials", success),
        "POST",
        "/api/auth/login",
        200,
    );
    sign_in.actor.session_id = Some("s1".to_owned());
    sign_in.actor.auth_method = Some("password".to_owned());
    let password = with_request(
        ada("auth.password.change", success),
        "POST",
        "/api/account/password",
        200,
    );
    let user = about(ada("users.delete", success), "user", "u2", "Bob");
    let mut group = about(ada("groups.members.add", success), "group", "g1", "Writers");
    group.metadata.insert("userId".to_owned(), json!("u2"));
    let key = about(ada("apikeys.create", success), "key", "k1", "ci");
    let mut role = about(ada("roles.assign", success), "user", "u2", "Bob");
    role.metadata.insert("role".to_owned(), json!("admin"));
    let mut grant = ada("acl.grant", success);
    grant.resource = Some(AuditResource::new("grant", "agent:writer"));
    grant
        .metadata
        .insert("subject".to_owned(), json!("user:u2"));
    grant
        .metadata
        .insert("actions".to_owned(), json!(["read", "execute"]));
    let mut agent = about(ada("agents.update", success), "agent", "writer", "Writer");
    agent.changes.push(AuditChange::new(
        "/model",
        Some(json!("m-small")),
        Some(json!("m-large")),
    ));
    let mut agent = with_request(agent, "PATCH", "/api/stored/agents/:id", 200);
    agent.actor.organization_id = Some("org_1".to_owned());
    let mut stream = about(ada("agents.stream", success), "agent", "writer", "Writer");
    stream.stage = AuditStage::Intent;
    let mut ai = AuditAi::default();
    ai.agent_id = Some("writer".to_owned());
    ai.model = Some("m-large".to_owned());
    ai.provider = Some("p".to_owned());
    ai.thread_id = Some("th_3".to_owned());
    ai.prompt_tokens = Some(812);
    ai.completion_tokens = Some(64);
    stream.ai = Some(Box::new(ai));
    let mut refused = with_request(ada("auth.access.denied", denied), "GET", "/api/audit", 403);
    refused.reason = Some("missing permission `audit:read`".to_owned());
    refused.permission = Some(AuditPermission::new("audit:read"));
    let mut licence = ada("license.changed", success);
    licence.actor = AuditActor::system();
    vec![
        ("sign-in", sign_in),
        ("password", password),
        ("user", user),
        ("group", group),
        ("key", key),
        ("role", role),
        ("grant", grant),
        ("agent", agent),
        ("stream", stream),
        ("refused", refused),
        ("licence", licence),
        ("record", ada("audit.export", AuditOutcome::Failure)),
        ("foreign", ada("tools.execute", success)),
    ]
}

#[test]
fn each_family_is_written_as_the_schema_wants_it() {
    let expected: Value = serde_json::from_str(include_str!("format_ocsf.json")).unwrap();
    let families = families().into_iter();
    let actual: Value = families
        .map(|(name, event)| (name.to_owned(), written(event)))
        .collect();

    assert_eq!(actual, expected, "{actual:#}");
}

#[test]
fn every_action_has_its_class() {
    let mut actual = String::new();
    for card in ActionCard::ALL {
        let value = written(ada(card.name, AuditOutcome::Success));
        let (class, activity) = (&value["class_uid"], &value["activity_id"]);
        writeln!(actual, "{} {class}:{activity}", card.name).unwrap();
        let has_own_name = value["activity_name"] == card.label;
        assert!(*activity != 99 || has_own_name, "{}", card.name);
        // What nobody has thought of is taken for a call of an API.
        let is_call = matches!(
            card.name.split('.').next().unwrap(),
            "agents" | "messages" | "threads" | "workflows"
        );
        let is_refused = card.name.starts_with("auth.access.");
        assert_eq!(*class == 6_003, is_call || is_refused, "{}", card.name);
    }

    assert_eq!(actual, include_str!("format_classes.txt"), "{actual}");
}

#[test]
fn nothing_of_an_event_is_lost() {
    for card in ActionCard::ALL {
        let mut event = full_event("x");
        event.action = AuditAction::new(card.name).unwrap();
        let json = number_texts(serde_json::to_value(event).unwrap());
        let event: AuditEvent = serde_json::from_value(json).unwrap();
        let texts = texts_of(&native(&entry(event.clone())));

        let mut kept = texts_of(&written(event));
        // Times are numbers here.
        kept.extend(texts.iter().filter(|text| text.ends_with('Z')).cloned());
        let lost: Vec<_> = texts.difference(&kept).collect();
        assert!(lost.is_empty(), "{}: {lost:?}", card.name);
    }
}

/// Gives each text of a value a number, so that it can be told from the others.
fn number_texts(mut json: Value) -> Value {
    fn walk(json: &mut Value, number: &mut usize) {
        match json {
            Value::Array(values) => values.iter_mut().for_each(|it| walk(it, number)),
            Value::Object(map) => map.values_mut().for_each(|it| walk(it, number)),
            Value::String(text) if text == "x" => {
                *number += 1;
                *text = format!("text{number}");
            }
            _ => {}
        }
    }
    walk(&mut json, &mut 0);
    json
}

fn texts_of(json: &Value) -> BTreeSet<String> {
    match json {
        Value::Array(values) => values.iter().flat_map(texts_of).collect(),
        Value::Object(map) => map.values().flat_map(texts_of).collect(),
        Value::String(text) => BTreeSet::from([text.clone()]),
        _ => BTreeSet::new(),
    }
}

#[test]
fn our_own_format_is_the_event_with_its_place() {
    let entry = entry(full_event("x"));

    let value = native(&entry);

    assert_eq!(value["seq"], 18_231);
    assert_eq!(value["partition"], "default");
    assert_eq!(value["receivedAt"], "2026-10-02T09:14:03.221Z");
    let event: AuditEvent = serde_json::from_value(value).unwrap();
    assert_eq!(event, entry.record.event);
}

#[test]
fn an_erased_event_is_written_without_what_was_erased() {
    let record = entry(ada("agents.update", AuditOutcome::Success)).record;
    let mut entry = entry(ada("agents.update", AuditOutcome::Success));
    entry.record = AuditRecord::restore(record.canonical, None).unwrap();

    let json = ocsf(&entry, &product()).to_string();

    assert!(
        !json.contains("ada@") && !json.contains("192.0.2.7") && !json.contains("$commit"),
        "{json}"
    );
}
