//! What the record says of answers that take their time, and of requests that nobody waits for any more.

use std::task::Poll;

use ee::{AuditEvent, AuditOutcome, AuditStage};
use futures_util::poll;
use serde_json::json;
use server_tests::{Setup, TestServer, Who};

use crate::streams_revoked::{chat, start, under_way};

/// Returns what was told before and at the end.
fn both(mut events: Vec<AuditEvent>) -> (AuditEvent, AuditEvent) {
    assert_eq!(events.len(), 2, "{events:#?}");
    let end = events.remove(1);
    let intent = events.remove(0);
    assert_eq!(intent.stage, AuditStage::Intent);
    assert_eq!(end.stage, AuditStage::Result);
    assert_eq!(end.action, intent.action);
    let id = |event: &AuditEvent| event.context.as_ref().unwrap().request_id.clone();
    assert_eq!(id(&end), id(&intent));
    (intent, end)
}

/// Phase 5: events are logged for chat messages.
#[tokio::test]
async fn a_stream_is_recorded_at_its_end_with_model_and_tokens() {
    let server = TestServer::start().await;
    let body = json!({ "messages": "one two three" });
    let ask = server.post("/api/agents/writer/stream").by(Who::Member);
    server.audit.take();

    let answer = ask.json(&body).send().await;

    assert_eq!(answer.code(), 200);
    let (intent, end) = both(server.audit.take());
    assert!(intent.ai.is_none() && intent.duration.is_none());
    assert_eq!(end.outcome, AuditOutcome::Success);
    assert!(end.duration.is_some());
    let ai = end.ai.unwrap();
    assert_eq!(ai.agent_id.as_deref(), Some("writer"));
    assert!(ai.model.is_some_and(|model| !model.is_empty()));
    assert_eq!(ai.prompt_tokens, Some(3));
    assert!(ai.completion_tokens.is_some_and(|count| count > 0));
    assert!(ai.output_bytes.is_some_and(|count| count > 0));
    assert_eq!(
        end.metadata.get("input"),
        None,
        "what was said is not recorded"
    );
}

#[tokio::test]
async fn a_stream_that_nobody_reads_to_its_end_is_recorded_as_aborted() {
    let server = start().await;
    let ask = chat(&server, "writer").by(Who::Member);
    server.audit.take();
    let open = under_way(ask).await;

    drop(open);

    let (_, end) = both(server.audit.take());
    assert_eq!(end.outcome, AuditOutcome::Failure);
    assert_eq!(end.reason.as_deref(), Some("aborted before its end"));
    assert_eq!(end.resource.unwrap().id, "writer");
}

#[tokio::test]
async fn a_request_that_is_dropped_before_its_answer_is_recorded_as_aborted() {
    let server = Setup::loopback().word_delay(100).start().await;
    server.audit.demand_intents();
    server.audit.take();
    let body = json!({ "messages": "word ".repeat(100) });
    let ask = server.post("/api/agents/writer/generate").by(Who::Member);
    let mut answer = Box::pin(ask.json(&body).send());
    let mut begun = Vec::new();
    for _ in 0..1_000 {
        assert!(matches!(poll!(answer.as_mut()), Poll::Pending));
        begun.extend(server.audit.take());
        if !begun.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }

    drop(answer);

    begun.extend(server.audit.take());
    let (_, end) = both(begun);
    assert_eq!(end.outcome, AuditOutcome::Failure);
    assert_eq!(end.reason.as_deref(), Some("aborted before its end"));
}

#[tokio::test]
async fn nothing_begins_that_cannot_be_recorded() {
    let server = TestServer::start().await;
    server.audit.break_off();

    let answer = chat(&server, "writer").by(Who::Member).send().await;

    answer.assert_error(503, "unavailable");
    assert!(!answer.text().contains("text-delta"));
}

/// Whoever reads a stream to its end knows that the record has it.
#[tokio::test]
async fn a_stream_whose_end_cannot_be_recorded_breaks_off() {
    for is_recorded in [true, false] {
        let server = Setup::loopback().word_delay(10).start().await;
        let open = under_way(chat(&server, "writer").by(Who::Member)).await;
        if !is_recorded {
            server.audit.break_off();
        }

        assert_eq!(open.breaks_off().await, !is_recorded);
    }
}
