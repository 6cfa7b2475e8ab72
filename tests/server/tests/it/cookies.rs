//! Session cookies: mutated, replayed, preset, doubled (V9, V10, V11, V34, S5).

use serde_json::json;
use server_tests::{Answer, SessionKind, Setup, TestServer, Who};

pub(crate) const KINDS: [SessionKind; 2] = [SessionKind::Store, SessionKind::Cookie];

pub(crate) async fn start(kind: SessionKind) -> TestServer {
    Setup::loopback().sessions(kind).start().await
}

/// Changes the value of a cookie in ways that a browser, a proxy or an attacker might.
fn mutations(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let alphabet = [
        "A", "z", "0", "-", "_", "=", ".", "%", "\u{e9}", "\"", "/", "+",
    ];
    let step = (value.len() / 45).max(1);
    for at in (0..value.len()).step_by(step) {
        let (before, after) = value.split_at(at);
        for other in alphabet {
            all.push(format!("{before}{other}{}", &after[1..]));
            all.push(format!("{before}{other}{after}"));
        }
        all.push(before.to_owned());
        all.push(format!("{before}{}", &after[1..]));
        all.push(after.to_owned());
    }
    for tail in [
        "=",
        "==",
        "A",
        "\u{1f980}",
        ",x",
        "\\",
        "'",
        "<script>",
        "%00",
        "|1",
        "{}",
    ] {
        all.push(format!("{value}{tail}"));
        all.push(format!("{tail}{value}"));
    }
    all.extend([
        value.to_uppercase(),
        value.to_lowercase(),
        value.chars().rev().collect(),
        format!("\"{value}\""),
        value.repeat(2),
        "null".to_owned(),
        "undefined".to_owned(),
        "true".to_owned(),
        "owner".to_owned(),
        "..".to_owned(),
        "[object Object]".to_owned(),
        "A".repeat(43),
        "-".repeat(43),
        "A".repeat(3_800),
        "A".repeat(3_801),
        "A".repeat(8_000),
        Who::Owner.token().unwrap().to_owned(),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.".to_owned(),
    ]);
    all.retain(|mutation| mutation.trim() != value);
    all
}

pub(crate) fn assert_cleared(answer: &Answer, what: &str) {
    let cookies = answer.set_cookies();
    assert_eq!(
        cookies,
        ["ee_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"],
        "{what}"
    );
}

