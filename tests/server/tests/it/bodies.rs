//! Bodies and parameters that are too large, of another kind, broken, or that ask for more (S7).

use ee::server::{Body, Op};
use server_tests::{Answer, Call, TestServer, Who, expect_success, needs_accounts};

const MIB: usize = 1_024 * 1_024;

const STRANGERS_LIMIT: usize = 16 * 1_024;

pub(crate) fn ops_with_body() -> impl Iterator<Item = Op> {
    Op::ALL
        .iter()
        .copied()
        .filter(|op| matches!(op.route().input, Body::Json(_)))
}

/// Tells whether everything that the body says has a default.
pub(crate) fn may_be_absent(op: Op) -> bool {
    matches!(op, Op::CreateRun | Op::RotateKey)
}

fn is_for_strangers(op: Op) -> bool {
    op.route().access.is_public()
}

/// Checks for a 400 whose `issues` name the field.
pub(crate) fn assert_issue(answer: &Answer, field: &str, what: &str) {
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
async fn a_list_is_no_body() {
    let server = TestServer::start().await;

    for op in ops_with_body() {
        for list in [
            serde_json::json!([]),
            serde_json::json!(["a@b.example", "x"]),
        ] {
            let mut call = Call::prepare(&server, op, Who::Owner).await;
            call.body = Some(list);
            assert_issue(
                &call.ask(&server).by(Who::Owner).send().await,
                "root",
                &call.path,
            );
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_and_one_at_the_limit_is_read() {
    let server = TestServer::start().await;

    for op in ops_with_body().filter(|op| !matches!(op, Op::SignUp | Op::Signup)) {
        let limit = if is_for_strangers(op) {
            STRANGERS_LIMIT
        } else {
            MIB
        };
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
        let at = at.send().await;
        if needs_accounts(op) {
            assert!(matches!(at.code(), 401 | 404), "{op:?}: {}", at.text());
        } else {
            expect_success(op, &at);
        }
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
            if is_for_strangers(op) && body.len() > STRANGERS_LIMIT {
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

    for op in ops_with_body() {
        for body in ["", "null", "[]", "1", "\"text\"", "true"] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let answer = call
                .ask(&server)
                .by(Who::Owner)
                .body("application/json", body)
                .send()
                .await;
            if may_be_absent(op) && matches!(body, "" | "null") {
                expect_success(op, &answer);
            } else {
                assert_issue(&answer, "root", &format!("{op:?} {body}"));
            }
        }
    }
}
