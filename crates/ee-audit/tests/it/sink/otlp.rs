use std::sync::Arc;

use ee_audit::sink::{AuditSink as _, DeliveryErrorKind, OtlpConfig, OtlpSink};
use ee_core::{AuditContext, AuditResource};
use ee_testkit::TestClock;
use serde_json::{Value, json};

use super::{
    file::product,
    receiver::{Answer, Receiver},
    world::{entries, entry, event},
};

fn sink(url: String) -> OtlpSink {
    let clock = Arc::new(TestClock::default());
    OtlpSink::new(&OtlpConfig::new(url), product(), clock).unwrap()
}

#[tokio::test]
async fn an_event_is_a_log_record() {
    let receiver = Receiver::start(|_, _| Answer::text(200, "{}")).await;
    let mut event = event("roles.assign");
    event.resource = Some(AuditResource::new("role", "ops"));
    event.actor.email = Some("ada@example.com".to_owned());
    let mut context = AuditContext::new("r1".into(), "POST".into(), "/api/roles".into(), 0);
    context.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    context.span_id = Some("not an id".to_owned());
    event.context = Some(Box::new(context));
    let id = event.id;

    let base = format!("http://{}/collector/", receiver.address);
    sink(base.clone())
        .deliver(&[entry(9, event)])
        .await
        .unwrap();
    sink(format!("{base}v1/logs"))
        .deliver(&entries(1..=2))
        .await
        .unwrap();

    let received = receiver.received();
    assert_eq!(received[0].path, "/collector/v1/logs");
    assert_eq!(received[1].path, "/collector/v1/logs");
    assert_eq!(received[0].header("content-type"), "application/json");
    let body: Value = serde_json::from_slice(&received[0].body).unwrap();
    let logs = &body["resourceLogs"][0];
    assert_eq!(
        logs["resource"]["attributes"][0],
        json!({ "key": "service.name", "value": { "stringValue": "mastra-ee" } })
    );
    assert_eq!(logs["scopeLogs"][0]["scope"]["name"], "ee-audit");
    let record = &logs["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["timeUnixNano"], "1767323045678901000");
    assert_eq!(
        (&record["severityNumber"], &record["severityText"]),
        (&json!(13), &json!("WARN"))
    );
    assert_eq!(record["eventName"], "roles.assign");
    assert_eq!(record["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(record.get("spanId").is_none());
    let attributes = record["attributes"].as_array().unwrap();
    for (key, value) in [
        ("audit.seq", json!({ "intValue": "9" })),
        ("audit.outcome", json!({ "stringValue": "success" })),
        ("audit.resource.id", json!({ "stringValue": "ops" })),
        ("http.route", json!({ "stringValue": "/api/roles" })),
        ("log.record.uid", json!({ "stringValue": id.to_string() })),
        ("user.email", json!({ "stringValue": "ada@example.com" })),
    ] {
        let found = attributes.iter().find(|it| it["key"] == key).unwrap();
        assert_eq!(found["value"], value, "{key}");
    }
    assert!(
        !attributes
            .iter()
            .any(|it| it["key"] == "http.response.status_code")
    );
    let values = record["body"]["kvlistValue"]["values"].as_array().unwrap();
    assert!(values.contains(&json!({ "key": "seq", "value": { "intValue": "9" } })));
    let body: Value = serde_json::from_slice(&received[1].body).unwrap();
    let records = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(records.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_collector_rejects_is_not_taken() {
    for (status, body, kind) in [
        (200, "", None),
        (200, "{}", None),
        (200, "{\"partialSuccess\":{}}", None),
        (
            200,
            "{\"partialSuccess\":{\"errorMessage\":\"slow down\"}}",
            None,
        ),
        (
            200,
            "{\"partialSuccess\":{\"rejectedLogRecords\":\"0\"}}",
            None,
        ),
        (
            200,
            "{\"partialSuccess\":{\"rejectedLogRecords\":\"1\"}}",
            Some(DeliveryErrorKind::Refused),
        ),
        (
            200,
            "{\"partialSuccess\":{\"rejectedLogRecords\":2}}",
            Some(DeliveryErrorKind::Refused),
        ),
        (200, "<html>sign in</html>", Some(DeliveryErrorKind::Later)),
        (400, "", Some(DeliveryErrorKind::Refused)),
        (403, "", Some(DeliveryErrorKind::Unauthorised)),
        (503, "", Some(DeliveryErrorKind::Later)),
    ] {
        let receiver = Receiver::start(move |_, _| Answer::text(status, body)).await;

        let delivered = sink(receiver.url()).deliver(&entries(1..=3)).await;

        assert_eq!(
            delivered.err().map(|err| err.kind()),
            kind,
            "{status} {body}"
        );
    }
    let long = "1".repeat(100_000);
    let receiver = Receiver::start(move |_, _| Answer::text(200, &long)).await;
    let err = sink(receiver.url())
        .deliver(&entries(1..=1))
        .await
        .unwrap_err();
    assert_eq!(err.kind(), DeliveryErrorKind::Later);
}
