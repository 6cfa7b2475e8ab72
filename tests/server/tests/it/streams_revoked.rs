//! Open streams end within a second when their caller may not have them any more.

use std::time::Duration;

use ee::{
    Clock as _, UserId,
    storage::{AccountStore, Changed, Effect},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{Answer, Ask, Open, SessionKind, Setup, TestServer, Who};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const OVER: &str = "your sign-in or key is over";
const MISSING: &str = "Missing required permission: agents:execute";

/// A server whose agents take half a minute for an answer.
pub(crate) async fn start() -> TestServer {
    Setup::loopback().word_delay(100).start().await
}

pub(crate) fn chat<'a>(server: &'a TestServer, agent: &str) -> Ask<'a> {
    let words = "word ".repeat(100);
    let ask = server.post(format!("/api/agents/{agent}/stream"));
    ask.json(&json!({ "messages": words }))
}

/// Waits until the answer is under way.
pub(crate) async fn under_way(ask: Ask<'_>) -> Open {
    let mut open = ask.open().await;
    open.until("text-delta").await;
    open
}

/// Checks that an agent's stream ends now, as an error and nothing else, and that the record says whose it was.
async fn ends(server: &TestServer, open: Open, user: &str, reason: &str) {
    let text = open.to_end_within(SECOND).await;
    let inner = text.strip_suffix("data: [DONE]\n\n").unwrap();
    let events: Vec<Value> = inner
        .split_terminator("\n\n")
        .map(|block| serde_json::from_str(block.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let error = events.iter().find(|event| event["type"] == "error");
    let error = &error.unwrap_or_else(|| panic!("{text}"))["payload"]["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with(reason), "{message}");
    let last = &events[events.len() - 1];
    assert_eq!(last["payload"]["stepResult"]["reason"], "error", "{last}");
    let revoked = |event: &ee::AuditEvent| event.action.as_str() == "auth.access.revoked";
    let events = server.audit.take();
    let event = events.iter().find(|event| revoked(event)).unwrap();
    assert_eq!(event.actor.id, user);
    assert_eq!(event.outcome, ee::AuditOutcome::Denied);
    assert!(event.reason.as_deref().unwrap().starts_with(reason));
    assert_eq!(event.resource.as_ref().unwrap().id, "writer");
    assert_eq!(events.iter().filter(|event| revoked(event)).count(), 1);
}

pub(crate) async fn by_owner(
    server: &TestServer,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let path = format!("/api/access/{path}");
    let seen = server.get(&path).by(Who::Owner).send().await;
    let version = (seen.code() == 200).then(|| seen.json()["version"].as_u64());
    let ask = server.ask(method, path).by(Who::Owner);
    let ask = ask.if_match(version.flatten().unwrap_or(1));
    let answer = match body {
        Some(body) => ask.json(&body),
        None => ask,
    };
    let answer = answer.send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer
}

/// Makes a member with an account and opens a stream in a session of his.
async fn adas(server: &TestServer) -> (UserId, Open) {
    let ada = server.account("ada", &["member"]).await;
    let session = server.session_of(&ada).await;
    let open = under_way(chat(server, "writer").cookie(&session)).await;
    (ada, open)
}

#[tokio::test]
async fn when_its_session_is_ended_by_its_user_or_by_somebody_else() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let setup = Setup::loopback().word_delay(100).sessions(kind);
        let server = setup.start().await;
        let session = server.sign_in(Who::Member).await;
        let open = under_way(chat(&server, "writer").cookie(&session)).await;

        let logout = server.post("/api/auth/logout").cookie(&session);
        assert_eq!(logout.send().await.code(), 200);

        ends(&server, open, "member", OVER).await;
    }
    let server = start().await;
    let session = server.sign_in(Who::Member).await;
    let open = under_way(chat(&server, "writer").cookie(&session)).await;
    by_owner(&server, Method::DELETE, "sessions?userId=member", None).await;
    ends(&server, open, "member", OVER).await;

    let (first, second) = (
        server.sign_in(Who::Member).await,
        server.sign_in(Who::Member).await,
    );
    let open = under_way(chat(&server, "writer").cookie(&first)).await;
    let mut own = under_way(chat(&server, "writer").cookie(&second)).await;
    let others = server.ask(Method::DELETE, "/api/auth/sessions");
    assert_eq!(others.cookie(&second).send().await.code(), 200);
    ends(&server, open, "member", OVER).await;
    assert!(own.is_open_after(SECOND).await, "{}", own.text());
}

#[tokio::test]
async fn when_its_session_has_come_to_its_end() {
    let server = start().await;
    let session = server.sign_in(Who::Member).await;
    let mut open = under_way(chat(&server, "writer").cookie(&session)).await;

    server.clock.advance(SignedDuration::from_mins(59));
    // Used at another place meanwhile: it lasts longer.
    let other = server.get("/api/agents").cookie(&session).send().await;
    assert_eq!(other.code(), 200);
    server.clock.advance(SignedDuration::from_mins(59));
    assert!(open.is_open_after(SECOND).await, "{}", open.text());

    server.clock.advance(SignedDuration::from_mins(1));
    ends(&server, open, "member", OVER).await;
}

#[tokio::test]
async fn to_watch_a_stream_is_no_use_of_its_session() {
    let server = start().await;
    let session = server.sign_in(Who::Member).await;
    let mut open = under_way(chat(&server, "writer").cookie(&session)).await;

    for minute in 0..2 {
        server.clock.advance(SignedDuration::from_mins(29));
        // Something changes, so everybody is judged again.
        server
            .role(&format!("r{minute}"), &["agents:read"], &[])
            .await;
        assert!(open.is_open_after(SECOND / 2).await, "{}", open.text());
    }

    server.clock.advance(SignedDuration::from_mins(3));
    ends(&server, open, "member", OVER).await;
}

#[tokio::test]
async fn when_the_account_is_disabled_deleted_or_has_another_password() {
    let server = start().await;
    let (_, open) = adas(&server).await;
    let body = json!({ "status": "disabled" });
    by_owner(&server, Method::PATCH, "users/ada", Some(body)).await;
    ends(&server, open, "ada", OVER).await;

    let server = start().await;
    let (_, open) = adas(&server).await;
    by_owner(&server, Method::DELETE, "users/ada", None).await;
    ends(&server, open, "ada", OVER).await;

    let server = start().await;
    let (ada, open) = adas(&server).await;
    let account = AccountStore::find(&*server.store, &ada).await.unwrap();
    let mut account = account.unwrap();
    account.credential_version += 1;
    let changed = AccountStore::update(&*server.store, account).await;
    assert_eq!(changed.unwrap(), Changed::Done);
    ends(&server, open, "ada", OVER).await;
}

#[tokio::test]
async fn to_watch_a_stream_is_no_use_of_its_key() {
    let server = start().await;
    server.account("ada", &["member"]).await;
    let (secret, id) = key(&server, "ada", &["agents:execute"]).await;
    let mut open = under_way(chat(&server, "writer").bearer(&secret)).await;
    let last_used = async || {
        let ask = server.get(format!("/api/access/keys/{id}")).by(Who::Owner);
        ask.send().await.json()["lastUsedAt"].clone()
    };
    let before = last_used().await;

    server.clock.advance(SignedDuration::from_mins(5));
    server.role("other", &["agents:read"], &[]).await;
    assert!(open.is_open_after(SECOND / 2).await, "{}", open.text());

    assert!(before.is_string());
    assert_eq!(last_used().await, before);
}

async fn key(server: &TestServer, user: &str, scopes: &[&str]) -> (String, String) {
    let end = server.clock.now() + SignedDuration::from_hours(1);
    let body = json!({ "userId": user, "name": "Robot", "scopes": scopes, "expiresAt": end });
    let json = by_owner(server, Method::POST, "keys", Some(body))
        .await
        .json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&json["secret"]), text(&json["key"]["id"]))
}

