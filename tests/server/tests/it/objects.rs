//! Objects inside bodies: a list never stands for one.

use ee::server::{Op, openapi};
use serde_json::{Value, json};
use server_tests::{Answer, Call, TestServer, Who};

use crate::bodies::{assert_issue, ops_with_body};

/// Finds the schema that a reference names.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => document.pointer(&path[1..]).unwrap(),
        None => schema,
    }
}

/// Tells whether a schema is that of an object with members of its own.
fn is_object(document: &Value, schema: &Value) -> bool {
    resolve(document, schema)["properties"].is_object()
}

/// The members of an operation's body that hold an object or a list of objects, with a list in place of the object
/// and the path under which an issue names it.
fn lists_for_objects(document: &Value, op: Op) -> Vec<(String, Value, String)> {
    let route = op.route();
    let method = route.method.as_str().to_ascii_lowercase();
    let body = &document["paths"][&*route.path][method]["requestBody"];
    let body = resolve(document, &body["content"]["application/json"]["schema"]);
    let members = body["properties"].as_object().into_iter().flatten();
    let list = json!(["a", "b", "c"]);
    members
        .filter_map(|(name, schema)| {
            let choices = schema["anyOf"].as_array();
            let mut choices = choices.into_iter().flatten().chain([schema]);
            if is_object(document, &schema["items"]) {
                Some((name.clone(), json!([list]), format!("{name}[0]")))
            } else if choices.any(|choice| is_object(document, choice)) {
                Some((name.clone(), list.clone(), name.clone()))
            } else {
                None
            }
        })
        .collect()
}

async fn send(server: &TestServer, op: Op, member: &str, value: &Value) -> Answer {
    let call = Call::prepare(server, op, Who::Owner).await;
    let mut body = call.body.clone().unwrap();
    body[member] = value.clone();
    call.ask(server).by(Who::Owner).json(&body).send().await
}

#[tokio::test]
async fn a_list_in_place_of_a_nested_object_is_refused_and_named() {
    let server = TestServer::start().await;
    let document = openapi();
    let mut seen = Vec::new();

    for op in ops_with_body() {
        for (member, value, field) in lists_for_objects(&document, op) {
            let answer = send(&server, op, &member, &value).await;

            assert_issue(&answer, &field, &format!("{op:?} {member}"));
            let text = answer.text();
            assert!(text.contains("must be an object"), "{op:?}: {text}");
            seen.push((op, member));
        }
    }
    for (op, member) in [
        (Op::CreateStoredAgent, "model"),
        (Op::CreateStoredWorkflow, "steps"),
        (Op::GenerateAgent, "memory"),
    ] {
        assert!(seen.contains(&(op, member.to_owned())), "{seen:?}");
    }
}

#[tokio::test]
async fn a_list_in_place_of_a_message_or_its_part_is_refused() {
    let server = TestServer::start().await;

    for messages in [
        json!([["user", "Hello"]]),
        json!([{ "role": "user", "content": [["text", "Hello"]] }]),
        json!([{ "role": "user", "parts": [["text", "Hello"]] }]),
    ] {
        let answer = send(&server, Op::GenerateAgent, "messages", &messages).await;

        assert_issue(&answer, "messages", &messages.to_string());
    }
    let thread = json!({ "thread": ["a-thread"] });
    let answer = send(&server, Op::GenerateAgent, "memory", &thread).await;
    assert_issue(&answer, "memory.thread", "thread");
}
