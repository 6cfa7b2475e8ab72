//! Events of other versions of the server: what a later one wrote on the same store is read, shown and verified.

use ee::{
    AuditOutcome, Clock as _,
    audit::integrity::{Evidence, Outcome, verify_store},
    storage::{AuditRecord, AuditStore},
};
use serde_json::{Value, json};
use server_tests::{TestServer, Who};

use crate::audit::get;

const LOG: &str = "default";

/// Returns an event as a version wrote it that knows more than this one.
fn later(server: &TestServer) -> AuditRecord {
    let event = server.event("robots.dance", AuditOutcome::Success);
    let record = AuditRecord::new(event).unwrap();
    let mut json: Value = serde_json::from_str(&record.canonical).unwrap();
    json["code"] = json!("MA-9999I");
    json["mood"] = json!({ "name": "glad" });
    json["resource"]["color"] = json!("red");
    json["schemaVersion"] = json!(2);
    // The names are in order already.
    AuditRecord::restore(json.to_string(), record.personal).unwrap()
}

#[tokio::test]
async fn what_a_later_version_wrote_is_shown_and_verified() {
    let server = TestServer::start().await;
    server.keep_many(2).await;
    let record = later(&server);
    let (id, canonical) = (record.event.id, record.canonical.clone());
    let now = server.clock.now();
    let added = AuditStore::append(&*server.store, LOG, vec![record], now);
    added.await.unwrap();
    server.keep_many(2).await;

    let list = get(&server, "/api/audit/events?from=-1d&action=robots.*").await;
    assert_eq!(list["events"][0]["action"], "robots.dance", "{list}");
    let raw = get(&server, &format!("/api/audit/events/{id}/raw")).await;
    assert_eq!(raw["canonical"], canonical);
    let copy = server
        .get("/api/audit/export?format=csv&order=asc")
        .by(Who::Owner)
        .send()
        .await;
    assert!(copy.text().contains("robots.dance"), "{}", copy.text());

    let keys = [server.signer.verifier().clone()].into_iter().collect();
    let evidence = Evidence::new("tests", keys);
    server.seal().await;
    let (store, mut progress) = (&*server.store, |_| {});
    let report = verify_store(store, store, LOG, &evidence, 0, &mut progress).await;
    let report = report.unwrap();
    assert_eq!(report.outcome, Outcome::Ok, "{report}");
}