#[tokio::test]
async fn when_the_key_is_deleted_narrowed_rotated_or_over() {
    let server = start().await;
    server.account("ada", &["member"]).await;
    let open = async |secret: &str| under_way(chat(&server, "writer").bearer(secret)).await;

    let (secret, id) = key(&server, "ada", &["agents:read", "agents:execute"]).await;
    let stream = open(&secret).await;
    by_owner(&server, Method::DELETE, &format!("keys/{id}"), None).await;
    ends(&server, stream, "ada", OVER).await;

    let (secret, id) = key(&server, "ada", &["agents:read", "agents:execute"]).await;
    let stream = open(&secret).await;
    let body = json!({ "scopes": ["agents:read", "agents:execute:reviewer"] });
    by_owner(&server, Method::PATCH, &format!("keys/{id}"), Some(body)).await;
    ends(&server, stream, "ada", MISSING).await;

    let (secret, id) = key(&server, "ada", &["agents:read", "agents:execute"]).await;
    let stream = open(&secret).await;
    let body = json!({ "addresses": ["192.0.2.1"] });
    by_owner(&server, Method::PATCH, &format!("keys/{id}"), Some(body)).await;
    ends(&server, stream, "ada", OVER).await;

    let (secret, id) = key(&server, "ada", &["agents:read", "agents:execute"]).await;
    let mut stream = open(&secret).await;
    let seen = server.get(format!("/api/access/keys/{id}")).by(Who::Owner);
    let version = seen.send().await.json()["version"].as_u64().unwrap();
    let rotate = server.post(format!("/api/access/keys/{id}/rotate"));
    let rotate = rotate.by(Who::Owner).if_match(version);
    let rotated = rotate.json(&json!({ "overlapSeconds": 60 })).send().await;
    assert_eq!(rotated.code(), 200, "{}", rotated.text());
    assert!(stream.is_open_after(SECOND).await, "{}", stream.text());
    server.clock.advance(SignedDuration::from_secs(60));
    ends(&server, stream, "ada", OVER).await;

    let (secret, _) = key(&server, "ada", &["agents:read", "agents:execute"]).await;
    let stream = open(&secret).await;
    server.clock.advance(SignedDuration::from_hours(1));
    ends(&server, stream, "ada", OVER).await;
}

