//! Who may see what he did himself sees nothing else.

use ee::AuditOutcome;
use serde_json::Value;
use server_tests::{Answer, TestServer, Who};

/// Every way to search the record, or to look at an event.
const SEARCHES: [&str; 4] = [
    "/api/audit/events?from=-1d",
    "/api/audit",
    "/api/audit/histogram?from=-1d&by=actorId",
    "/api/audit/facets?from=-1d&fields=actorId",
];

/// Returns a server with an event of somebody else and one of `nobody`, and their ids.
async fn server(permission: &str) -> (TestServer, String, String) {
    let server = TestServer::start().await;
    server.role("looks", &[permission], &[]).await;
    server.assign(&"nobody".parse().unwrap(), "looks").await;
    let mut other = server.event("agents.delete", AuditOutcome::Success);
    // They belong together.
    other.actor.session_id = Some("session-1".to_owned());
    let mut own = server.event("agents.create", AuditOutcome::Success);
    own.actor.session_id.clone_from(&other.actor.session_id);
    "nobody".clone_into(&mut own.actor.id);
    own.actor.email = None;
    let (other, own) = (server.keep(other).await, server.keep(own).await);
    (server, other, own)
}

async fn get(server: &TestServer, path: &str) -> Answer {
    server.get(path).by(Who::Nobody).send().await
}

#[tokio::test]
async fn searches_find_what_one_did_oneself() {
    let (server, other, own) = server("audit:read:own").await;

    for path in SEARCHES {
        let answer = get(&server, path).await;
        assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
        let text = answer.text();
        assert!(
            !text.contains(&other) && !text.contains("ada"),
            "{path}: {text}"
        );
        assert!(
            text.contains(&own) || text.contains("nobody"),
            "{path}: {text}"
        );
    }
    let page = get(&server, "/api/audit/events?from=-1d&actorId=ada").await;
    assert_eq!(page.json()["events"], Value::Array(Vec::new()));
    assert_eq!(page.json()["count"]["counted"], 0);
    let list = get(&server, "/api/audit?actorId=ada").await;
    assert_eq!(list.json()["total"], 0);
}

#[tokio::test]
async fn events_of_others_are_not_there() {
    let (server, other, own) = server("audit:read:own").await;

    for end in [
        "events/{id}",
        "events/{id}/raw",
        "{id}",
        "events/{id}?include=related",
    ] {
        let path = |id: &str| format!("/api/audit/{}", end.replace("{id}", id));
        let shown = get(&server, &path(&own)).await;
        assert_eq!(shown.code(), 200, "{end}: {}", shown.text());
        assert!(!shown.text().contains(&other), "{end}: {}", shown.text());
        let hidden = get(&server, &path(&other)).await;
        let missing = get(&server, &path("019a0000-0000-7000-8000-000000000000")).await;
        assert_eq!(hidden.code(), 404, "{end}: {}", hidden.text());
        assert_eq!(hidden.json()["error"], missing.json()["error"], "{end}");
    }
    let proof = get(&server, &format!("/api/audit/events/{other}/proof")).await;
    assert_eq!(proof.code(), 404);
}

#[tokio::test]
async fn what_is_not_about_events_stays_closed() {
    let (server, ..) = server("audit:read:own").await;

    for path in [
        "/api/audit/export",
        "/api/audit/feed?after=0",
        "/api/audit/sinks",
        "/api/audit/status",
        "/api/audit/stream?after=0",
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.code(), 403, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn no_other_word_in_this_place_opens_anything() {
    for permission in [
        "audit:read:all",
        "audit:read:owner",
        "audit:read:nobody",
        "audit:write:own",
    ] {
        let (server, other, own) = server(permission).await;
        let events = [&other, &own].map(|id| format!("/api/audit/events/{id}"));
        let paths = SEARCHES.iter().map(ToString::to_string).chain(events);
        for path in paths {
            let answer = get(&server, &path).await;
            assert_eq!(answer.code(), 403, "{permission} {path}: {}", answer.text());
        }
    }
}
