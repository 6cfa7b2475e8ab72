//! Sinks and digests by the API.

use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, TestServer, Who};

use crate::audit::get;

async fn post(server: &TestServer, path: &str, body: Option<Value>) -> Answer {
    let ask = server.ask(Method::POST, format!("/api/audit/{path}"));
    let ask = match &body {
        Some(body) => ask.json(body),
        None => ask,
    };
    ask.by(Who::Owner).send().await
}

#[tokio::test]
async fn a_sink_is_paused_goes_on_and_is_tested() {
    let server = TestServer::start().await;
    let ids = server.keep_many(3).await;
    assert_eq!(ids.len(), 3);

    let reason = Some(json!({ "reason": "under repair" }));
    let paused = post(&server, "sinks/siem/pause", reason).await;
    assert_eq!(
        paused.json()["health"]["state"],
        "paused",
        "{}",
        paused.text()
    );
    let event = server.audit.take_one();
    assert_eq!(event.action.as_str(), "audit.sink.paused");
    assert_eq!(event.metadata["reason"], "under repair");
    assert_eq!(event.resource.unwrap().id, "siem");
    let sinks = get(&server, "/api/audit/sinks").await;
    assert_eq!(sinks["sinks"][0]["health"]["reason"], "under repair");

    let tested = post(&server, "sinks/siem/test", None).await;
    assert_eq!(tested.json(), json!({ "delivered": true }));
    assert_eq!(server.audit.take_one().action.as_str(), "audit.sink.test");

    let resumed = post(&server, "sinks/siem/resume", None).await;
    assert_eq!(resumed.json()["health"]["state"], "working");
    assert_eq!(
        server.audit.take_one().action.as_str(),
        "audit.sink.resumed"
    );

    let body = Some(json!({ "from": 1, "to": 2 }));
    let replayed = post(&server, "sinks/siem/replay", body).await;
    assert_eq!(replayed.json()["replays"], 1, "{}", replayed.text());
    let event = server.audit.take_one();
    assert_eq!(
        (&event.metadata["firstSeq"], &event.metadata["lastSeq"]),
        (&json!(1), &json!(2))
    );
    let letters = Some(json!({ "deadLetters": true }));
    let replayed = post(&server, "sinks/siem/replay", letters).await;
    assert_eq!(replayed.json()["replays"], 2);
}

#[tokio::test]
async fn what_a_sink_cannot_do_is_refused() {
    let server = TestServer::start().await;
    server.keep_many(3).await;

    for body in [
        json!({}),
        json!({ "from": 1 }),
        json!({ "to": 1 }),
        json!({ "from": 0, "to": 1 }),
        json!({ "from": 2, "to": 1 }),
        json!({ "from": 1, "to": 4 }),
        json!({ "from": 1, "to": 1, "deadLetters": true }),
        json!({ "from": 1, "to": 1, "partition": "other" }),
        json!({ "partition": "default", "deadLetters": true }),
    ] {
        let answer = post(&server, "sinks/siem/replay", Some(body.clone())).await;
        assert_eq!(answer.code(), 400, "{body}: {}", answer.text());
    }
    for reason in ["", "  ", &"x".repeat(501)] {
        let answer = post(
            &server,
            "sinks/siem/pause",
            Some(json!({ "reason": reason })),
        )
        .await;
        crate::bodies::assert_issue(&answer, "reason", reason);
    }
    post(&server, "sinks/other/test", None)
        .await
        .assert_error(404, "not_found");
    post(&server, "sinks/SIEM/test", None)
        .await
        .assert_error(400, "invalid");
}

#[tokio::test]
async fn a_digest_is_told_to_few_and_not_often() {
    let server = TestServer::start().await;
    let body = |value: Value| Some(json!({ "value": value }));

    let answer = post(&server, "hash", body(json!("ada@example.com"))).await;
    let digest = answer.json()["digest"].as_str().unwrap().to_owned();
    assert!(digest.starts_with("hmac-sha256:1:"), "{digest}");
    let event = server.audit.take_one();
    assert_eq!(event.action.as_str(), "audit.hash.lookup");
    let written = serde_json::to_string(&event).unwrap();
    let told = written.replace(&Who::Owner.email(), "");
    assert!(
        !told.contains("ada@example.com") && !told.contains(&digest),
        "{written}"
    );
    let number = post(&server, "hash", body(json!(5))).await.json();
    let text = post(&server, "hash", body(json!("5"))).await.json();
    assert_ne!(number, text);
    for value in [json!(null), json!([1]), json!({ "a": 1 })] {
        let answer = post(&server, "hash", body(value.clone())).await;
        crate::bodies::assert_issue(&answer, "value", &value.to_string());
    }
    let admin = server.post("/api/audit/hash").by(Who::Admin);
    admin
        .json(&json!({ "value": 1 }))
        .send()
        .await
        .assert_error(403, "forbidden");

    let mut last = 0;
    for _ in 0..60 {
        last = post(&server, "hash", body(json!("guess"))).await.code();
    }
    assert_eq!(last, 429);
    server.clock.advance(jiff::SignedDuration::from_mins(1));
    assert_eq!(
        post(&server, "hash", body(json!("guess"))).await.code(),
        200
    );
}
