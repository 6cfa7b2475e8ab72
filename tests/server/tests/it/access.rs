//! Every route: who gets in, and in which order refusals come.

use ee::server::{Access, Op};
use http::Method;
use serde_json::json;
use server_tests::{Call, TestServer, Who, expect_success, needs_accounts};

/// The committed list: whoever adds a public route says so here.
const PUBLIC: [&str; 21] = [
    "GET /api/auth/capabilities",
    "GET /api/auth/me",
    "GET /api/auth/sso/callback",
    "GET /api/auth/sso/login",
    "GET /api/openapi.json",
    "GET /health/live",
    "GET /health/ready",
    "POST /api/auth/credentials/second-factor",
    "POST /api/auth/credentials/second-factor/enrol",
    "POST /api/auth/credentials/sign-in",
    "POST /api/auth/credentials/sign-up",
    "POST /api/auth/email/verify",
    "POST /api/auth/invitations/accept",
    "POST /api/auth/invitations/find",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "POST /api/auth/password/forgot",
    "POST /api/auth/password/reset",
    "POST /api/auth/refresh",
    "POST /api/auth/setup",
    "POST /api/auth/signup",
];

/// The committed list: whoever is known may use these, whatever he may do besides, for they are about himself.
const FOR_EVERYBODY_KNOWN: [&str; 10] = [
    "DELETE /api/auth/sessions",
    "DELETE /api/auth/sessions/{sessionId}",
    "GET /api/auth/account",
    "GET /api/auth/sessions",
    "POST /api/auth/email/send-verification",
    "POST /api/auth/password",
    "POST /api/auth/recovery-codes",
    "POST /api/auth/totp",
    "POST /api/auth/totp/confirm",
    "POST /api/auth/totp/disable",
];

/// Tells whether the operation manages who may do what.
fn is_management(op: Op) -> bool {
    let path = op.route().path;
    path.starts_with("/api/access/") || path.starts_with("/api/auth/sessions")
}

fn is_public(op: Op) -> bool {
    op.route().access.is_public()
}

#[tokio::test]
async fn v05_an_anonymous_sweep_opens_the_committed_routes_and_no_other() {
    let server = TestServer::start().await;

    let mut open = Vec::new();
    for op in Op::ALL.iter().copied() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let answer = call.ask(&server).send().await;
        let body_401 = answer.code() == 401 && answer.json()["error"] == "Invalid or expired token";
        if !body_401 {
            open.push(format!("{} {}", call.method, op.route().path));
        }
    }

    open.sort();
    assert_eq!(open, PUBLIC);
}

#[tokio::test]
async fn an_anonymous_request_to_a_protected_route_is_401_in_the_shape_of_the_wire() {
    let server = TestServer::start().await;

    for op in Op::ALL.iter().copied().filter(|op| !is_public(*op)) {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let answer = call.ask(&server).send().await;

        answer.assert_error(401, "unauthenticated");
        assert_eq!(answer.json()["error"], "Invalid or expired token", "{op:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{op:?}");
        assert_eq!(answer.header("cache-control"), "no-store", "{op:?}");
    }
}

#[tokio::test]
async fn the_owner_succeeds_on_every_protected_route() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !is_public(*op) && !needs_accounts(*op))
    {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let answer = call.ask(&server).by(Who::Owner).send().await;

        expect_success(op, &answer);
    }
}

#[tokio::test]
async fn p4_api_routes_require_specific_permissions() {
    let server = TestServer::start().await;
    let mut for_everybody = Vec::new();

    for op in Op::ALL.iter().copied() {
        let route = op.route();
        let Access::Permission { any_of, .. } = &route.access else {
            if !is_public(op) {
                for_everybody.push(format!("{} {}", route.method, route.path));
            }
            continue;
        };
        let names: Vec<String> = any_of.iter().map(ToString::to_string).collect();
        let call = Call::prepare(&server, op, Who::Nobody).await;
        let answer = call.ask(&server).by(Who::Nobody).send().await;

        answer.assert_error(403, "forbidden");
        let expected = json!({
            "error": "Forbidden",
            "message": format!("Missing required permission: {}", names.join(" or ")),
            "code": "forbidden",
        });
        assert_eq!(answer.json_without_id(), expected, "{op:?}");
    }
    for_everybody.sort();
    assert_eq!(for_everybody, FOR_EVERYBODY_KNOWN);
}

