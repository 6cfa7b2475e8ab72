//! Bodies and parameters that are too large, of another kind, broken, or that ask for more (S7).

use ee::server::{Body, Op};
use serde_json::{Value, json};
use server_tests::{Answer, Call, TestServer, Who, expect_success};

const MIB: usize = 1_024 * 1_024;
const AUTH_LIMIT: usize = 16 * 1_024;

fn ops_with_body() -> impl Iterator<Item = Op> {
    Op::ALL
        .iter()
        .copied()
        .filter(|op| matches!(op.route().input, Body::Json(_)))
}

fn is_auth(op: Op) -> bool {
    op.route().path.starts_with("/api/auth/")
}

/// Checks for a 400 whose `issues` name the field.
fn assert_issue(answer: &Answer, field: &str, what: &str) {
    assert_eq!(answer.code(), 400, "{what}: {}", answer.text());
    answer.assert_error(400, "invalid");
    let json = answer.json();
    let issues = json["issues"]
        .as_array()
        .unwrap_or_else(|| panic!("{what}: {json}"));
    let names: Vec<&str> = issues
        .iter()
        .map(|issue| issue["field"].as_str().unwrap())
        .collect();
    assert!(names.contains(&field), "{what}: {names:?} {json}");
    assert!(
        issues
            .iter()
            .all(|issue| !issue["message"].as_str().unwrap().is_empty()),
        "{what}"
    );
}

