//! Whether the server is ready, and its figures.

use std::sync::{Arc, Mutex};

use ee::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, Clock as _, SystemClock,
    audit::{
        delivery::{Health, Verification},
        spool::{Spool, SpoolConfig},
    },
    server::audit::AuditParts,
    storage::AuditRecord,
};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::json;
use server_tests::{Answer, Setup, TestServer, Who};

async fn get(server: &TestServer, path: &str) -> Answer {
    server
        .ask(Method::GET, path.to_owned())
        .by(Who::Owner)
        .send()
        .await
}

/// Has a spool without room for another event.
async fn with_full_spool(
    dir: &tempfile::TempDir,
    refuses: bool,
) -> impl FnOnce(&mut AuditParts) + use<> {
    let mut config = SpoolConfig::new(dir.path().join("spool"));
    config.max_bytes = 4_096;
    let spool = Spool::open(config).unwrap().0;
    let event = || {
        let (actor, action) = (AuditActor::system(), AuditAction::LOGOUT);
        AuditEvent::new(SystemClock.now(), actor, action, AuditOutcome::Success)
    };
    let mut has_room = true;
    // Every event has some hundred bytes.
    for _ in 0..40 {
        let record = AuditRecord::new(event()).unwrap();
        has_room = spool.append(&record).await.is_ok();
    }
    assert!(!has_room);
    move |parts| {
        parts.spool = Some(Arc::new(spool));
        parts.refuses_when_full = refuses;
    }
}

/// Returns the health of a server's record.
async fn with_health() -> (TestServer, Arc<Health>) {
    let health: Arc<Mutex<Option<Arc<Health>>>> = Arc::default();
    let there = Arc::clone(&health);
    let setup = Setup::loopback().record(move |parts| {
        *there.lock().unwrap() = Some(Arc::clone(&parts.health));
    });
    let server = setup.start().await;
    let health = health.lock().unwrap().take().unwrap();
    (server, health)
}

#[tokio::test]
async fn a_server_that_records_everything_is_ready() {
    let server = TestServer::start().await;

    let answer = get(&server, "/health/ready").await;

    assert_eq!(answer.json(), json!({ "audit": "well", "status": "ready" }));
}

#[tokio::test]
async fn a_server_without_a_record_says_nothing_of_it() {
    let server = Setup::loopback().without_record().start().await;

    let answer = get(&server, "/health/ready").await;

    assert_eq!(answer.json(), json!({ "status": "ready" }));
    assert_eq!(get(&server, "/api/metrics").await.text(), "# EOF\n");
}

#[tokio::test]
async fn a_server_that_has_no_room_for_events_is_not_ready_if_it_refuses_acts() {
    let dir = tempfile::tempdir().unwrap();
    let refusing = Setup::loopback().record(with_full_spool(&dir, true).await);
    let answer = get(&refusing.start().await, "/health/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);

    let dir = tempfile::tempdir().unwrap();
    let dropping = Setup::loopback().record(with_full_spool(&dir, false).await);
    let server = dropping.start().await;
    let answer = get(&server, "/health/ready").await;
    assert_eq!(answer.json()["audit"], "failing", "{}", answer.text());
    let figures = get(&server, "/api/metrics").await;
    assert!(
        figures.text().contains("\nee_audit_spool_full 1.0\n"),
        "{}",
        figures.text()
    );
}

#[tokio::test]
async fn a_damaged_record_is_told() {
    let (server, health) = with_health().await;
    let at = "2026-01-02T03:04:05Z".parse().unwrap();

    health.verified(Verification { at, is_ok: true });
    assert_eq!(get(&server, "/health/ready").await.json()["audit"], "well");

    health.verified(Verification { at, is_ok: false });
    server.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(
        get(&server, "/health/ready").await.json()["audit"],
        "failing"
    );
    let figures = get(&server, "/api/metrics").await;
    let text = figures.text();
    assert!(text.contains("\nee_audit_verification_ok 0.0\n"), "{text}");
    let at = "\nee_audit_verification_timestamp_seconds 1767323045.0\n";
    assert!(text.contains(at), "{text}");
}

#[tokio::test]
async fn figures_are_in_the_format_of_open_metrics() {
    let server = TestServer::start().await;
    server.keep_many(3).await;

    let answer = get(&server, "/api/metrics").await;

    let kind = answer.header("content-type");
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = answer.text();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    for line in [
        "# TYPE ee_audit_lost counter",
        "ee_audit_lost_total 0",
        "ee_audit_well 1.0",
        "ee_audit_store_readable 1.0",
        "ee_audit_log_events{log=\"default\"} 3.0",
        "ee_audit_sink_up{sink=\"siem\"} 1.0",
        "ee_audit_sink_lag_events{sink=\"siem\"} 3.0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
    }
}