#[tokio::test]
async fn refusals_come_in_the_order_401_403_400() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| matches!(op.route().access, Access::Permission { .. }))
    {
        let call = Call::prepare(&server, op, Who::Owner).await;
        if call.body.is_none() {
            continue;
        }
        let bad = || call.ask(&server).body("application/json", "{\"surprise\":");

        assert_eq!(bad().send().await.code(), 401, "{op:?}");
        assert_eq!(bad().by(Who::Nobody).send().await.code(), 403, "{op:?}");
        assert_eq!(bad().by(Who::Viewer).send().await.code(), 403, "{op:?}");
        assert_eq!(bad().by(Who::Owner).send().await.code(), 400, "{op:?}");
        let oversized = vec![b' '; 2 * 1_024 * 1_024];
        let oversized = call.ask(&server).body("application/json", oversized);
        assert_eq!(oversized.send().await.code(), 401, "{op:?}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_401_for_strangers_and_404_for_others() {
    let server = TestServer::start().await;

    for path in [
        "/",
        "/api",
        "/api/nothing",
        "/api/auth/nothing",
        "/studio",
        "/.env",
        "/health",
        "/api/agents/a/b/c",
    ] {
        for method in [
            Method::GET,
            Method::POST,
            Method::DELETE,
            Method::OPTIONS,
            Method::HEAD,
        ] {
            let ask = || server.ask(method.clone(), path);
            assert_eq!(ask().send().await.code(), 401, "{method} {path}");
            let known = ask().by(Who::Nobody).send().await;
            assert_eq!(known.code(), 404, "{method} {path}");
            if method != Method::HEAD {
                known.assert_error(404, "not_found");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_401_for_strangers_and_405_with_the_right_ones_for_others() {
    let server = TestServer::start().await;

    for op in Op::ALL.iter().copied() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let others = ["PUT", "TRACE", "PROPFIND", "get", "X", "LOCK"];
        for method in others {
            let method: Method = method.parse().unwrap();
            let path = op.route().path;
            let is_declared = |other: &Op| {
                let route = other.route();
                route.method == method && route.path == path
            };
            if Op::ALL.iter().any(is_declared) {
                continue;
            }
            let ask = || call.ask(&server).method(method.clone());
            let stranger = ask().send().await.code();
            let owner = ask().by(Who::Owner).send().await;

            // What is not declared is unknown to strangers, also beside a public route.
            assert_eq!(stranger, 401, "{method} {op:?}");
            owner.assert_error(405, "method_not_allowed");
            let allowed = owner.header("allow");
            assert!(
                allowed.contains(call.method.as_str()),
                "{method} {op:?}: `{allowed}`"
            );
        }
    }
}

#[tokio::test]
async fn a_head_request_is_judged_like_the_get() {
    let server = TestServer::start().await;

    let ask = || server.ask(Method::HEAD, "/api/agents");

    assert_eq!(ask().send().await.code(), 401);
    assert_eq!(ask().by(Who::Nobody).send().await.code(), 403);
    let answer = ask().by(Who::Viewer).send().await;
    assert_eq!((answer.code(), answer.body.len()), (200, 0));
}

#[tokio::test]
async fn without_authentication_everything_is_open_and_says_so() {
    let server = server_tests::Setup::loopback()
        .auth(server_tests::AuthKind::Off)
        .start()
        .await;

    let capabilities = server.get("/api/auth/capabilities").send().await;
    assert_eq!(
        capabilities.json(),
        json!({ "enabled": false, "login": null })
    );
    assert_eq!(server.get("/api/auth/me").send().await.text(), "null");
    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !is_public(*op) && *op != Op::RolePermissions)
    {
        let call = Call::prepare(&server, op, Who::Anonymous).await;
        let answer = call.ask(&server).send().await;
        if needs_accounts(op) {
            answer.assert_error(404, "not_found");
        } else if is_management(op) {
            // There is nobody whose access could be managed.
            answer.assert_error(501, "unsupported");
        } else {
            expect_success(op, &answer);
        }
    }
    let roles = server
        .get("/api/auth/roles/viewer/permissions")
        .send()
        .await;
    roles.assert_error(404, "not_found");
}
