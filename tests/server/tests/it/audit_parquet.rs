//! Copies of the record as Apache Parquet.

use ee::{AuditEvent, AuditOutcome};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};
use serde_json::json;
use server_tests::{Setup, TestServer, Who};

const PATH: &str = "/api/audit/export?format=parquet&order=asc";

#[tokio::test]
async fn a_copy_is_a_table_with_every_event() {
    let server = TestServer::start().await;
    let kept = server.keep_many(1_203).await;

    let answer = server.get(PATH).by(Who::Owner).send().await;

    assert_eq!(answer.code(), 200, "{}", answer.text());
    let kind = answer.header("content-type");
    assert_eq!(kind, "application/vnd.apache.parquet");
    let name = answer.header("content-disposition");
    assert_eq!(name, "attachment; filename=\"audit.parquet\"");
    let reader = SerializedFileReader::new(answer.body.clone()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    let ids: Vec<String> = rows
        .map(|row| row.unwrap().get_string(0).unwrap().clone())
        .collect();
    let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
    assert_eq!(ids, kept);
}

#[tokio::test]
async fn what_was_said_to_models_is_not_in_it() {
    let server = TestServer::start().await;
    let mut event: AuditEvent = server.event("agents.execute", AuditOutcome::Success);
    let mut ai = ee::AuditAi::default();
    ai.input = Some(json!("the violet tractor"));
    event.ai = Some(Box::new(ai));
    server.keep(event).await;

    let answer = server.get(PATH).by(Who::Owner).send().await;

    let reader = SerializedFileReader::new(answer.body.clone()).unwrap();
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let text = row.to_string();
    assert!(text.contains("agents.execute"), "{text}");
    assert!(!text.contains("tractor"), "{text}");
}

#[tokio::test]
async fn a_server_without_it_says_so() {
    let setup = Setup::loopback().record(|parts| parts.table = None);
    let server = setup.start().await;

    let answer = server.get(PATH).by(Who::Owner).send().await;

    assert_eq!(answer.code(), 501, "{}", answer.text());
    assert!(answer.text().contains("Parquet"), "{}", answer.text());
}
