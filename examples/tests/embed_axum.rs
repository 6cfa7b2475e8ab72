//! The example does what its header says.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn start(program: &str) -> (Running, String) {
    let mut child = Command::new(program)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("http://").unwrap().to_owned();
    (Running(child), address)
}

fn ask(address: &str, request: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_foreign_router_is_protected() {
    let (_running, address) = start(env!("CARGO_BIN_EXE_embed-axum"));
    let token = "authorization: Bearer reader-token-1234567890\r\n";

    let read = ask(&address, "GET /orders", token);

    assert!(
        read.starts_with("HTTP/1.1 200") && read.ends_with("orders for ada"),
        "{read}"
    );
    let cases = [
        ("DELETE /orders/7", token, "403"),
        ("GET /orders", "", "401"),
        ("DELETE /orders/7", "", "401"),
        ("GET /elsewhere", token, "404"),
        ("GET //orders", token, "400"),
    ];
    for (request, header, status) in cases {
        let answer = ask(&address, request, header);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {answer}"
        );
    }
}

#[test]
fn a_provider_of_ones_own_says_who_calls() {
    let (_running, address) = start(env!("CARGO_BIN_EXE_custom-provider"));

    let me = ask(&address, "GET /api/auth/me", "x-client-name: ada\r\n");
    let nobody = ask(&address, "GET /api/auth/me", "");

    assert!(me.ends_with(r#"{"id":"ada"}"#), "{me}");
    assert!(nobody.ends_with("null"), "{nobody}");
}

#[test]
fn the_embedding_example_stays_short() {
    let text = include_str!("../embed-axum.rs");
    let code = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("//!"));

    assert!(code.count() < 60);
}
