use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use ee_audit::integrity::{Anchor as _, FileAnchor, HttpAnchor};
use ee_core::{AuditHead, ErrorKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::memory::{PARTITION, key, log, note};

const ORIGIN: &str = "ee.example/audit/default";

#[tokio::test]
async fn a_file_keeps_all_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("anchors.jsonl");
    let anchor = FileAnchor::new(&path);
    let key = key();
    let first = note(&log(1).await.rows().head(), &key);
    let second = note(&log(2).await.rows().head(), &key);
    let other = note(&AuditHead::genesis("other"), &key);

    assert_eq!(anchor.latest(ORIGIN).await.unwrap(), None);
    anchor.publish(&first).await.unwrap();
    anchor.publish(&second).await.unwrap();
    anchor.publish(&other).await.unwrap();

    assert_eq!(anchor.latest(ORIGIN).await.unwrap(), Some(second.clone()));
    let last = anchor.latest("ee.example/audit/other").await.unwrap();
    assert_eq!(last.as_deref(), Some(&*other));
    assert_eq!(FileAnchor::read(&path).unwrap(), [first, second, other]);
}

#[tokio::test]
async fn a_line_that_was_torn_costs_no_other_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("anchors.jsonl");
    let anchor = FileAnchor::new(&path);
    let key = key();
    let first = note(&log(1).await.rows().head(), &key);
    anchor.publish(&first).await.unwrap();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file.write_all(b"{\"note\":\"ee.exa").unwrap();

    assert_eq!(
        FileAnchor::read(&path).unwrap(),
        std::slice::from_ref(&first)
    );
    anchor.publish(&first).await.unwrap();

    assert_eq!(FileAnchor::read(&path).unwrap(), [first.clone(), first]);
    let nowhere = FileAnchor::new(dir.path().join("none").join("anchors.jsonl"));
    let failed = nowhere.publish("x").await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert!(!failed.message().contains("none"), "{failed}");
}

/// Answers every request with the same, and keeps what was asked. `None`: it never answers.
async fn endpoint(answer: Option<String>) -> (reqwest::Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/anchor", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut buffer = [0; 4_096];
            while !is_whole(&request) {
                let length = stream.read(&mut buffer).await.unwrap();
                if length == 0 {
                    break;
                }
                request.extend_from_slice(&buffer[..length]);
            }
            kept.lock()
                .unwrap()
                .push(String::from_utf8(request).unwrap());
            match &answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => open.push(stream),
            }
        }
    });
    (url.parse().unwrap(), asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |it| it.parse().unwrap())
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[tokio::test]
async fn an_endpoint_gets_the_note() {
    let note = note(&log(2).await.rows().head(), &key());
    let (url, asked) = endpoint(Some(answer("200 OK", &note))).await;
    let anchor = HttpAnchor::new("witness", url).unwrap();

    anchor.publish(&note).await.unwrap();
    assert_eq!(
        anchor.latest(ORIGIN).await.unwrap().as_deref(),
        Some(&*note)
    );

    let asked = asked.lock().unwrap().clone();
    assert!(
        asked[0].starts_with("POST /anchor HTTP/1.1\r\n"),
        "{}",
        asked[0]
    );
    assert!(asked[0].contains("content-type: text/plain; charset=utf-8\r\n"));
    assert!(asked[0].contains("user-agent: mastra-ee/"));
    assert!(asked[0].ends_with(&format!("\r\n\r\n{note}")));
    assert!(
        asked[1].starts_with("GET /anchor?origin=ee.example%2Faudit%2Fdefault HTTP/1.1\r\n"),
        "{}",
        asked[1]
    );
    assert_eq!(anchor.name(), "witness");
}

#[tokio::test]
async fn answers_that_are_none_are_errors() {
    let long = "x".repeat(70_000);
    let cases = [
        (answer("503 Busy", ""), ErrorKind::Unavailable),
        (answer("429 Slow", ""), ErrorKind::Unavailable),
        (answer("403 No", ""), ErrorKind::Internal),
        // Somewhere else is not where it was to go.
        (answer("302 Found", ""), ErrorKind::Internal),
        (answer("200 OK", &long), ErrorKind::Internal),
        ("nonsense\r\n\r\n".to_owned(), ErrorKind::Unavailable),
    ];
    for (answer, kind) in cases {
        let is_ok = answer.starts_with("HTTP/1.1 200");
        let (url, _) = endpoint(Some(answer.clone())).await;
        let anchor = HttpAnchor::new("witness", url).unwrap();
        let failed = anchor.latest(ORIGIN).await.unwrap_err();
        assert_eq!(failed.kind(), kind, "{answer}");
        if !is_ok {
            assert_eq!(anchor.publish("x").await.unwrap_err().kind(), kind);
        }
    }
    for status in ["404 None", "204 None"] {
        let (url, _) = endpoint(Some(answer(status, ""))).await;
        let anchor = HttpAnchor::new("witness", url).unwrap();
        assert_eq!(anchor.latest(ORIGIN).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_given_up() {
    let (url, _) = endpoint(None).await;
    let anchor = HttpAnchor::new("witness", url).unwrap();
    let note = note(&AuditHead::genesis(PARTITION), &key());

    let within = tokio::time::timeout(Duration::from_secs(30), anchor.publish(&note));

    let failed = within.await.unwrap().unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
}

#[test]
fn only_safe_addresses_are_taken() {
    for (url, is_safe) in [
        ("https://anchor.example/x", true),
        ("http://127.0.0.1:1/x", true),
        ("http://[::1]:1/x", true),
        ("http://localhost:1/x", true),
        ("http://anchor.example/x", false),
        ("http://127.0.0.1.example/x", false),
        ("https://user:secret@anchor.example/x", false),
        ("ftp://anchor.example/x", false),
        ("file:///etc/passwd", false),
    ] {
        assert_eq!(
            HttpAnchor::new("a", url.parse().unwrap()).is_ok(),
            is_safe,
            "{url}"
        );
    }
}
