//! Pages of other sites: forged requests (CSRF), foreign reads (CORS), foreign names (DNS rebinding).

use ee::server::Op;
use http::Method;
use server_tests::{Call, SessionKind, Setup, TestServer, Who, expect_success};

const OWN: &str = "http://127.0.0.1:4111";

/// What browsers say of a page that is not ours.
const FOREIGN: [&[(&str, &str)]; 15] = [
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "none")],
    &[("sec-fetch-site", "")],
    &[("sec-fetch-site", "SAME-ORIGIN")],
    &[("sec-fetch-site", "same-origin, cross-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", OWN)],
    &[
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "http://127.0.0.1:4112")],
    &[("origin", "http://127.0.0.1:4111.evil.example")],
    &[("origin", "http://localhost:4111")],
    &[("referer", "http://127.0.0.1:4111/studio")],
];

fn unsafe_ops() -> impl Iterator<Item = Op> {
    Op::ALL.iter().copied().filter(|op| op.route().is_unsafe())
}

#[tokio::test]
async fn a_foreign_page_changes_nothing_with_the_visitors_cookies() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let server = Setup::loopback().sessions(kind).start().await;
        for op in unsafe_ops() {
            let session = server.sign_in(Who::Owner).await;
            for said in FOREIGN {
                let call = Call::prepare(&server, op, Who::Owner).await;
                let mut ask = call.ask(&server).header("cookie", &session);
                for (name, value) in said {
                    ask = ask.header(name, value);
                }
                server.audit.take();
                let answer = ask.send().await;

                answer.assert_error(403, "forbidden");
                assert_eq!(
                    answer.json()["message"],
                    "Cross-site request refused",
                    "{op:?} {said:?}"
                );
                assert!(answer.set_cookies().is_empty(), "{op:?} {said:?}");
                assert_eq!(
                    server.audit.take_one().outcome,
                    ee::AuditOutcome::Denied,
                    "{op:?}"
                );
            }
            let still = server.get("/api/agents").cookie(&session).send().await;
            assert_eq!(still.code(), 200, "{op:?} ended the session");
        }
    }
}

#[tokio::test]
async fn a_foreign_page_does_not_sign_the_visitor_in_as_somebody_else() {
    let server = TestServer::start().await;

    for op in [Op::Login, Op::SignIn, Op::Signup, Op::SignUp] {
        for said in FOREIGN.iter().filter(|said| said[0].0 != "referer") {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let mut ask = call.ask(&server);
            for (name, value) in *said {
                ask = ask.header(name, value);
            }
            let answer = ask.send().await;
            assert_eq!(answer.code(), 403, "{op:?} {said:?}");
            assert!(answer.set_cookies().is_empty(), "{op:?} {said:?}");
        }
        // A form needs no preflight, but it cannot send JSON.
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let body = call.body.clone().unwrap().to_string();
            let answer = call.ask(&server).body(kind, body).send().await;
            answer.assert_error(415, "unsupported_media_type");
        }
    }
}

#[tokio::test]
async fn a_page_of_ours_acts_with_cookies() {
    let server = TestServer::start().await;

    for op in unsafe_ops().filter(|op| !matches!(op, Op::SignUp | Op::Signup)) {
        for said in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "same-origin"), ("origin", OWN)],
            &[("origin", OWN)],
        ] {
            let session = server.sign_in(Who::Owner).await;
            let call = Call::prepare(&server, op, Who::Owner).await;
            let mut ask = call.ask(&server).header("cookie", &session);
            for (name, value) in said {
                ask = ask.header(name, value);
            }
            expect_success(op, &ask.send().await);
        }
    }
}

#[tokio::test]
async fn a_program_with_a_bearer_token_is_no_page() {
    let server = TestServer::start().await;

    for op in unsafe_ops().filter(|op| op.route().access != ee::server::Access::Public) {
        for said in [
            &[][..],
            &[("origin", "https://app.example")],
            &[("sec-fetch-site", "cross-site")],
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let mut ask = call.ask(&server).by(Who::Owner);
            for (name, value) in said {
                ask = ask.header(name, value);
            }
            expect_success(op, &ask.send().await);
        }
    }
}

#[tokio::test]
async fn credentials_that_a_browser_adds_by_itself_are_no_excuse() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;

    for ambient in ["Basic eDp5", "Negotiate YII", "NTLM TlRM", "Digest x", ""] {
        let ask = server.post("/api/auth/logout").header("cookie", &session);
        let ask = ask
            .header("authorization", ambient)
            .header("sec-fetch-site", "cross-site");
        assert_eq!(ask.send().await.code(), 403, "{ambient}");
        let live = server.get("/api/auth/me").cookie(&session).send().await;
        assert_eq!(live.json()["id"], "owner", "{ambient}");
    }
}

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