#[tokio::test]
async fn when_a_role_an_assignment_or_a_group_no_longer_permits_it() {
    let server = start().await;
    let (_, open) = adas(&server).await;
    let path = "assignments?userId=ada&role=member";
    by_owner(&server, Method::DELETE, path, None).await;
    ends(&server, open, "ada", MISSING).await;

    let server = start().await;
    server.role("asker", &["agents:execute"], &[]).await;
    let eve = server.account("eve", &["asker"]).await;
    let session = server.session_of(&eve).await;
    let open = under_way(chat(&server, "writer").cookie(&session)).await;
    server
        .role("asker", &["agents:execute:reviewer"], &[])
        .await;
    ends(&server, open, "eve", MISSING).await;

    let ops = server.group("ops", &["eve"]).await;
    server
        .grant("group:ops", "agents/writer", &["execute"], Effect::Allow)
        .await;
    let open = under_way(chat(&server, "writer").cookie(&session)).await;
    let path = format!("groups/{ops}/members?userId=eve");
    by_owner(&server, Method::DELETE, &path, None).await;
    ends(&server, open, "eve", MISSING).await;
}

#[tokio::test]
async fn when_a_grant_is_taken_back_is_over_or_forbids_it() {
    let server = start().await;
    let eve = server.account("eve", &[]).await;
    let session = server.session_of(&eve).await;
    let grant = async || {
        server
            .grant("user:eve", "agents/writer", &["execute"], Effect::Allow)
            .await;
        under_way(chat(&server, "writer").cookie(&session)).await
    };

    let open = grant().await;
    let path = "grants?subject=user:eve&resourceType=agents&resourceId=writer";
    by_owner(&server, Method::DELETE, path, None).await;
    ends(&server, open, "eve", MISSING).await;

    let open = grant().await;
    server
        .grant("user:eve", "agents/writer", &["*"], Effect::Deny)
        .await;
    ends(&server, open, "eve", MISSING).await;

    let path = "grants?subject=user:eve&resourceType=agents&resourceId=writer&effect=deny";
    by_owner(&server, Method::DELETE, path, None).await;
    let path = "grants?subject=user:eve&resourceType=agents&resourceId=writer";
    by_owner(&server, Method::DELETE, path, None).await;
    let body = json!({
        "subject": { "type": "user", "id": "eve" },
        "resource": { "type": "agents", "id": "writer" },
        "actions": ["execute"],
        "expiresAt": server.clock.now() + SignedDuration::from_mins(1),
    });
    by_owner(&server, Method::POST, "grants", Some(body)).await;
    let open = under_way(chat(&server, "writer").cookie(&session)).await;
    server.clock.advance(SignedDuration::from_mins(1));
    ends(&server, open, "eve", MISSING).await;
}

#[tokio::test]
async fn what_concerns_others_ends_nothing() {
    let server = Setup::loopback().word_delay(20).start().await;
    let (_, mut open) = {
        let ada = server.account("ada", &["member"]).await;
        let session = server.session_of(&ada).await;
        (
            ada,
            under_way(chat(&server, "writer").cookie(&session)).await,
        )
    };
    server.account("eve", &["member"]).await;

    for round in 0..5 {
        let status = ["disabled", "active"][round % 2];
        let body = json!({ "status": status });
        by_owner(&server, Method::PATCH, "users/eve", Some(body)).await;
        server.role("other", &["tools:read"], &[]).await;
        server
            .grant("user:ada", "agents/reviewer", &["*"], Effect::Deny)
            .await;
    }

    open.until("[DONE]").await;
    assert!(!open.text().contains("\"error\""), "{}", open.text());
}