#[tokio::test]
async fn v11_a_mutated_session_is_401_and_cleared() {
    for kind in KINDS {
        let server = start(kind).await;
        let session = server.sign_in(Who::Owner).await;
        let (name, value) = session.split_once('=').unwrap();
        let all = mutations(value);
        assert!(all.len() >= 1_000, "{kind:?}: {}", all.len());

        for mutation in all {
            let answer = server
                .get("/api/agents")
                .cookie(format!("{name}={mutation}"))
                .send()
                .await;
            assert_eq!(answer.code(), 401, "{kind:?} {mutation:?}");
            assert_cleared(&answer, &mutation);
        }
        let intact = server.get("/api/agents").cookie(&session).send().await;
        assert_eq!(intact.code(), 200, "{kind:?}");
        assert!(intact.set_cookies().is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn v11_every_single_bit_of_a_session_counts() {
    for kind in KINDS {
        let server = start(kind).await;
        let session = server.sign_in(Who::Owner).await;
        let start = session.find('=').unwrap() + 1;

        for at in start..session.len() {
            for bit in 0..8 {
                let mut bytes = session.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                // What is no header value never arrives.
                if bytes[at] < b' ' || bytes[at] == 0x7f || matches!(bytes[at], b';' | b' ') {
                    continue;
                }
                let answer = server.get("/api/agents").cookie(&bytes).send().await;
                assert_eq!(answer.code(), 401, "{kind:?} byte {at} bit {bit}");
                assert_cleared(&answer, &format!("{kind:?} byte {at} bit {bit}"));
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_session_leaves_public_routes_working_and_is_cleared_there_too() {
    for kind in KINDS {
        let server = start(kind).await;
        for path in ["/api/auth/capabilities", "/api/auth/me"] {
            for value in ["", "broken", "a b", "\u{e9}", "\"", "AAAA"] {
                let cookie = format!("ee_session={value}");
                let answer = server.get(path).cookie(&cookie).send().await;
                assert_eq!(answer.code(), 200, "{path} {value:?}");
                assert_cleared(&answer, &format!("{path} {value:?}"));
            }
        }
        let body = json!({ "email": "a@b.c", "password": Who::Owner.token() });
        let ask = server
            .post("/api/auth/login")
            .cookie("ee_session=broken")
            .json(&body);
        let answer = ask.send().await;
        assert_eq!(answer.code(), 200);
        assert!(answer.cookie_pair("ee_session").is_some() && !answer.clears_session());
    }
}

#[tokio::test]
async fn over_https_the_cookie_has_the_host_prefix_and_no_other_name_counts() {
    for kind in KINDS {
        let server = Setup::https().sessions(kind).start().await;
        let answer = server.try_sign_in(Who::Owner).await;
        let set = answer.set_cookies()[0].to_owned();
        let session = answer.cookie_pair("ee_session").unwrap();

        assert!(set.starts_with("__Host-ee_session="), "{set}");
        for attribute in [
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/",
            "; Secure",
            "; Max-Age=",
        ] {
            assert!(set.contains(attribute), "{set}");
        }
        assert!(!set.to_ascii_lowercase().contains("domain"), "{set}");

        let value = session.split_once('=').unwrap().1;
        for name in [
            "ee_session",
            "__host-ee_session",
            "__Secure-ee_session",
            "__Host-ee_sessio",
            "x__Host-ee_session",
            "__Host-ee_session2",
        ] {
            let answer = server
                .get("/api/agents")
                .cookie(format!("{name}={value}"))
                .send()
                .await;
            assert_eq!(answer.code(), 401, "{name}");
        }
        let broken = server
            .get("/api/agents")
            .cookie("__Host-ee_session=x")
            .send()
            .await;
        let cleared = "__Host-ee_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure";
        assert_eq!(broken.set_cookies(), [cleared]);
    }
}

#[tokio::test]
async fn v34_of_two_different_session_cookies_none_is_taken() {
    for kind in KINDS {
        let server = start(kind).await;
        let owner = server.sign_in(Who::Owner).await;
        let viewer = server.sign_in(Who::Viewer).await;
        let status = |cookies: String| server.get("/api/agents").cookie(cookies).send();

        for cookies in [
            format!("{owner}; {viewer}"),
            format!("{viewer}; {owner}"),
            format!("ee_session=x; {owner}"),
            format!("{owner}; ee_session="),
        ] {
            let answer = status(cookies.clone()).await;
            assert_eq!(answer.code(), 401, "{cookies}");
            assert_cleared(&answer, &cookies);
        }
        assert_eq!(status(format!("{owner}; {owner}")).await.code(), 200);
        let split = server
            .get("/api/agents")
            .cookie(&owner)
            .header("cookie", &viewer);
        assert_eq!(
            split.send().await.code(),
            401,
            "two Cookie headers are one list"
        );
        assert_eq!(status(format!("a=b; {owner}; c=\"d\"")).await.code(), 200);
    }
}

#[tokio::test]
async fn a_strange_cookie_of_another_program_does_not_sign_anybody_out() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;

    for other in [
        "name=J\u{f6}rg",
        "x=\u{1f980}",
        "=",
        ";;",
        "novalue",
        "a=b=c",
        "ee_sessionx=1",
        "x=\"a",
    ] {
        let both = server
            .get("/api/agents")
            .cookie(format!("{other}; {session}"))
            .send()
            .await;
        assert_eq!(both.code(), 200, "{other}");
        let both = server
            .get("/api/agents")
            .cookie(format!("{session}; {other}"))
            .send()
            .await;
        assert_eq!(both.code(), 200, "{other}");
    }
    let mut latin = b"name=J\xf6rg; ".to_vec();
    latin.extend_from_slice(session.as_bytes());
    assert_eq!(
        server.get("/api/agents").cookie(&latin).send().await.code(),
        200
    );
}

#[tokio::test]
async fn v34_more_than_a_hundred_cookies_are_431() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;
    let jar = |count: usize| {
        let others: Vec<String> = (1..count).map(|at| format!("c{at}=1")).collect();
        format!("{session}; {}", others.join("; "))
    };

    assert_eq!(
        server
            .get("/api/agents")
            .cookie(jar(100))
            .send()
            .await
            .code(),
        200
    );
    for count in [101, 200, 1_000] {
        let answer = server.get("/api/agents").cookie(jar(count)).send().await;
        answer.assert_error(431, "headers_too_large");
    }
    let mut ask = server.get("/api/agents");
    for at in 0..101 {
        ask = ask.header("cookie", format!("c{at}=1"));
    }
    assert_eq!(
        ask.send().await.code(),
        431,
        "many headers count as one list"
    );
    let long = server
        .get("/api/agents")
        .header("x-long", "x".repeat(33_000))
        .send()
        .await;
    long.assert_error(431, "headers_too_large");
}
