//! The explanation of a decision is the decision.

use ee::{UserId, storage::Effect};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, Dice, TestServer, Who};

async fn explain(server: &TestServer, body: Value) -> Answer {
    let ask = server
        .post("/api/access/explain")
        .by(Who::Owner)
        .json(&body);
    ask.send().await
}

#[tokio::test]
async fn the_reason_names_the_role_the_pattern_the_grant_or_what_is_missing() {
    let server = TestServer::start().await;
    server.role("one", &["agents:write:a1"], &[]).await;
    server.account("ada", &["viewer", "one"]).await;
    server.group("ops", &["ada"]).await;
    server
        .grant("group:ops", "agents/a2", &["execute"], Effect::Allow)
        .await;
    server
        .grant("role:viewer", "agents/a3", &["read"], Effect::Deny)
        .await;

    for (permission, id, expected) in [
        (
            "agents:read",
            None,
            json!({
                "allowed": true,
                "decidedBy": "permission",
                "reason": "role `viewer` holds `*:read`, which covers `agents:read`",
                "pattern": "*:read",
                "role": "viewer",
            }),
        ),
        (
            "agents:write",
            Some("a1"),
            json!({
                "allowed": true,
                "decidedBy": "permission-for-id",
                "reason": "role `one` holds `agents:write:a1`, which covers `agents:write:a1`",
                "pattern": "agents:write:a1",
                "role": "one",
            }),
        ),
        (
            "agents:execute",
            Some("a2"),
            json!({
                "allowed": true,
                "decidedBy": "grant",
                "reason": "a grant to `group:ops` permits `agents:execute:a2`",
                "subject": "group:ops",
            }),
        ),
        (
            "stored-agents:read",
            Some("a3"),
            json!({
                "allowed": false,
                "decidedBy": "deny-grant",
                "reason": "a grant to `role:viewer` forbids `stored-agents:read:a3`",
                "subject": "role:viewer",
            }),
        ),
        (
            "agents:delete",
            Some("a1"),
            json!({
                "allowed": false,
                "decidedBy": "nothing",
                "reason": "none of the roles `one`, `viewer` permits `agents:delete:a1`, and no grant does",
            }),
        ),
    ] {
        let mut body = json!({ "userId": "ada", "permission": permission });
        if let Some(id) = id {
            body["resourceId"] = json!(id);
        }
        assert_eq!(
            explain(&server, body).await.json(),
            expected,
            "{permission} {id:?}"
        );
    }
}

#[tokio::test]
async fn roles_are_explained_as_if_somebody_had_them() {
    let server = TestServer::start().await;
    let ask = |roles: Value| json!({ "roles": roles, "permission": "agents:write" });

    for (roles, allowed) in [
        (json!(["viewer"]), false),
        (json!(["viewer", "developer"]), true),
        (json!([]), false),
    ] {
        let answer = explain(&server, ask(roles.clone())).await.json();
        assert_eq!(answer["allowed"], allowed, "{roles}");
    }
    for body in [
        ask(json!(["unknown"])),
        json!({ "permission": "agents:read" }),
        json!({ "permission": "agents:read", "userId": "owner", "roles": ["viewer"] }),
        json!({ "permission": "", "userId": "owner" }),
    ] {
        explain(&server, body).await.assert_error(400, "invalid");
    }
    let unknown = json!({ "permission": "agents:read", "userId": "unknown" });
    explain(&server, unknown)
        .await
        .assert_error(404, "not_found");
}

#[tokio::test]
async fn a_refusal_gives_its_reason_to_those_who_may_read_access_alone() {
    let server = TestServer::start().await;
    server.agent("a1").await;
    server
        .grant("user:admin", "agents/a1", &["write"], Effect::Deny)
        .await;
    server
        .grant("user:developer", "agents/a1", &["write"], Effect::Deny)
        .await;
    let message = async |who: Who, method: Method| {
        let ask = server.ask(method, "/api/stored/agents/a1").by(who);
        let answer = ask.json(&json!({ "description": "x" })).send().await;
        answer.assert_error(403, "forbidden");
        answer.json()["message"].as_str().unwrap().to_owned()
    };

    assert_eq!(
        message(Who::Admin, Method::PATCH).await,
        "Missing required permission: stored-agents:write \
         (a grant to `user:admin` forbids `stored-agents:write:a1`)"
    );
    assert_eq!(
        message(Who::Admin, Method::DELETE).await,
        "Missing required permission: stored-agents:delete \
         (none of the roles `admin` permits `stored-agents:delete:a1`, and no grant does)"
    );
    for who in [Who::Developer, Who::Member, Who::Viewer, Who::Nobody] {
        let plain = "Missing required permission: stored-agents:write";
        assert_eq!(message(who, Method::PATCH).await, plain, "{who:?}");
    }
}

