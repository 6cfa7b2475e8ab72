use serde_json::json;
use server_tests::{SessionKind, Setup, TestServer, Who};
use std::sync::Arc;
#[tokio::test]
async fn probe_array() {
    let server = TestServer::start().await;
    let a = server
        .post("/api/auth/login")
        .json(&json!(["a@b.c", Who::Owner.token()]))
        .send()
        .await;
    println!("PROBE array login {} {}", a.code(), a.text());
    let a = server
        .post("/api/stored/agents")
        .by(Who::Owner)
        .json(&json!({"name":"x","instructions":"", "model":["echo","dev"]}))
        .send()
        .await;
    println!("PROBE array model {} {}", a.code(), a.text());
    let a = server.post("/api/stored/workflows").by(Who::Owner).json(&json!({"name":"x","id":"run-counts","steps":[{"id":"a","agentId":"writer","prompt":"x"}]})).send().await;
    println!("PROBE run-counts {} {}", a.code(), a.text());
    let a = server
        .get("/api/auth/capabilities")
        .header("accept", "text/html")
        .by(Who::Owner)
        .header("origin", "x")
        .send()
        .await;
    println!("PROBE vary {:?}", a.headers);
}
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn probe_refresh() {
    let server = Arc::new(
        Setup::loopback()
            .sessions(SessionKind::Cookie)
            .start()
            .await,
    );
    let mut most = 0;
    for _ in 0..50 {
        let session = server.sign_in(Who::Owner).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (server, session) = (Arc::clone(&server), session.clone());
            tasks.spawn(async move {
                server
                    .post("/api/auth/refresh")
                    .cookie(&session)
                    .send()
                    .await
                    .cookie_pair("ee_session")
            });
        }
        most = most.max(tasks.join_all().await.into_iter().flatten().count());
    }
    println!("PROBE refresh winners {most}");
}
