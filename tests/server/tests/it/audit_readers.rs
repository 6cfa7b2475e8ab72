//! Whoever reads the record is in it, may do so only so often at once, and sees what he may see.

use std::time::Duration;

use ee::{
    AuditAi, AuditEvent, AuditOutcome,
    server::{Op, permissions},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use server_tests::{Call, Open, TestServer, Who};

use crate::streams_revoked::by_owner;

/// What the record says of readers since the last look.
fn read(server: &TestServer) -> Vec<AuditEvent> {
    let mut events = server.audit.take();
    events.retain(|event| event.action.as_str() == "audit.read");
    events
}

#[tokio::test]
async fn every_way_to_read_is_recorded() {
    let server = TestServer::start().await;
    let reads = Op::ALL.iter().copied().filter(|op| {
        let route = op.route();
        let is_state = matches!(op, Op::AuditStatus | Op::ListAuditSinks);
        route.path.starts_with("/api/audit")
            && !route.is_unsafe()
            && route.audit.is_none()
            && !is_state
    });

    let mut count = 0;
    for op in reads {
        // What was recorded for another one counts for this one as well, if it asks for the same.
        server.clock.advance(SignedDuration::from_mins(5));
        let call = Call::prepare(&server, op, Who::Owner).await;
        server.audit.take();
        let answer = call.ask(&server).by(Who::Owner).send().await;
        assert_eq!(answer.code(), 200, "{op:?}: {}", answer.text());
        let events = read(&server);
        assert_eq!(events.len(), 1, "{op:?}");
        let event = &events[0];
        assert_eq!(
            (event.actor.id.as_str(), event.outcome),
            ("owner", AuditOutcome::Success)
        );
        let context = event.context.as_ref().unwrap();
        assert_eq!(context.route, op.route().path);
        assert_eq!(context.request_id, answer.header("x-request-id"));
        let is_one = call.path.contains('-');
        assert_eq!(event.resource.is_some(), is_one, "{op:?}");
        assert_eq!(event.metadata.contains_key("filter"), !is_one, "{op:?}");
        count += 1;
    }
    assert_eq!(count, 10);
}

#[tokio::test]
async fn the_same_reading_is_recorded_once_in_five_minutes() {
    let server = TestServer::start().await;
    server.keep_many(3).await;
    let look = async |who: Who, query: &str| {
        server.audit.take();
        let path = format!("/api/audit/events?{query}");
        let answer = server.get(&path).by(who).send().await;
        assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
        (read(&server).len(), answer.json()["nextCursor"].clone())
    };

    let (first, next) = look(Who::Owner, "limit=1&actorId=ada&outcome=success").await;
    assert_eq!(first, 1);
    let cursor = next.as_str().unwrap();
    for query in [
        "limit=1&actorId=ada&outcome=success",
        "outcome=success&actorId=ada&limit=9",
        "order=asc&actorId=ada&outcome=success",
        &format!("limit=1&actorId=ada&outcome=success&cursor={cursor}"),
    ] {
        assert_eq!(look(Who::Owner, query).await.0, 0, "{query}");
    }
    assert_eq!(look(Who::Owner, "actorId=ada").await.0, 1, "another filter");
    assert_eq!(look(Who::Admin, "actorId=ada").await.0, 1, "somebody else");
    server.clock.advance(SignedDuration::from_secs(299));
    assert_eq!(look(Who::Owner, "actorId=ada").await.0, 0);
    server.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(look(Who::Owner, "actorId=ada").await.0, 1, "later");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let server = TestServer::start().await;
    let calls = [
        Op::ListAuditEvents,
        Op::GetAuditEvent,
        Op::FeedAudit,
        Op::StreamAudit,
        Op::ListAuditLogs,
    ];
    for op in calls {
        let call = Call::prepare(&server, op, Who::Owner).await;
        server.audit.break_off();
        for _ in 0..2 {
            let answer = call.ask(&server).by(Who::Owner).send().await;
            answer.assert_error(503, "unavailable");
            assert!(!answer.text().contains("ada"), "{op:?}");
        }
    }
}

#[tokio::test]
async fn nobody_reads_without_the_permission() {
    let server = TestServer::start().await;
    server.account("ada", &["owner"]).await;
    let body = json!({
        "userId": "ada",
        "name": "Robot",
        "scopes": ["*:*"],
        "expiresAt": "2026-06-01T00:00:00Z",
    });
    let made = by_owner(&server, Method::POST, "keys", Some(body)).await;
    let secret = made.json()["secret"].as_str().unwrap().to_owned();

    for op in Op::ALL.iter().copied() {
        if !op.route().path.starts_with("/api/audit") {
            continue;
        }
        let call = Call::prepare(&server, op, Who::Owner).await;
        for who in [Who::Developer, Who::Member, Who::Viewer, Who::Nobody] {
            let answer = call.ask(&server).by(who).send().await;
            answer.assert_error(403, "forbidden");
        }
        let answer = call.ask(&server).bearer(&secret).send().await;
        answer.assert_error(403, "forbidden");
        assert!(answer.text().contains("audit:"), "{op:?}");
    }
}

#[tokio::test]
async fn what_was_said_to_models_is_shown_to_those_who_may_read_it() {
    let server = TestServer::start().await;
    let mut event = server.event("agents.execute", AuditOutcome::Success);
    let mut ai = AuditAi::default();
    ai.input = Some(json!("my-question-5a6978"));
    ai.output = Some(json!("my-answer-5a6978"));
    ai.prompt_tokens = Some(3);
    event.ai = Some(Box::new(ai));
    let id = server.keep(event).await;
    server.seal().await;

    let hidden = [
        "/api/audit/events".to_owned(),
        "/api/audit/events?q=5a6978".to_owned(),
        format!("/api/audit/events/{id}"),
        format!("/api/audit/events/{id}?include=related"),
        format!("/api/audit/events/{id}/proof"),
        format!("/api/audit/events/{id}/raw"),
        "/api/audit/feed".to_owned(),
        "/api/audit/stream?after=0&limit=1".to_owned(),
        "/api/audit/export".to_owned(),
        "/api/audit/export?format=ndjson".to_owned(),
        "/api/audit/export?format=ndjson&evidence=true".to_owned(),
        "/api/audit/export?format=csv&columns=all".to_owned(),
        "/api/audit/export?format=ocsf".to_owned(),
        "/api/audit/export?format=cef".to_owned(),
        "/api/audit".to_owned(),
        format!("/api/audit/{id}"),
    ];
    for path in &hidden {
        for who in [Who::Owner, Who::Admin] {
            let answer = server.get(path).by(who).send().await;
            assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
            assert!(!answer.text().contains("-5a6978"), "{path}");
        }
    }
    server.audit.take();
    for path in [
        format!("/api/audit/events/{id}?content=true"),
        "/api/audit/export?format=ndjson&content=true".to_owned(),
        "/api/audit/export?format=ndjson&evidence=true&content=true".to_owned(),
        "/api/audit/export?format=csv&content=true".to_owned(),
    ] {
        let refused = server.get(&path).by(Who::Admin).send().await;
        refused.assert_error(403, "forbidden");
        let needed = permissions::AUDIT_CONTENT.to_string();
        assert!(
            refused.text().contains(&needed),
            "{path}: {}",
            refused.text()
        );
        let answer = server.get(&path).by(Who::Owner).send().await;
        assert!(answer.text().contains("my-answer-5a6978"), "{path}");
        let events = server.audit.take();
        let is_told = |event: &AuditEvent| {
            event.action.as_str() == "audit.content.read"
                || event.metadata.get("content") == Some(&json!(true))
        };
        assert!(
            events
                .iter()
                .any(|it| is_told(it) && it.actor.id == "owner"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nobody_has_more_than_four_copies_or_eight_followers_at_once() {
    let server = TestServer::start().await;
    server.keep_many(2_500).await;
    let copy = "/api/audit/export?format=ndjson";

    let mut open: Vec<Open> = Vec::new();
    for _ in 0..4 {
        let mut one = server.get(copy).by(Who::Owner).open().await;
        one.until("\n").await;
        open.push(one);
    }
    for path in [copy, "/api/audit/events", "/api/audit/facets?from=-1d"] {
        let answer = server.get(path).by(Who::Owner).send().await;
        answer.assert_error(429, "rate_limited");
        assert_eq!(answer.header("retry-after"), "1", "{path}");
    }
    let other = server.get("/api/audit/events").by(Who::Admin).send().await;
    assert_eq!(other.code(), 200, "of each caller");
    open.clear();
    let free = server.get("/api/audit/events").by(Who::Owner).send().await;
    assert_eq!(free.code(), 200, "{}", free.text());

    let stream = "/api/audit/stream";
    for _ in 0..8 {
        open.push(server.get(stream).by(Who::Owner).open().await);
    }
    let answer = server.get(stream).by(Who::Owner).send().await;
    answer.assert_error(429, "rate_limited");
    open.pop();
    let mut last = server.get(stream).by(Who::Owner).open().await;
    assert!(last.is_open_after(Duration::from_millis(300)).await);
}
