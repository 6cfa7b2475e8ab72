//! Foreign origins that read (V33) and foreign names that resolve to us (V36).

use http::Method;
use server_tests::{Setup, TestServer, Who};

use crate::cross_site::OWN;

#[tokio::test]
async fn v33_cross_origin_reads_are_closed_by_default() {
    let server = TestServer::start().await;

    for origin in ["https://evil.example", "null", "http://localhost:4111", OWN] {
        for path in ["/api/agents", "/api/auth/capabilities"] {
            let answer = server
                .get(path)
                .by(Who::Owner)
                .header("origin", origin)
                .send()
                .await;
            assert_eq!(answer.code(), 200);
            for name in answer.headers.keys() {
                assert!(
                    !name.as_str().starts_with("access-control-"),
                    "{origin} {name}"
                );
            }
            let preflight = server.ask(Method::OPTIONS, path).header("origin", origin);
            let preflight = preflight
                .header("access-control-request-method", "POST")
                .send()
                .await;
            assert!(
                preflight.status.is_client_error(),
                "{origin}: {}",
                preflight.status
            );
            assert_eq!(preflight.header("access-control-allow-origin"), "");
        }
    }
}

#[tokio::test]
async fn v33_a_listed_origin_is_let_in_by_name_and_no_other_is() {
    let friend = "https://friend.example";
    let server = Setup::https().cross_origin(friend).start().await;

    let answer = server
        .get("/api/agents")
        .by(Who::Owner)
        .header("origin", friend)
        .send()
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), friend);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert!(answer.headers.get_all("vary").iter().any(|value| {
        value
            .to_str()
            .unwrap()
            .to_ascii_lowercase()
            .contains("origin")
    }));
    let refused = server
        .get("/api/agents")
        .header("origin", friend)
        .send()
        .await;
    assert_eq!(
        (
            refused.code(),
            refused.header("access-control-allow-origin")
        ),
        (401, friend)
    );

    let preflight = server
        .ask(Method::OPTIONS, "/api/agents/writer/generate")
        .header("origin", friend);
    let preflight = preflight.header("access-control-request-method", "POST");
    let preflight = preflight.header(
        "access-control-request-headers",
        "content-type,x-mastra-client-type",
    );
    let preflight = preflight.send().await;
    assert!(preflight.status.is_success());
    assert_eq!(preflight.header("access-control-allow-origin"), friend);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("x-mastra-client-type")
    );

    for origin in [
        "https://evil.example",
        "https://friend.example.evil.example",
        "https://evilfriend.example",
        "http://friend.example",
        "https://friend.example:8443",
        "https://FRIEND.example",
        "https://friend.example/",
        "https://sub.friend.example",
        "null",
        "*",
        "",
    ] {
        let answer = server
            .get("/api/agents")
            .by(Who::Owner)
            .header("origin", origin)
            .send()
            .await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        let preflight = server
            .ask(Method::OPTIONS, "/api/agents")
            .header("origin", origin);
        let preflight = preflight
            .header("access-control-request-method", "DELETE")
            .send()
            .await;
        assert_eq!(
            preflight.header("access-control-allow-origin"),
            "",
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_listed_origin_may_act_with_the_visitors_cookies() {
    let friend = "https://friend.example";
    let server = Setup::https().cross_origin(friend).start().await;
    let session = server.sign_in(Who::Owner).await;
    let ask = |origin: &str| {
        let ask = server.post("/api/stored/agents").header("cookie", &session);
        ask.header("sec-fetch-site", "cross-site")
            .header("origin", origin)
            .json(&serde_json::json!({ "name": "A", "instructions": "" }))
    };

    assert_eq!(ask(friend).send().await.code(), 200);
    assert_eq!(ask("https://evil.example").send().await.code(), 403);
}

#[tokio::test]
async fn v36_a_foreign_name_that_resolves_to_us_is_421() {
    let server = TestServer::start().await;

    for host in [
        "evil.example",
        "evil.example:4111",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        "localhost.",
        "127.0.0.1.",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "::1",
        "user@localhost",
        "localhost:4111:80",
        "localhost/",
        "localhost#",
        "",
        " localhost x",
        "localhost,evil.example",
    ] {
        for path in [
            "/api/agents",
            "/api/auth/capabilities",
            "/health/live",
            "/api/nothing",
        ] {
            let answer = server
                .get(path)
                .by(Who::Owner)
                .replace("host", host)
                .send()
                .await;
            answer.assert_error(421, "unknown_host");
        }
    }
    for host in [
        "localhost",
        "LOCALHOST:4111",
        "127.0.0.1:4111",
        "[::1]:4111",
        "[::1]",
        "localhost:1",
    ] {
        let answer = server
            .get("/api/agents")
            .by(Who::Owner)
            .replace("host", host)
            .send()
            .await;
        assert_eq!(answer.code(), 200, "{host}");
    }
    let none = server
        .get("/api/agents")
        .by(Who::Owner)
        .without("host")
        .send()
        .await;
    none.assert_error(421, "unknown_host");
    let two = server
        .get("/api/agents")
        .by(Who::Owner)
        .header("host", "127.0.0.1:4111")
        .send()
        .await;
    two.assert_error(400, "malformed_host");
    let differ = server
        .get("http://evil.example/api/agents")
        .by(Who::Owner)
        .send()
        .await;
    differ.assert_error(400, "malformed_host");
}