/// A request that needs one permission on one agent.
struct Probe {
    permission: &'static str,
    method: Method,
    path: &'static str,
    body: Option<Value>,
}

fn probes() -> Vec<Probe> {
    let probe = |permission, method, path, body| Probe {
        permission,
        method,
        path,
        body,
    };
    let hello = json!({ "messages": "Hello" });
    let patch = json!({ "description": "Changed" });
    vec![
        probe("agents:read", Method::GET, "/api/agents/{id}", None),
        probe(
            "agents:execute",
            Method::POST,
            "/api/agents/{id}/generate",
            Some(hello),
        ),
        probe(
            "stored-agents:read",
            Method::GET,
            "/api/stored/agents/{id}",
            None,
        ),
        probe(
            "stored-agents:write",
            Method::PATCH,
            "/api/stored/agents/{id}",
            Some(patch),
        ),
        probe(
            "stored-agents:delete",
            Method::DELETE,
            "/api/stored/agents/{id}",
            None,
        ),
    ]
}

const PATTERNS: [&str; 14] = [
    "*",
    "*:*",
    "*:read",
    "agents:*",
    "agents:read",
    "agents:execute:a1",
    "agents:*:a2",
    "stored:*",
    "stored:read",
    "stored-agents:*",
    "stored-agents:write:a1",
    "stored-agents:delete",
    "*:execute:a2",
    "workflows:*",
];
const SUBJECTS: [&str; 5] = [
    "user:ada",
    "role:first",
    "role:second",
    "group:ops",
    "group:none",
];
const ACTIONS: [&str; 5] = ["read", "write", "execute", "delete", "*"];

/// Asks everything in both ways.
async fn compare(server: &TestServer, ada: &UserId, round: usize) {
    for probe in probes() {
        for id in ["a1", "a2", "a3"] {
            let body = json!({ "userId": ada, "permission": probe.permission, "resourceId": id });
            let explained = explain(server, body).await.json();
            let session = server.session_of(ada).await;
            let path = probe.path.replace("{id}", id);
            let ask = server.ask(probe.method.clone(), &path).cookie(&session);
            let ask = match &probe.body {
                Some(body) => ask.json(body),
                None => ask,
            };
            let answer = ask.send().await;
            let what = format!("{round} {} {path}: {explained}", probe.method);
            match answer.code() {
                200 => assert_eq!(explained["allowed"], true, "{what}"),
                403 => assert_eq!(explained["allowed"], false, "{what}"),
                other => panic!("{what}: {other} {}", answer.text()),
            }
            if answer.code() == 200 && probe.method == Method::DELETE {
                server.agent(id).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_explained_is_what_requests_get() {
    let mut dice = Dice::new(7);

    for round in 0..60 {
        let server = TestServer::start().await;
        for agent in ["a1", "a2", "a3"] {
            server.agent(agent).await;
        }
        server.role("first", &dice.some(&PATTERNS, 2), &[]).await;
        let inherits: &[&str] = if dice.roll(2) == 0 { &["first"] } else { &[] };
        server
            .role("second", &dice.some(&PATTERNS, 1), inherits)
            .await;
        let roles: &[&str] = [&[][..], &["first"], &["second"], &["viewer"]][dice.roll(4)];
        let ada = server.account("ada", roles).await;
        server
            .group("ops", if dice.roll(2) == 0 { &["ada"] } else { &[] })
            .await;
        server.group("none", &[]).await;
        compare(&server, &ada, round).await;
        for _ in 0..dice.roll(6) {
            let effect = [Effect::Allow, Effect::Allow, Effect::Deny][dice.roll(3)];
            let thing = ["agents/a1", "agents/a2", "stored-agents/a1"][dice.roll(3)];
            let action = dice.pick(&ACTIONS);
            server
                .grant(dice.pick(&SUBJECTS), thing, &[action], effect)
                .await;
        }
        compare(&server, &ada, round).await;
    }
}
