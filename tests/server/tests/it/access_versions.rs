//! A change names the version that it was decided on, and there is always an owner.

use std::sync::Arc;

use ee::server::Op;
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, Ask, Call, TestServer, Who, expect_success};

/// The operations that ask for `If-Match`.
const VERSIONED: [Op; 9] = [
    Op::UpdateUser,
    Op::DeleteUser,
    Op::PutRole,
    Op::DeleteRole,
    Op::SetRoleMapping,
    Op::UpdateGroup,
    Op::DeleteGroup,
    Op::UpdateKey,
    Op::RotateKey,
];

#[tokio::test]
async fn a_change_names_the_version_that_it_was_decided_on() {
    let server = TestServer::start().await;

    for op in Op::ALL.iter().copied() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        assert_eq!(call.if_match.is_some(), VERSIONED.contains(&op), "{op:?}");
    }
    for op in VERSIONED {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let version = call.if_match.unwrap();
        let bare = || call.ask(&server).by(Who::Owner).without("if-match");

        let missing = bare().send().await;
        missing.assert_error(428, "precondition_required");
        for stale in [0, version - 1, version + 1, u64::MAX] {
            let answer = bare().if_match(stale).send().await;
            answer.assert_error(412, "stale");
        }
        for malformed in [
            "",
            "*",
            &version.to_string(),
            &format!("W/\"{version}\""),
            &format!("\"{version}"),
            &format!("\"{version}\", \"2\""),
            "\"\"",
            "\"-1\"",
            "\"1.0\"",
            "\"0x1\"",
            "\"99999999999999999999999\"",
            "\"\u{e9}\"",
        ] {
            let answer = bare().header("if-match", malformed).send().await;
            assert_eq!(answer.code(), 400, "{op:?} {malformed}: {}", answer.text());
            assert_eq!(answer.json()["issues"][0]["field"], "If-Match", "{op:?}");
        }
        expect_success(op, &bare().if_match(version).send().await);
        let again = bare().if_match(version).send().await;
        assert!(
            matches!(again.code(), 404 | 412),
            "{op:?}: {}",
            again.text()
        );
    }
}

#[tokio::test]
async fn an_answer_carries_the_version_that_the_next_change_names() {
    let server = TestServer::start().await;

    for (read, change) in [
        (Op::GetUser, Op::UpdateUser),
        (Op::GetGroup, Op::UpdateGroup),
        (Op::GetKey, Op::UpdateKey),
        (Op::ListRoles, Op::PutRole),
        (Op::GetRoleMapping, Op::SetRoleMapping),
    ] {
        let call = Call::prepare(&server, change, Who::Owner).await;
        let path = if read == Op::ListRoles {
            "/api/access/roles"
        } else {
            &call.path
        };
        for _ in 0..3 {
            let shown = server.get(path).by(Who::Owner).send().await;
            let tag = shown.header("etag").to_owned();
            let ask = call.ask(&server).by(Who::Owner).replace("if-match", &tag);
            let changed = ask.send().await;
            expect_success(change, &changed);
            let next = server.get(path).by(Who::Owner).send().await;
            assert_eq!(changed.header("etag"), next.header("etag"), "{change:?}");
            assert_ne!(changed.header("etag"), tag, "{change:?}");
        }
    }
}

/// Sends the same change many times at once.
async fn at_once(server: &Arc<TestServer>, call: &Call) -> Vec<Answer> {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (server, call) = (Arc::clone(server), call.clone());
            tokio::spawn(async move { call.ask(&server).by(Who::Owner).send().await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_changes_of_one_version_one_is_made() {
    let server = Arc::new(TestServer::start().await);

    for _ in 0..20 {
        for op in [
            Op::UpdateUser,
            Op::UpdateGroup,
            Op::UpdateKey,
            Op::RotateKey,
            Op::PutRole,
            Op::SetRoleMapping,
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let answers = at_once(&server, &call).await;
            let count = |status: u16| answers.iter().filter(|it| it.code() == status).count();
            let all: Vec<u16> = answers.iter().map(Answer::code).collect();
            assert_eq!(
                (count(200), count(412)),
                (1, answers.len() - 1),
                "{op:?} {all:?}"
            );
        }
    }
}

/// What would leave nobody in charge.
fn removals(user: &str) -> [(Method, String, Option<Value>); 3] {
    let status = json!({ "status": "disabled" });
    [
        (
            Method::DELETE,
            format!("assignments?userId={user}&role=owner"),
            None,
        ),
        (Method::PATCH, format!("users/{user}"), Some(status)),
        (Method::DELETE, format!("users/{user}"), None),
    ]
}

async fn by_owner(
    server: &TestServer,
    (method, path, body): (Method, String, Option<Value>),
    version: u64,
) -> Answer {
    let ask = server
        .ask(method, format!("/api/access/{path}"))
        .by(Who::Owner);
    let ask = ask.if_match(version);
    match body {
        Some(body) => ask.json(&body).send().await,
        None => ask.send().await,
    }
}

#[tokio::test]
async fn the_last_owner_stays_by_every_route() {
    let server = TestServer::start().await;
    let chief = server.account("chief", &["owner"]).await;
    let session = server.session_of(&chief).await;
    let alive = async || {
        server
            .get("/api/access/users")
            .cookie(&session)
            .send()
            .await
            .code()
    };

    for removal in removals("chief") {
        let what = removal.1.clone();
        let answer = by_owner(&server, removal.clone(), 1).await;
        assert_eq!(answer.code(), 409, "{what}: {}", answer.text());
        // He himself cannot do it either.
        let (method, path, body) = removal;
        let ask = server
            .ask(method, format!("/api/access/{path}"))
            .cookie(&session)
            .if_match(1);
        let ask = body.iter().fold(ask, Ask::json);
        assert_eq!(ask.send().await.code(), 409, "{what}");
        assert_eq!(alive().await, 200, "{what}");
    }
    let revision = server.revision().await;
    let role = json!({ "name": "Owner", "permissions": [] });
    let put = (Method::PUT, "roles/owner".to_owned(), Some(role));
    assert_eq!(by_owner(&server, put, revision).await.code(), 409);
    let delete = (Method::DELETE, "roles/owner".to_owned(), None);
    assert_eq!(by_owner(&server, delete, revision).await.code(), 409);
    assert_eq!(alive().await, 200);
}

#[tokio::test]
async fn an_owner_who_cannot_sign_in_does_not_count() {
    for number in 0..3 {
        let server = TestServer::start().await;
        server.account("chief", &["owner"]).await;
        server.account("other", &["owner"]).await;
        let disabled = by_owner(&server, removals("other")[1].clone(), 1).await;
        assert_eq!(disabled.code(), 200, "{}", disabled.text());

        let removal = removals("chief")[number].clone();
        assert_eq!(by_owner(&server, removal, 1).await.code(), 409, "{number}");
        // The one who does not count may go.
        let gone = by_owner(&server, removals("other")[2].clone(), 2).await;
        assert_eq!(gone.code(), 200, "{}", gone.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_are_removed_at_once_one_stays() {
    for round in 0..60 {
        let server = Arc::new(TestServer::start().await);
        server.account("ada", &["owner"]).await;
        server.account("bob", &["owner"]).await;
        let tasks = ["ada", "bob"].map(|user| {
            let server = Arc::clone(&server);
            let removal = removals(user)[round % 3].clone();
            tokio::spawn(async move { by_owner(&server, removal, 1).await.code() })
        });
        let mut codes = Vec::new();
        for task in tasks {
            codes.push(task.await.unwrap());
        }

        codes.sort_unstable();
        assert_eq!(codes, [200, 409], "{round}");
    }
}
