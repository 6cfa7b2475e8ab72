//! Streams byte by byte, and the answer at once.

use ee::server::Op;
use serde_json::{Value, json};
use server_tests::{Answer, Call, TestServer, Who};

/// Takes a stream of events apart, checking every byte of its frame.
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text();
    assert!(text.starts_with("data: {"), "{text}");
    let inner = text
        .strip_suffix("data: [DONE]\n\n")
        .unwrap_or_else(|| panic!("{text}"));
    inner
        .split_terminator("\n\n")
        .map(|block| {
            let json = block
                .strip_prefix("data: ")
                .unwrap_or_else(|| panic!("{block:?}"));
            assert!(!json.contains('\n'));
            serde_json::from_str(json).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn an_agents_stream_is_blocks_of_data_and_ends_with_done() {
    let server = TestServer::start().await;
    let body = json!({ "messages": [{ "role": "user", "content": "Line one\nLine two\r\n\r\ndata: [DONE]\n\n" }], "runId": "my-run" });

    let answer = server
        .post("/api/agents/writer/stream")
        .by(Who::Member)
        .json(&body)
        .send()
        .await;

    assert_eq!(answer.code(), 200, "{}", answer.text());
    let events = events(&answer);
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..3], ["start", "step-start", "text-start"]);
    assert_eq!(
        kinds[kinds.len() - 3..],
        ["text-end", "step-finish", "finish"]
    );
    let deltas = &events[3..events.len() - 3];
    assert!(deltas.len() > 1 && deltas.iter().all(|event| event["type"] == "text-delta"));
    let text: String = deltas
        .iter()
        .map(|event| event["payload"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(events[events.len() - 1]["payload"]["output"]["text"], text);
    assert!(
        events
            .iter()
            .all(|event| event["runId"] == "my-run" && event["from"] == "AGENT")
    );
    assert_eq!(answer.header("cache-control"), "no-store, no-transform");
}

#[tokio::test]
async fn an_answer_at_once_has_text_and_usage() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::GenerateAgent, Who::Member).await;

    let answer = call.ask(&server).by(Who::Member).send().await.json();

    assert!(answer["text"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(answer["finishReason"], "stop");
    assert!(answer["usage"]["totalTokens"].is_u64() && answer["runId"].is_string());
    assert_eq!(answer["response"]["messages"][0]["role"], "assistant");
    for name in ["steps", "toolCalls", "toolResults", "warnings"] {
        assert_eq!(answer[name], json!([]), "{name}");
    }
}

#[tokio::test]
async fn a_workflows_stream_is_records_that_end_with_a_separator() {
    let server = TestServer::start().await;
    let body = json!({ "inputData": { "topic": "Passkeys", "audience": "everybody" } });

    let answer = server
        .post("/api/workflows/briefing/stream")
        .by(Who::Member)
        .json(&body)
        .send()
        .await;

    assert_eq!(answer.code(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let text = answer.text();
    assert!(text.ends_with("}\u{1e}"));
    let records: Vec<Value> = text
        .split_terminator('\u{1e}')
        .map(|record| serde_json::from_str(record).unwrap())
        .collect();
    let kinds: Vec<&str> = records
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[0], "workflow-start");
    assert_eq!(kinds[kinds.len() - 1], "workflow-finish");
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == "workflow-step-result")
            .count(),
        3
    );
    assert_eq!(
        records[records.len() - 1]["payload"]["workflowStatus"],
        "success"
    );
    let run = records[0]["runId"].as_str().unwrap();
    let kept = server
        .get(format!("/api/workflows/briefing/runs/{run}"))
        .by(Who::Viewer)
        .send()
        .await;
    assert_eq!(kept.json()["status"], "success");
    let missing = server
        .post("/api/workflows/briefing/stream")
        .by(Who::Member)
        .json(&json!({ "inputData": {} }))
        .send()
        .await;
    assert_eq!(missing.code(), 400, "{}", missing.text());
}
