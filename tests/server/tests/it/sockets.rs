//! Bytes on a real connection: what only the HTTP parser and the gate see together.

use server_tests::{TestServer, Who};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// Sends bytes and returns the status line of every answer on the connection.
async fn statuses(server: &TestServer, bytes: &[u8]) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(ee::axum::serve(listener, server.gate(), async {
        let _ = stopped.await;
    }));

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A server that closes while bytes are unread resets the connection.
    let _ = stream.read_to_end(&mut answer).await;
    drop(stream);
    let _ = stop.send(());
    serving.await.unwrap();

    String::from_utf8_lossy(&answer)
        .split("\r\n")
        .filter(|line| line.starts_with("HTTP/1."))
        .map(|line| line.split(' ').nth(1).unwrap().to_owned())
        .collect()
}

fn authorization() -> String {
    format!("authorization: Bearer {}\r\n", Who::Owner.token().unwrap())
}

#[tokio::test]
async fn a_plain_request_is_answered() {
    let server = TestServer::start().await;
    let request = format!(
        "GET /api/agents HTTP/1.1\r\nhost: localhost\r\n{}connection: close\r\n\r\n",
        authorization()
    );

    assert_eq!(statuses(&server, request.as_bytes()).await, ["200"]);
    let bare = b"GET /api/agents HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(statuses(&server, bare).await, ["401"]);
    assert_eq!(
        server.audit.take_one().actor.ip.unwrap().to_string(),
        "127.0.0.1"
    );
}

#[tokio::test]
async fn v01_targets_that_are_no_targets_open_nothing() {
    let server = TestServer::start().await;

    for target in [
        "api/agents",
        "/api/agents /x",
        "/api\tagents",
        "/api/agents\u{0}",
        "\\api\\agents",
        "/api/\u{7f}agents",
        "*",
        "",
        "//",
        "http://",
        "http:///api/agents",
        "localhost:4111",
        "http://localhost/../api/agents",
        "/api/auth/../agents",
        "/api//agents",
        "/api/agents/..;/",
        "?",
        "#",
        "/\u{fc}",
    ] {
        for method in ["GET", "OPTIONS", "CONNECT", "get", "GET\t"] {
            let request = format!(
                "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
            );
            for status in statuses(&server, request.as_bytes()).await {
                assert!(
                    matches!(status.as_str(), "400" | "401" | "404" | "405" | "421"),
                    "{method} {target:?}: {status}"
                );
            }
        }
    }
}

#[tokio::test]
async fn two_hosts_none_or_a_foreign_one_are_refused() {
    let server = TestServer::start().await;
    let authorization = authorization();

    for (head, expected) in [
        (
            "GET /api/agents HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n",
            "400",
        ),
        (
            "GET /api/agents HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n",
            "400",
        ),
        ("GET /api/agents HTTP/1.1\r\n", "421"),
        ("GET /api/agents HTTP/1.0\r\n", "421"),
        ("GET /api/agents HTTP/1.1\r\nhost: evil.example\r\n", "421"),
        (
            "GET http://evil.example/api/agents HTTP/1.1\r\nhost: localhost\r\n",
            "400",
        ),
        (
            "GET http://localhost/api/agents HTTP/1.1\r\nhost: localhost\r\n",
            "200",
        ),
    ] {
        let request = format!("{head}{authorization}connection: close\r\n\r\n");
        assert_eq!(
            statuses(&server, request.as_bytes()).await,
            [expected],
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_body_that_could_end_in_two_places_smuggles_no_request() {
    let server = TestServer::start().await;
    let authorization = authorization();
    let hidden = format!(
        "DELETE /api/stored/agents/writer HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n"
    );

    for framing in [
        format!("content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!(
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!(
            "content-length: 0\r\ncontent-length: {}\r\n\r\n{hidden}",
            hidden.len()
        ),
        format!("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("transfer-encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("content-length: +0\r\n\r\n{hidden}"),
        format!("content-length: 0x0\r\n\r\n{hidden}"),
        format!("x: y\r\n z\r\ncontent-length: 0\r\n\r\n{hidden}"),
    ] {
        let request = format!("POST /api/auth/logout HTTP/1.1\r\nhost: localhost\r\n{framing}");
        let answers = statuses(&server, request.as_bytes()).await;
        assert!(answers.len() <= 1, "{framing:?}: {answers:?}");
    }
    let agents = server.get("/api/agents").by(Who::Owner).send().await;
    assert!(
        agents.json()["writer"].is_object(),
        "the hidden request was not carried out"
    );
}

#[tokio::test]
async fn headers_beyond_the_limits_are_refused_before_they_are_kept() {
    let server = TestServer::start().await;

    for extra in [
        format!("x: {}\r\n", "y".repeat(40_000)),
        format!("x: {}\r\n", "y".repeat(1_000_000)),
        "x: y\r\n".repeat(20_000),
    ] {
        let request = format!(
            "GET /api/agents HTTP/1.1\r\nhost: localhost\r\n{extra}connection: close\r\n\r\n"
        );
        let answers = statuses(&server, request.as_bytes()).await;
        assert!(answers.iter().all(|status| status == "431"), "{answers:?}");
    }
}