#[tokio::test]
async fn every_operation_with_a_body_has_a_sample() {
    let server = TestServer::start().await;

    for op in Op::ALL.iter().copied() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        assert_eq!(
            call.body.is_some(),
            matches!(op.route().input, Body::Json(_)),
            "{op:?}"
        );
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_and_one_at_the_limit_is_read() {
    let server = TestServer::start().await;

    for op in ops_with_body().filter(|op| !matches!(op, Op::SignUp | Op::Signup)) {
        let limit = if is_auth(op) { AUTH_LIMIT } else { MIB };
        let call = Call::prepare(&server, op, Who::Owner).await;
        let text = call.body.clone().unwrap().to_string();
        let padded = |size: usize| format!("{}{text}", " ".repeat(size - text.len()));

        let over = call
            .ask(&server)
            .by(Who::Owner)
            .body("application/json", padded(limit + 1));
        let over = over.send().await;
        over.assert_error(413, "body_too_large");
        assert_eq!(over.json()["error"], "Request body too large", "{op:?}");
        let at = call
            .ask(&server)
            .by(Who::Owner)
            .body("application/json", padded(limit));
        expect_success(op, &at.send().await);
    }
}

#[tokio::test]
async fn a_body_of_another_kind_is_415() {
    let server = TestServer::start().await;

    for op in ops_with_body() {
        for kind in [
            "text/plain",
            "text/plain; charset=utf-8",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/json",
            "application/xml",
            "application/jsonx",
            "application/json+x",
            "application/",
            "json",
            "*/*",
            "",
            "application/json/x",
            "text/html",
            "application/octet-stream",
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let body = call.body.clone().unwrap().to_string();
            let answer = call
                .ask(&server)
                .by(Who::Owner)
                .body(kind, body)
                .send()
                .await;
            answer.assert_error(415, "unsupported_media_type");
        }
        let call = Call::prepare(&server, op, Who::Owner).await;
        let body = call.body.clone().unwrap().to_string();
        let bare = call
            .ask(&server)
            .by(Who::Owner)
            .body("application/json", body)
            .without("content-type");
        assert_eq!(bare.send().await.code(), 415, "{op:?}");
    }
    for kind in [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/vnd.x+json",
    ] {
        let call = Call::prepare(&server, Op::CreateThread, Who::Owner).await;
        let body = call.body.clone().unwrap().to_string();
        let answer = call
            .ask(&server)
            .by(Who::Owner)
            .body(kind, body)
            .send()
            .await;
        assert_eq!(answer.code(), 200, "{kind}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_400_and_names_the_body() {
    let server = TestServer::start().await;
    let nested = "[".repeat(10_000);
    let nested_object = "{\"a\":".repeat(10_000);
    let deep_value = format!(
        "{{\"requestContext\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let broken: Vec<Vec<u8>> = [
        "{",
        "}",
        "{\"a\"",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "// x\n{}",
        "{} {}",
        "{}x",
        "\u{feff}{}",
        "undefined",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":01}",
        "{\"a\":1e999999}",
        "\"",
        "tru",
        "{\"a\":\"\n\"}",
        &nested,
        &nested_object,
        &deep_value,
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([
        b"{\"a\":\"\xff\"}".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        vec![0; 16],
        vec![0xc0, 0xaf],
    ])
    .collect();

    for op in ops_with_body() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        for body in &broken {
            let what = format!(
                "{op:?} {}",
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
            let answer = call
                .ask(&server)
                .by(Who::Owner)
                .body("application/json", body.clone())
                .send()
                .await;
            if is_auth(op) && body.len() > AUTH_LIMIT {
                answer.assert_error(413, "body_too_large");
                continue;
            }
            assert_eq!(answer.code(), 400, "{what}: {}", answer.text());
            answer.assert_error(400, "invalid");
            assert_eq!(answer.json()["error"], "Invalid request body", "{what}");
            assert!(
                answer.json()["issues"]
                    .as_array()
                    .is_some_and(|list| list.len() == 1),
                "{what}"
            );
        }
        let plain = call
            .ask(&server)
            .by(Who::Owner)
            .body("application/json", "{")
            .send()
            .await;
        assert_issue(&plain, "body", &format!("{op:?}"));
    }
}

#[tokio::test]
async fn an_absent_body_is_400_where_one_is_needed() {
    let server = TestServer::start().await;

    for op in ops_with_body().filter(|op| *op != Op::CreateRun) {
        let call = Call::prepare(&server, op, Who::Owner).await;
        for body in ["", "null", "[]", "1", "\"text\"", "true"] {
            let answer = call
                .ask(&server)
                .by(Who::Owner)
                .body("application/json", body)
                .send()
                .await;
            assert_issue(&answer, "root", &format!("{op:?} {body}"));
        }
    }
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
        for field in wanted {
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

#[tokio::test]
async fn a_field_that_comes_twice_is_refused() {
    let server = TestServer::start().await;

    for op in ops_with_body().filter(|op| *op != Op::CreateRun) {
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
async fn ids_with_forbidden_characters_are_400_in_every_path() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| op.route().path.contains('{'))
    {
        for id in [
            "%00", "a%00b", "a%0ab", "a%0db", "%7f", "a%2fb", "a%5cb", "a%3bb", "a%3fb", "a%23b",
            "%2e", "%2e%2e", "%c2%85", "%ff", "%",
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let template = op.route().path;
            let path: Vec<&str> = template
                .split('/')
                .map(|part| if part.starts_with('{') { id } else { part })
                .collect();
            let answer = call
                .ask(&server)
                .by(Who::Owner)
                .target(path.join("/") + &call.query)
                .send()
                .await;
            assert!(
                matches!(answer.code(), 400 | 404),
                "{op:?} {id}: {}",
                answer.code()
            );
        }
        let call = Call::prepare(&server, op, Who::Owner).await;
        let long = "x".repeat(256);
        let template = op.route().path;
        let path: Vec<&str> = template
            .split('/')
            .map(|part| if part.starts_with('{') { &*long } else { part })
            .collect();
        let answer = call
            .ask(&server)
            .by(Who::Owner)
            .target(path.join("/") + &call.query)
            .send()
            .await;
        assert_eq!(answer.code(), 400, "{op:?}: {}", answer.text());
        assert_eq!(answer.json()["error"], "Invalid path parameters", "{op:?}");
    }
}

#[tokio::test]
async fn page_numbers_and_sizes_out_of_range_are_400() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::ListMessages, Who::Owner).await;
    let runs = Call::prepare(&server, Op::ListRuns, Who::Owner).await;
    let lists = [
        "/api/stored/agents".to_owned(),
        "/api/memory/threads".to_owned(),
        call.path,
        runs.path,
    ];

    for path in &lists {
        for query in [
            "perPage=0",
            "perPage=1001",
            "perPage=-1",
            "perPage=abc",
            "perPage=",
            "perPage=1e3",
            "perPage=4294967296",
            "perPage=99999999999999999999",
            "page=-1",
            "page=abc",
            "page=4294967295",
            "page=4294967296",
            "page=1000001&perPage=1",
            "page=1&page=2",
            "perPage=1&perPage=1000",
            "perPage=%00",
            "perPage=0x10",
            "perPage=10.0",
        ] {
            let answer = server
                .get(format!("{path}?{query}"))
                .by(Who::Owner)
                .send()
                .await;
            assert_eq!(answer.code(), 400, "{path}?{query}: {}", answer.text());
            answer.assert_error(400, "invalid");
            assert_eq!(
                answer.json()["error"],
                "Invalid query parameters",
                "{path}?{query}"
            );
        }
        for query in [
            "",
            "perPage=1",
            "perPage=1000",
            "page=0",
            "page=7",
            "requestContext=e30%3D",
        ] {
            let answer = server
                .get(format!("{path}?{query}"))
                .by(Who::Owner)
                .send()
                .await;
            assert_eq!(answer.code(), 200, "{path}?{query}: {}", answer.text());
        }
    }
    for query in [
        "limit=0",
        "limit=1001",
        "fromDate=yesterday",
        "status=lost",
        "offset=-1",
    ] {
        let answer = server
            .get(format!("{}?{query}", lists[3]))
            .by(Who::Owner)
            .send()
            .await;
        assert_eq!(answer.code(), 400, "{query}: {}", answer.text());
        assert_eq!(
            answer.json()["error"],
            "Invalid query parameters",
            "{query}"
        );
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
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
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

#[tokio::test]
async fn a_request_target_beyond_8_kib_is_414() {
    let server = TestServer::start().await;

    let answer = server
        .get(format!("/api/agents?x={}", "a".repeat(9_000)))
        .by(Who::Owner)
        .send()
        .await;

    answer.assert_error(414, "uri_too_long");
}
