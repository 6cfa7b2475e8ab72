//! Conversations of somebody else answer like those that do not exist (V27).

use ee::server::Op;
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, Call, TestServer, Who};

/// Everything of an answer that a client sees, but for what differs between equal requests.
fn seen(answer: &Answer, id: &str) -> (u16, String, Vec<(String, String)>) {
    let request_id = answer.header("x-request-id").to_owned();
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let body = answer
        .text()
        .replace(&request_id, "REQUEST")
        .replace(id, "ID");
    (answer.code(), body, headers)
}

async fn thread_of(server: &TestServer, who: Who) -> String {
    let call = Call::prepare(server, Op::GetThread, who).await;
    call.path.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn v27_a_foreign_thread_answers_byte_for_byte_like_an_unknown_one() {
    let server = TestServer::start().await;
    let foreign = thread_of(&server, Who::Developer).await;
    let unknown = "thread-999999";

    for (method, tail, body) in [
        (Method::GET, "", None),
        (Method::GET, "/messages", None),
        (Method::GET, "/messages?page=0&perPage=10", None),
        (Method::PATCH, "", Some(json!({ "title": "Mine" }))),
        (Method::PATCH, "", Some(json!({ "resourceId": "owner" }))),
        (
            Method::PATCH,
            "",
            Some(json!({ "resourceId": "developer" })),
        ),
        (Method::DELETE, "", None),
    ] {
        let send = async |id: &str| {
            let ask = server
                .ask(method.clone(), format!("/api/memory/threads/{id}{tail}"))
                .by(Who::Owner);
            match &body {
                Some(body) => ask.json(body).send().await,
                None => ask.send().await,
            }
        };
        let one = seen(&send(&foreign).await, &foreign);
        let two = seen(&send(unknown).await, unknown);
        assert_eq!(one, two, "{method} {tail}");
        assert_eq!(one.0, 404);
    }

    let own = server
        .get(format!("/api/memory/threads/{foreign}"))
        .by(Who::Developer)
        .send()
        .await;
    assert_eq!(
        (own.code(), &own.json()["title"]),
        (200, &Value::Null),
        "it was not touched"
    );
}

#[tokio::test]
async fn v27_nobody_speaks_into_a_foreign_thread() {
    let server = TestServer::start().await;
    let foreign = thread_of(&server, Who::Developer).await;

    for verb in ["generate", "stream"] {
        for memory in [
            json!({ "memory": { "thread": foreign, "resource": "developer" } }),
            json!({ "memory": { "thread": { "id": foreign }, "resource": "owner" } }),
            json!({ "threadId": foreign, "resourceId": "developer" }),
        ] {
            let mut body = memory;
            body["messages"] = json!("hello");
            let ask = server
                .post(format!("/api/agents/writer/{verb}"))
                .by(Who::Owner)
                .json(&body);
            let answer = ask.send().await;
            answer.assert_error(404, "not_found");
            assert!(!answer.text().contains("developer"), "{}", answer.text());
        }
    }
    let kept = server
        .get(format!("/api/memory/threads/{foreign}/messages"))
        .by(Who::Developer)
        .send()
        .await;
    assert_eq!(kept.json()["total"], 0);
}

#[tokio::test]
async fn everybody_lists_his_own_threads_whatever_label_he_asks_for() {
    let server = TestServer::start().await;
    let mine = thread_of(&server, Who::Owner).await;
    let foreign = thread_of(&server, Who::Developer).await;

    for query in [
        "",
        "?resourceId=owner",
        "?resourceId=developer",
        "?agentId=writer",
        "?orderBy[field]=createdAt",
    ] {
        let listed = server
            .get(format!("/api/memory/threads{query}"))
            .by(Who::Owner)
            .send()
            .await;
        assert_eq!(listed.code(), 200, "{query}: {}", listed.text());
        let text = listed.text();
        assert!(!text.contains(&foreign), "{query}: {text}");
        let asks_for_others = query.contains("developer") || query.contains("agentId");
        assert_eq!(text.contains(&mine), !asks_for_others, "{query}: {text}");
    }
}

#[tokio::test]
async fn a_talk_is_kept_for_the_one_who_talks() {
    let server = TestServer::start().await;
    let body = json!({ "messages": "Hello there", "memory": { "thread": "talk-1", "resource": "somebody" } });

    let answer = server
        .post("/api/agents/writer/generate")
        .by(Who::Member)
        .json(&body)
        .send()
        .await;
    assert_eq!(answer.code(), 200, "{}", answer.text());

    let kept = server
        .get("/api/memory/threads/talk-1/messages")
        .by(Who::Member)
        .send()
        .await
        .json();
    assert_eq!(kept["total"], 2);
    assert_eq!(kept["messages"][0]["role"], "user");
    assert_eq!(
        kept["messages"][0]["content"]["parts"][0]["text"],
        "Hello there"
    );
    assert_eq!(kept["messages"][1]["role"], "assistant");
    for who in [Who::Owner, Who::Admin] {
        let other = server
            .get("/api/memory/threads/talk-1")
            .by(who)
            .send()
            .await;
        assert_eq!(other.code(), 404, "{who:?}");
    }
}

#[tokio::test]
async fn a_thread_id_that_is_taken_is_not_taken_over() {
    let server = TestServer::start().await;
    let foreign = thread_of(&server, Who::Developer).await;

    let body = json!({ "threadId": foreign, "title": "Mine" });
    let answer = server
        .post("/api/memory/threads")
        .by(Who::Owner)
        .json(&body)
        .send()
        .await;

    answer.assert_error(409, "conflict");
    let own = server
        .get(format!("/api/memory/threads/{foreign}"))
        .by(Who::Developer)
        .send()
        .await;
    assert_eq!((own.code(), &own.json()["title"]), (200, &Value::Null));
}

#[tokio::test]
async fn v27_a_run_of_another_workflow_answers_like_an_unknown_one() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::GetRun, Who::Owner).await;
    let run = call.path.rsplit('/').next().unwrap().to_owned();

    for (method, tail) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/cancel"),
    ] {
        let send = async |id: &str| {
            let path = format!("/api/workflows/briefing/runs/{id}{tail}");
            server.ask(method.clone(), path).by(Who::Owner).send().await
        };
        let one = seen(&send(&run).await, &run);
        let two = seen(&send("run-999999").await, "run-999999");
        assert_eq!(one, two, "{method} {tail}");
        assert_eq!(one.0, 404);
    }
    for verb in [
        "start",
        "start-async",
        "stream",
        "observe",
        "restart",
        "restart-async",
    ] {
        let send = async |id: &str| {
            let ask = server
                .post(format!("/api/workflows/briefing/{verb}?runId={id}"))
                .by(Who::Owner);
            ask.json(&json!({ "inputData": { "topic": "x", "audience": "y" } }))
                .send()
                .await
        };
        let one = seen(&send(&run).await, &run);
        let two = seen(&send("run-999999").await, "run-999999");
        assert_eq!(one, two, "{verb}");
        assert_eq!(one.0, 404);
    }
    assert_eq!(
        call.ask(&server).by(Who::Owner).send().await.code(),
        200,
        "it is still there"
    );
}
