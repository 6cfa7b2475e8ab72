//! The store does not answer, a handler panics, the record cannot be written (F2, F13).

use axum::routing::{get, post};
use ee::{
    AuditAction, AuditOutcome,
    server::{Access, Op, Route},
};
use http::Method;
use server_tests::{Call, SessionKind, Setup, TestServer, Who, needs_accounts};

#[tokio::test]
async fn f02_while_the_store_is_down_no_protected_call_succeeds() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let server = Setup::loopback().sessions(kind).start().await;
        let session = server.sign_in(Who::Owner).await;
        // What somebody may do stands in the store as well, so there is nothing that does not need it.
        let is_protected = |op: &Op| !op.route().access.is_public() && !needs_accounts(*op);
        for op in Op::ALL.iter().copied().filter(is_protected) {
            let call = Call::prepare(&server, op, Who::Owner).await;
            // A list that was read just now is given out for a second.
            server.clock.advance(jiff::SignedDuration::from_secs(2));
            server.store.go_down();
            for ask in [
                call.ask(&server).cookie(&session),
                call.ask(&server).by(Who::Owner),
            ] {
                let answer = ask.send().await;
                answer.assert_error(503, "unavailable");
                assert_eq!(answer.json()["error"], "Service unavailable", "{op:?}");
                assert!(
                    answer.header("retry-after").parse::<u32>().is_ok(),
                    "{op:?}"
                );
                assert!(
                    answer.set_cookies().is_empty(),
                    "{op:?}: nobody is signed out by it"
                );
            }
            assert_eq!(call.ask(&server).send().await.code(), 401, "{op:?}");
            server.store.come_back();
        }
        let back = server.get("/api/agents").cookie(&session).send().await;
        assert_eq!(back.code(), 200, "and it recovers by itself");
    }
}

#[tokio::test]
async fn f02_while_the_store_is_down_public_routes_say_what_they_can() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;
    server.clock.advance(jiff::SignedDuration::from_secs(2));
    server.store.go_down();

    for path in [
        "/api/auth/capabilities",
        "/api/auth/me",
        "/api/openapi.json",
        "/health/live",
    ] {
        assert_eq!(server.get(path).send().await.code(), 200, "{path}");
    }
    server
        .get("/health/ready")
        .send()
        .await
        .assert_error(503, "unavailable");
    for path in ["/api/openapi.json", "/health/live"] {
        let answer = server.get(path).cookie(&session).send().await;
        assert_eq!(answer.code(), 200, "{path} asks who it is");
    }
    // Whether the visitor is signed in cannot be said, and "no" would be a lie.
    server
        .get("/api/auth/capabilities")
        .cookie(&session)
        .send()
        .await
        .assert_error(503, "unavailable");
    server
        .get("/api/auth/me")
        .cookie(&session)
        .send()
        .await
        .assert_error(503, "unavailable");
    let sign_in = server.try_sign_in(Who::Owner).await;
    sign_in.assert_error(503, "unavailable");
    assert!(sign_in.set_cookies().is_empty());
}

#[tokio::test]
async fn f02_single_sign_on_does_not_begin_or_end_without_the_store() {
    let server = Setup::loopback().sso().start().await;
    server.store.go_down();

    server
        .get("/api/auth/sso/login")
        .send()
        .await
        .assert_error(503, "unavailable");
    let back = server
        .get("/api/auth/sso/callback?code=a&state=b")
        .send()
        .await;
    assert!(back.cookie_pair("ee_session").is_none());
    assert!(
        back.location().starts_with("/studio/login?error="),
        "{}",
        back.text()
    );
}

fn panicking(corridor: &ee::axum::Corridor) -> ee::axum::Protected {
    let audited = Route::new(Method::POST, "/boom", Access::Authenticated)
        .audited(AuditAction::new("test.boom").unwrap());
    let public = Route::new(Method::GET, "/index", Access::Public);
    corridor.mount([(audited, post(boom)), (public, get(index))], ())
}

async fn boom() -> &'static str {
    let secret = std::hint::black_box("inner-secret-5a6978");
    assert!(secret.is_empty(), "{secret}");
    "unreachable"
}

async fn index() -> String {
    let empty: [u8; 0] = [];
    empty[std::hint::black_box(1)].to_string()
}

#[tokio::test]
async fn f13_a_panic_fails_one_request_and_the_server_lives() {
    let server = Setup::loopback().mount(panicking).start().await;

    for _ in 0..10 {
        let answer = server.post("/boom").by(Who::Viewer).send().await;
        answer.assert_error(500, "internal");
        assert_eq!(answer.json()["error"], "Internal server error");
        assert!(!answer.text().contains("secret"), "{}", answer.text());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let event = server.audit.take_one();
        assert_eq!(
            (event.action.as_str(), event.outcome),
            ("test.boom", AuditOutcome::Failure)
        );
        assert_eq!(
            event.context.unwrap().request_id,
            answer.json()["requestId"]
        );
        assert!(!event.reason.unwrap().contains("secret"));

        server
            .get("/index")
            .send()
            .await
            .assert_error(500, "internal");
        assert_eq!(
            server
                .get("/api/agents")
                .by(Who::Viewer)
                .send()
                .await
                .code(),
            200
        );
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_written_opens_nothing_and_nobody_is_told_of_success() {
    let server = TestServer::start().await;
    server.audit.break_off();

    for (who, status) in [
        (Who::Anonymous, 401),
        (Who::Nobody, 403),
        (Who::Viewer, 403),
        (Who::Owner, 503),
    ] {
        let call = Call::prepare(&server, Op::DeleteStoredAgent, who).await;
        assert_eq!(
            call.ask(&server).by(who).send().await.code(),
            status,
            "{who:?}"
        );
    }
}
