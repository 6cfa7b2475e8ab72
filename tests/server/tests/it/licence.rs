//! Without a licence features are off and what was protected stays closed.

use ee::server::{Access, Op};
use serde_json::json;
use server_tests::{Ask, AuthKind, Call, Setup, Stranger, TestServer, Who};

async fn unlicensed() -> TestServer {
    Setup::loopback()
        .auth(AuthKind::Unlicensed)
        .sso()
        .start()
        .await
}

fn known(ask: Ask<'_>) -> Ask<'_> {
    ask.header("x-stranger", Stranger::SECRET)
}

#[tokio::test]
async fn roles_without_a_licence_close_every_route_that_asks_for_a_permission() {
    let server = unlicensed().await;

    for op in Op::ALL.iter().copied() {
        if !matches!(op.route().access, Access::Permission { .. }) {
            continue;
        }
        let call = Call::prepare(&server, op, Who::Owner).await;
        assert_eq!(call.ask(&server).send().await.code(), 401, "{op:?}");
        let answer = known(call.ask(&server))
            .header("sec-fetch-site", "same-origin")
            .send()
            .await;
        answer.assert_error(403, "unlicensed");
        let message = "roles are configured and the licence does not cover `rbac`";
        let expected = json!({ "error": "Forbidden", "message": message, "code": "unlicensed" });
        assert_eq!(answer.json_without_id(), expected, "{op:?}");
    }
}

#[tokio::test]
async fn without_a_licence_there_is_no_way_to_sign_in() {
    let server = unlicensed().await;

    for ask in [
        server.get("/api/auth/capabilities"),
        known(server.get("/api/auth/capabilities")),
    ] {
        let capabilities = ask.send().await;
        assert_eq!(
            capabilities.json(),
            json!({ "enabled": true, "login": null })
        );
    }
    let body = json!({ "email": "a@b.c", "password": Stranger::SECRET });
    for (path, error) in [
        (
            "/api/auth/login",
            "Credentials authentication not configured",
        ),
        (
            "/api/auth/credentials/sign-in",
            "Credentials authentication not configured",
        ),
        (
            "/api/auth/signup",
            "Credentials authentication not configured",
        ),
        (
            "/api/auth/credentials/sign-up",
            "Credentials authentication not configured",
        ),
        ("/api/auth/logout", "Logout not configured"),
        ("/api/auth/refresh", "Session refresh not configured"),
    ] {
        let answer = server.post(path).json(&body).send().await;
        answer.assert_error(404, "not_found");
        assert_eq!(answer.json()["error"], error, "{path}");
        assert!(answer.set_cookies().is_empty(), "{path}");
    }
    let sso = server.get("/api/auth/sso/login").send().await;
    assert_eq!(sso.json()["error"], "SSO not configured");
}

#[tokio::test]
async fn the_record_goes_on_without_a_licence() {
    let server = unlicensed().await;

    let _ = known(server.get("/api/agents")).send().await;

    let event = server.audit.take_one();
    assert_eq!(
        (event.actor.id.as_str(), event.outcome),
        ("stranger", ee::AuditOutcome::Denied)
    );
}

#[tokio::test]
async fn a_session_of_the_licensed_time_opens_nothing_without_a_licence() {
    let licensed = TestServer::start().await;
    let session = licensed.sign_in(Who::Owner).await;
    let server = unlicensed().await;

    assert_eq!(
        server
            .get("/api/agents")
            .cookie(&session)
            .send()
            .await
            .code(),
        401
    );
}
