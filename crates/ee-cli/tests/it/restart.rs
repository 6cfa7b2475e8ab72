use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{PATIENCE, Running};

async fn json_of(
    running: &Running,
    method: Method,
    path: &str,
    token: &str,
    body: Option<Value>,
) -> Value {
    let answer = running.ask(method, path, token, body).await;
    assert!(
        answer.status().is_success(),
        "{path}: {}",
        answer.text().await.unwrap()
    );
    answer.json().await.unwrap()
}

async fn sign_in(running: &Running, token: &str) -> String {
    let body = json!({ "email": "owner@example.com", "password": token });
    let answer = running
        .ask(
            Method::POST,
            "/api/auth/credentials/sign-in",
            "",
            Some(body),
        )
        .await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn status_with(running: &Running, cookie: &str) -> u16 {
    let request = running
        .client
        .get(format!("{}/api/agents", running.url))
        .header("cookie", cookie);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn sessions_survive_a_restart_and_a_signed_out_one_stays_out() {
    for config in [
        "",
        "[sessions]\nkind = \"cookie\"\ncookie_secrets = [\"0123456789abcdef0123456789abcdef\"]\n",
    ] {
        let dir = TempDir::new().unwrap();
        let running = Running::start(dir.path(), config).await;
        let token = running.token("ownerToken");
        let (kept, left) = (
            sign_in(&running, &token).await,
            sign_in(&running, &token).await,
        );
        let logout = running
            .client
            .post(format!("{}/api/auth/logout", running.url));
        let logout = logout
            .header("cookie", &left)
            .header("sec-fetch-site", "same-origin")
            .send()
            .await
            .unwrap();
        assert_eq!(logout.status(), 200);
        assert_eq!(status_with(&running, &left).await, 401);
        assert!(running.end("-TERM").success());

        let running = Running::start(dir.path(), config).await;

        assert_eq!(running.token("ownerToken"), token);
        assert_eq!(status_with(&running, &kept).await, 200);
        assert_eq!(status_with(&running, &left).await, 401);
    }
}

#[tokio::test]
async fn a_run_that_was_active_when_the_process_died_is_interrupted_and_can_be_restarted() {
    let dir = TempDir::new().unwrap();
    let slow = "[models]\nword_delay_ms = 400\n";
    let running = Running::start(dir.path(), slow).await;
    let token = running.token("ownerToken");
    let base = "/api/workflows/briefing";
    let created = json_of(
        &running,
        Method::POST,
        &format!("{base}/create-run"),
        &token,
        None,
    )
    .await;
    let run = created["runId"].as_str().unwrap().to_owned();
    let input = json!({ "inputData": { "topic": "tests", "audience": "us" } });
    json_of(
        &running,
        Method::POST,
        &format!("{base}/start?runId={run}"),
        &token,
        Some(input),
    )
    .await;
    let path = format!("{base}/runs/{run}");
    wait_for(&running, &path, &token, "running").await;
    running.end("-KILL");

    let running = Running::start(dir.path(), "[models]\nword_delay_ms = 0\n").await;
    let after = json_of(&running, Method::GET, &path, &token, None).await;
    assert_eq!(after["status"], "interrupted", "{after}");

    json_of(
        &running,
        Method::POST,
        &format!("{base}/restart?runId={run}"),
        &token,
        None,
    )
    .await;
    let done = wait_for(&running, &path, &token, "success").await;
    assert_eq!(done["steps"].as_object().unwrap().len(), 3, "{done}");
}

async fn wait_for(running: &Running, path: &str, token: &str, status: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let run = json_of(running, Method::GET, path, token, None).await;
        if run["status"] == status {
            return run;
        }
        assert!(Instant::now() < end, "the run is not `{status}`: {run}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_streamed_answer_does_not_hold_up_the_end() {
    let dir = TempDir::new().unwrap();
    let running = Running::start(dir.path(), "[models]\nword_delay_ms = 5000\n").await;
    let token = running.token("ownerToken");
    let body =
        json!({ "messages": "A long answer", "memory": { "thread": "t1", "resource": "r" } });
    let stream = running
        .ask(
            Method::POST,
            "/api/agents/writer/stream",
            &token,
            Some(body),
        )
        .await;
    assert_eq!(stream.status(), 200);

    let begun = Instant::now();
    let status = running.end("-TERM");

    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(15));
}
