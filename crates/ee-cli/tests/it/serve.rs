use std::os::unix::fs::PermissionsExt as _;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Running, binary, text};

#[tokio::test]
async fn the_first_start_makes_two_tokens_that_work_and_are_kept_private() {
    let dir = TempDir::new().unwrap();
    let running = Running::start(dir.path(), "").await;

    let file = dir.path().join("data/first-start.json");
    let content: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let (owner, viewer) = (running.token("ownerToken"), running.token("viewerToken"));

    assert_eq!(content.as_object().unwrap().len(), 3);
    assert_eq!(content["url"], running.url);
    for path in [file, dir.path().join("data/mastra-ee.db")] {
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            path.display()
        );
    }
    let agents = "/api/stored/agents";
    let body = json!({ "name": "X", "instructions": "x" });
    assert_eq!(
        running
            .ask(Method::GET, "/api/agents", &viewer, None)
            .await
            .status(),
        200
    );
    assert_eq!(
        running
            .ask(Method::POST, agents, &viewer, Some(body.clone()))
            .await
            .status(),
        403
    );
    assert_eq!(
        running
            .ask(Method::POST, agents, &owner, Some(body))
            .await
            .status(),
        200
    );
    assert_eq!(
        running
            .ask(Method::GET, "/api/agents", "", None)
            .await
            .status(),
        401
    );
    for token in [owner, viewer] {
        assert!(
            !running.log().contains(&token) && !running.audit().contains(&token),
            "a token is logged"
        );
    }
}

/// Phase 5: the console logger works out of the box for development.
#[tokio::test]
async fn both_signals_end_it_in_good_order() {
    for signal in ["-TERM", "-INT"] {
        let dir = TempDir::new().unwrap();
        let running = Running::start(dir.path(), "").await;

        let status = running.end(signal);

        assert!(status.success(), "{signal}: {status}");
        let audit = std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
        assert!(
            audit.contains("server.start") && audit.contains("server.stop"),
            "{audit}"
        );
    }
}

#[tokio::test]
async fn a_port_in_use_is_told_with_a_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = TempDir::new().unwrap();

    let output = binary()
        .args([
            "serve",
            "--listen",
            &taken.local_addr().unwrap().to_string(),
            "--data",
        ])
        .arg(dir.path().join("data"))
        .output()
        .unwrap();

    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("--listen"),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test]
async fn without_authentication_everything_is_open_and_says_so() {
    let dir = TempDir::new().unwrap();
    let running = Running::start(dir.path(), "auth = \"none\"").await;

    let capabilities = running
        .ask(Method::GET, "/api/auth/capabilities", "", None)
        .await
        .text()
        .await
        .unwrap();
    let created = running.ask(
        Method::POST,
        "/api/stored/agents",
        "",
        Some(json!({ "name": "X", "instructions": "x" })),
    );

    assert_eq!(capabilities, r#"{"enabled":false,"login":null}"#);
    assert_eq!(created.await.status(), 200);
    assert!(
        running.log().contains("authentication is off"),
        "{}",
        running.log()
    );
    assert!(!dir.path().join("data/first-start.json").exists());
}

#[tokio::test]
async fn a_foreign_host_name_is_not_answered_on_loopback() {
    let dir = TempDir::new().unwrap();
    let running = Running::start(dir.path(), "auth = \"none\"").await;

    let rebound = running
        .client
        .get(format!("{}/api/agents", running.url))
        .header("host", "evil.example")
        .send()
        .await;

    assert_eq!(rebound.unwrap().status(), 421);
}

#[tokio::test]
async fn production_refuses_the_built_in_model_and_marks_cookies_secure() {
    let dir = TempDir::new().unwrap();
    let config = "environment = \"production\"\npublic_url = \"https://agents.example\"\n";
    let running = Running::start(dir.path(), config).await;
    let token = running.token("ownerToken");

    let body = json!({ "messages": "Hi" });
    let answer = running
        .ask(
            Method::POST,
            "/api/agents/writer/generate",
            &token,
            Some(body),
        )
        .await;
    let login = json!({ "email": "a@b.example", "password": token });
    let signed_in = running
        .ask(Method::POST, "/api/auth/login", "", Some(login))
        .await;

    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("echo/dev"));
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-ee_session=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    assert!(
        signed_in
            .headers()
            .contains_key("strict-transport-security")
    );
}

#[tokio::test]
async fn a_damaged_token_file_stops_the_start() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("first-start.json"), "{}").unwrap();

    let output = binary()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .output()
        .unwrap();

    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("first-start.json is damaged"),
        "{}",
        text(&output.stderr)
    );
}
