//! Fields that nobody declared, that come twice or that are of another type (S7, S8).

use std::collections::BTreeSet;

use ee::server::{Op, openapi};
use serde_json::{Value, json};
use server_tests::{Call, TestServer, Who, percent_encode};

use crate::bodies::{assert_issue, ops_with_body};

/// The members that the body of an operation has.
fn declared(op: Op) -> BTreeSet<String> {
    let document = openapi();
    let route = op.route();
    let method = route.method.as_str().to_ascii_lowercase();
    let body = &document["paths"][&*route.path][method]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    let choices = schema["anyOf"].as_array();
    let members = |schema: &Value| {
        let path = schema["$ref"].as_str();
        let schema = path.map_or(schema, |path| document.pointer(&path[1..]).unwrap());
        schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default()
    };
    let all = choices.into_iter().flatten().chain([schema]).map(members);
    all.flat_map(|members| members.into_iter().map(|(name, _)| name))
        .collect()
}

#[tokio::test]
async fn s07_a_field_that_nobody_declared_is_refused_on_every_route() {
    let server = TestServer::start().await;
    let wanted = [
        "surprise",
        "role",
        "roles",
        "isAdmin",
        "is_admin",
        "admin",
        "owner",
        "ownerId",
        "userId",
        "user",
        "permissions",
        "createdBy",
        "authorId",
        "createdAt",
        "updatedAt",
        "status",
        "visibility",
        "organization",
        "__proto__",
        "constructor",
        "",
        " ",
        "ID",
        "Name",
    ];

    for op in ops_with_body() {
        let declared = declared(op);
        let call = Call::prepare(&server, op, Who::Owner).await;
        let sample = call.body.as_ref().unwrap().as_object().unwrap();
        assert!(sample.keys().all(|name| declared.contains(name)), "{op:?}");
        for field in wanted {
            // What is asked for here has its own tests (`access_grants`, `access_accounts`).
            if declared.contains(field) {
                assert!(is_management(op) || op == Op::SignIn, "{op:?} {field}");
                continue;
            }
            let call = Call::prepare(&server, op, Who::Owner).await;
            let mut body = call.body.clone().unwrap();
            body[field] = json!("owner");
            let answer = call.ask(&server).by(Who::Owner).json(&body).send().await;
            assert_eq!(answer.code(), 400, "{op:?} {field:?}: {}", answer.text());
            let json = answer.json();
            let message = json["issues"][0]["message"].as_str().unwrap();
            assert!(
                message.starts_with(&format!("unknown field `{field}`")),
                "{op:?}: {message}"
            );
        }
    }
}

fn is_management(op: Op) -> bool {
    op.route().path.starts_with("/api/access/")
}

