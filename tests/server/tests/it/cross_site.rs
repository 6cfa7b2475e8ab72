//! Pages of other sites: forged requests (CSRF), foreign reads (CORS), foreign names (DNS rebinding).

use ee::server::Op;
use server_tests::{Call, SessionKind, Setup, TestServer, Who, expect_success, needs_accounts};

pub(crate) const OWN: &str = "http://127.0.0.1:4111";

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

    let works = |op: &Op| !matches!(op, Op::SignUp | Op::Signup) && !needs_accounts(*op);
    for op in unsafe_ops().filter(works) {
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

    let works = |op: &Op| !op.route().access.is_public() && !needs_accounts(*op);
    for op in unsafe_ops().filter(works) {
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
