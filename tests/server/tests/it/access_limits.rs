//! What looks like everything and is not.

use std::sync::Arc;

use ee::{
    Clock, NewSession, ServerCookie, SessionProvider as _,
    access::{CachedSessions, Epochs, StoreAccess},
    defaults::{MemoryStore, StoreSessions},
};
use ee_testkit::TestClock;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use server_tests::{TestServer, Who};

async fn key(server: &TestServer, user: &str, scopes: &[&str]) -> String {
    let body = json!({ "userId": user, "name": "Key", "scopes": scopes });
    let answer = server
        .post("/api/access/keys")
        .by(Who::Owner)
        .json(&body)
        .send()
        .await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer.json()["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_wildcard_that_reaches_nothing_sensitive_reaches_no_owner() {
    let server = TestServer::start().await;
    server.role("almost", &["*:*", "access:*"], &[]).await;
    server.account("chief", &["owner"]).await;
    let assignment = json!({ "userId": "viewer", "role": "almost" });
    let assign = server.post("/api/access/assignments").by(Who::Owner);
    let assigned = assign.json(&assignment).send().await;
    assert_eq!(assigned.code(), 200, "{}", assigned.text());

    let off = json!({ "status": "disabled" });
    let patch = server
        .ask(Method::PATCH, "/api/access/users/chief")
        .by(Who::Viewer);
    let patched = patch.if_match(1).json(&off).send().await;
    let delete = server
        .ask(Method::DELETE, "/api/access/users/chief")
        .by(Who::Viewer);
    let deleted = delete.if_match(1).send().await;

    assert_eq!(patched.code(), 403, "{}", patched.text());
    assert_eq!(deleted.code(), 403, "{}", deleted.text());
}

#[tokio::test]
async fn a_key_does_not_reach_the_sessions_of_its_owner() {
    let server = TestServer::start().await;
    let key = key(&server, "owner", &["agents:read"]).await;
    let session = server.sign_in(Who::Owner).await;

    for (method, path) in [
        (Method::GET, "/api/auth/sessions".to_owned()),
        (Method::DELETE, "/api/auth/sessions".to_owned()),
        (
            Method::DELETE,
            format!("/api/auth/sessions/{}", "A".repeat(43)),
        ),
    ] {
        let answer = server
            .ask(method.clone(), path.clone())
            .bearer(&key)
            .send()
            .await;
        assert_eq!(answer.code(), 403, "{method} {path}: {}", answer.text());
    }
    let own = server
        .get("/api/auth/sessions")
        .cookie(&session)
        .send()
        .await;
    assert_eq!(own.code(), 200);
}

#[tokio::test]
async fn a_session_that_is_used_at_another_server_is_not_over_here() {
    let (store, clock) = (Arc::new(MemoryStore::new()), TestClock::default());
    let server = || {
        let epochs: Arc<Epochs> = StoreAccess::epochs_of(store.hub());
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let cached = CachedSessions::new(Arc::clone(&store) as _, epochs, Arc::clone(&clock));
        StoreSessions::new(Arc::new(cached), clock, ServerCookie::loopback_session())
    };
    let (here, there) = (server(), server());
    let session = here
        .create(NewSession::new("ada".parse().unwrap()))
        .await
        .unwrap();
    assert!(here.validate(&session.id).await.unwrap().is_some());

    for _ in 0..4 {
        clock.advance(SignedDuration::from_mins(40));
        assert!(there.validate(&session.id).await.unwrap().is_some());
    }

    assert!(here.validate(&session.id).await.unwrap().is_some());
    clock.advance(SignedDuration::from_mins(61));
    assert!(here.validate(&session.id).await.unwrap().is_none());
}