#[tokio::test]
async fn s07_a_field_that_nobody_declared_is_refused_inside_a_grant() {
    let server = TestServer::start().await;

    for member in ["subject", "resource"] {
        for field in ["surprise", "kind", "owner", "", "__proto__"] {
            let call = Call::prepare(&server, Op::Grant, Who::Owner).await;
            let mut body = call.body.clone().unwrap();
            body[member][field] = json!("owner");
            let answer = call.ask(&server).by(Who::Owner).json(&body).send().await;
            assert_issue(&answer, &format!("{member}.{field}"), field);
        }
    }
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused() {
    let server = TestServer::start().await;

    for op in ops_with_body().filter(|op| *op != Op::CreateRun) {
        // The sample of every other operation has at least one field.
        let call = Call::prepare(&server, op, Who::Owner).await;
        let text = call.body.clone().unwrap().to_string();
        let inner = &text[1..text.len() - 1];
        let twice = format!("{{{inner},{inner}}}");
        let answer = call
            .ask(&server)
            .by(Who::Owner)
            .body("application/json", twice)
            .send()
            .await;
        assert_eq!(answer.code(), 400, "{op:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_wrong_type_names_its_field() {
    let server = TestServer::start().await;
    let cases = [
        (Op::Login, "email", json!(1)),
        (Op::Login, "password", json!(["x"])),
        (Op::Login, "password", json!({ "$ne": null })),
        (Op::SignUp, "name", json!(1)),
        (Op::CreateStoredAgent, "name", json!(null)),
        (Op::CreateStoredAgent, "instructions", json!([])),
        (Op::CreateStoredAgent, "id", json!(7)),
        (Op::CreateStoredAgent, "id", json!("a/b")),
        (Op::CreateStoredAgent, "id", json!("")),
        (Op::CreateStoredAgent, "id", json!("..")),
        (Op::CreateStoredAgent, "id", json!("a\u{0}b")),
        (Op::CreateStoredAgent, "id", json!("x".repeat(256))),
        (Op::CreateStoredAgent, "model", json!("echo/dev")),
        (Op::CreateStoredAgent, "name", json!("")),
        (Op::CreateStoredAgent, "name", json!("a\u{0}b")),
        (Op::CreateStoredAgent, "name", json!("x".repeat(101))),
        (
            Op::CreateStoredAgent,
            "instructions",
            json!("x".repeat(40_000)),
        ),
        (Op::UpdateStoredAgent, "name", json!({})),
        (Op::UpdateStoredAgent, "description", json!("x".repeat(501))),
        (Op::CreateStoredWorkflow, "steps", json!({})),
        (Op::CreateStoredWorkflow, "steps", json!([])),
        (Op::CreateStoredWorkflow, "id", json!("a?b")),
        (Op::GenerateAgent, "messages", json!(1)),
        (Op::GenerateAgent, "messages", json!([])),
        (Op::GenerateAgent, "messages", json!("")),
        (Op::GenerateAgent, "threadId", json!("a/b")),
        (Op::StreamAgent, "toolsets", json!({ "x": {} })),
        (Op::StreamAgent, "memory", json!("x")),
        (Op::CreateThread, "title", json!(1)),
        (Op::CreateThread, "title", json!("x".repeat(201))),
        (Op::CreateThread, "metadata", json!([])),
        (
            Op::CreateThread,
            "metadata",
            json!({ "x": "y".repeat(20_000) }),
        ),
        (Op::CreateThread, "threadId", json!("a\u{0}b")),
        (Op::CreateThread, "threadId", json!("%2e")),
        (Op::CreateThread, "resourceId", json!("")),
        (Op::UpdateThread, "resourceId", json!("somebody-else")),
        (Op::CreateUser, "name", json!("")),
        (Op::CreateUser, "name", json!("a\nb")),
        (Op::CreateUser, "name", json!("x".repeat(101))),
        (Op::CreateUser, "email", json!("nobody")),
        (Op::CreateUser, "email", json!("a b@example.com")),
        (Op::CreateUser, "kind", json!("robot")),
        (Op::CreateUser, "roles", json!(["unknown"])),
        (Op::CreateUser, "roles", json!("viewer")),
        (Op::UpdateUser, "status", json!("asleep")),
        (Op::PutRole, "name", json!(" ")),
        (Op::PutRole, "permissions", json!("agents:read")),
        (Op::PutRole, "permissions", json!(vec!["agents:read"; 501])),
        (Op::PutRole, "inherits", json!(["unknown"])),
        (Op::SetRoleMapping, "mapping", json!([])),
        (Op::Grant, "actions", json!([])),
        (Op::Grant, "actions", json!(vec!["read"; 33])),
        (Op::Grant, "actions", json!(["a b"])),
        (Op::Grant, "effect", json!("maybe")),
        (Op::Grant, "expiresAt", json!("tomorrow")),
        (Op::Grant, "expiresAt", json!("2020-01-01T00:00:00Z")),
        (Op::CreateGroup, "name", json!("")),
        (Op::CreateGroup, "id", json!("a/b")),
        (Op::AddMember, "userId", json!(1)),
        (Op::CreateKey, "scopes", json!([])),
        (Op::CreateKey, "addresses", json!(["here"])),
        (Op::CreateKey, "expiresAt", json!("2020-01-01T00:00:00Z")),
        (Op::CreateKey, "name", json!("")),
        (Op::CreateKey, "userId", json!("unknown")),
        (Op::UpdateKey, "addresses", json!(["203.0.113.0/33"])),
        (Op::RotateKey, "overlapSeconds", json!(30 * 24 * 3_600 + 1)),
        (Op::RotateKey, "overlapSeconds", json!(-1)),
        (Op::Explain, "permission", json!(1)),
        (Op::Explain, "userId", json!(["viewer"])),
    ];

    for (op, field, value) in cases {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let mut body = call.body.clone().unwrap();
        body[field] = value.clone();
        let answer = call.ask(&server).by(Who::Owner).json(&body).send().await;
        let what = format!(
            "{op:?} {field}: {}",
            value.to_string().chars().take(40).collect::<String>()
        );
        assert_issue(&answer, field, &what);
    }
}

#[tokio::test]
async fn a_wrong_field_deep_inside_is_named_by_its_path() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::CreateStoredWorkflow, Who::Owner).await;
    let with = |step: Value| {
        let mut body = call.body.clone().unwrap();
        body["steps"] = json!([{ "id": "a", "agentId": "writer", "prompt": "x" }, step]);
        call.ask(&server).by(Who::Owner).json(&body).send()
    };

    let wrong = with(json!({ "id": "b", "agentId": 1, "prompt": "x" })).await;
    assert_issue(&wrong, "steps[1].agentId", "agentId");
    let more = with(json!({ "id": "b", "agentId": "writer", "prompt": "x", "tool": "rm" })).await;
    assert_eq!(more.code(), 400, "{}", more.text());
    let twice = with(json!({ "id": "a", "agentId": "writer", "prompt": "x" })).await;
    assert_eq!(twice.code(), 400, "{}", twice.text());
}

#[tokio::test]
async fn messages_for_people_name_no_type_of_the_program() {
    let server = TestServer::start().await;

    for op in ops_with_body() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let members: Vec<String> = call
            .body
            .as_ref()
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let mut bodies = vec![json!([]), json!(1), json!("x"), json!({})];
        for member in members {
            for value in [
                json!(1),
                json!({}),
                json!([{}]),
                json!([1]),
                json!(null),
                json!(true),
            ] {
                let mut body = call.body.clone().unwrap();
                body[&member] = value;
                bodies.push(body);
            }
        }
        for body in bodies {
            let text = call
                .ask(&server)
                .by(Who::Owner)
                .json(&body)
                .send()
                .await
                .text();
            for word in ["struct ", "enum", "Body", "variant", "Vec", "Option", "::"] {
                assert!(!text.contains(word), "{op:?} {body}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn s08_markup_in_texts_comes_back_as_data() {
    let server = TestServer::start().await;

    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' OR '1'='1",
        "'; DROP TABLE ee_agents; --",
        "{{constructor}}",
        "${jndi:ldap://x}",
        "%s%n",
        "\u{202e}txt",
        "é🦀",
    ] {
        let body = json!({ "name": text, "instructions": text, "description": text });
        let made = server
            .post("/api/stored/agents")
            .by(Who::Owner)
            .json(&body)
            .send()
            .await;
        assert_eq!(made.code(), 200, "{text}: {}", made.text());
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let encoded = percent_encode(&id);
        let read = server
            .get(format!("/api/stored/agents/{encoded}"))
            .by(Who::Owner)
            .send()
            .await;
        assert_eq!(read.json()["name"], text);
        assert_eq!(read.header("x-content-type-options"), "nosniff");
        assert_eq!(read.header("content-type"), "application/json");
        assert_eq!(
            read.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
    }
}
