//! Routers of an embedder behind the corridor.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::Path,
    routing::{any, get, post},
};
use ee::{
    AuditAction, Permission, SystemClock,
    axum::{AuthContext, Corridor, CurrentUser},
    server::{Access, AuthMode, Origins, Route, Server},
};
use http::{Method, Request};
use serde_json::{Value, json};
use server_tests::{MemoryAudit, Setup, TestServer, Who};
use tower::ServiceExt as _;

fn permission(text: &str) -> Permission {
    text.parse().unwrap()
}

/// Orders, with two declared routes and two that somebody forgot.
fn orders(corridor: &Corridor) -> Router {
    let table = [
        Route::new(
            Method::GET,
            "/orders",
            Access::permission(permission("orders:read")),
        ),
        Route::new(
            Method::GET,
            "/orders/{id}",
            Access::permission(permission("orders:read")).on("id"),
        ),
        Route::new(
            Method::POST,
            "/orders/{id}/ship",
            Access::permission(permission("orders:execute")).on("id"),
        )
        .about("order", "id")
        .audited(AuditAction::new("orders.ship").unwrap()),
        Route::new(Method::GET, "/me", Access::Authenticated),
        Route::new(
            Method::GET,
            "/lost/{id}",
            Access::permission(permission("orders:read")).on("wrong"),
        ),
    ];
    Router::new()
        .route("/orders", get(async || "all").delete(async || "gone"))
        .route("/orders/{id}", get(async |Path(id): Path<String>| id))
        .route("/orders/{id}/ship", post(async || "shipped"))
        .route(
            "/me",
            get(async |CurrentUser(user): CurrentUser| user.id.to_string()),
        )
        .route("/lost/{id}", get(async || "lost"))
        .route("/forgotten", any(async || "forgotten"))
        .layer(corridor.guard_table(table).unwrap())
}

async fn start() -> TestServer {
    Setup::loopback().mount(orders).start().await
}

#[tokio::test]
async fn declared_routes_of_an_embedder_ask_for_what_they_declare() {
    let server = start().await;

    for (who, status) in [
        (Who::Anonymous, 401),
        (Who::Nobody, 403),
        (Who::Writer, 403),
        (Who::Viewer, 200),
        (Who::Owner, 200),
    ] {
        assert_eq!(
            server.get("/orders").by(who).send().await.code(),
            status,
            "{who:?}"
        );
        assert_eq!(
            server.get("/orders/7").by(who).send().await.code(),
            status,
            "{who:?}"
        );
    }
    for (who, status) in [
        (Who::Anonymous, 401),
        (Who::Viewer, 403),
        (Who::Member, 200),
    ] {
        assert_eq!(
            server.post("/orders/7/ship").by(who).send().await.code(),
            status,
            "{who:?}"
        );
    }
    let event = server.audit.take().pop().unwrap();
    assert_eq!(
        (event.action.as_str(), event.resource.unwrap().id.as_str()),
        ("orders.ship", "7")
    );
    assert_eq!(
        server.get("/me").by(Who::Nobody).send().await.text(),
        "nobody"
    );
}

#[tokio::test]
async fn a_route_that_nobody_declared_needs_everything() {
    let server = start().await;

    for (method, path) in [
        (Method::GET, "/forgotten"),
        (Method::POST, "/forgotten"),
        (Method::DELETE, "/orders"),
        (Method::HEAD, "/forgotten"),
    ] {
        let ask = || server.ask(method.clone(), path);
        assert_eq!(ask().send().await.code(), 401, "{method} {path}");
        for who in [
            Who::Nobody,
            Who::Viewer,
            Who::Member,
            Who::Developer,
            Who::Admin,
            Who::Writer,
        ] {
            assert_eq!(
                ask().by(who).send().await.code(),
                403,
                "{method} {path} {who:?}"
            );
        }
        assert_eq!(
            ask().by(Who::Owner).send().await.code(),
            200,
            "{method} {path}"
        );
    }
    let named = server.get("/forgotten").by(Who::Admin).send().await;
    assert_eq!(named.json()["message"], "Missing required permission: *");
}

#[tokio::test]
async fn a_declaration_that_names_a_parameter_which_is_not_there_opens_for_nobody() {
    let server = start().await;

    for who in [Who::Viewer, Who::Owner] {
        assert_eq!(
            server.get("/lost/7").by(who).send().await.code(),
            403,
            "{who:?}"
        );
    }
}

#[tokio::test]
async fn v01_spellings_of_an_embedders_path_are_canonical_before_they_are_matched() {
    let server = start().await;

    for path in [
        "//orders",
        "/orders//",
        "/./orders",
        "/x/../orders",
        "/ORDERS",
        "/orders%2f7",
        "/orders;x",
        "/%6frders/",
        "/orders/%00",
    ] {
        assert!(
            matches!(server.get(path).send().await.code(), 400 | 401),
            "{path}"
        );
    }
    assert_eq!(
        server.get("/%6frders/").by(Who::Viewer).send().await.text(),
        "all"
    );
    assert_eq!(
        server
            .get("/orders/a%20b")
            .by(Who::Viewer)
            .send()
            .await
            .text(),
        "a b"
    );
}

#[tokio::test]
async fn a_declaration_that_comes_twice_does_not_mount() {
    let _ = Setup::loopback()
        .mount(|corridor| {
            let route = || Route::new(Method::GET, "/x", Access::Public);
            let err = corridor.guard_table([route(), route()]).unwrap_err();
            assert_eq!(err.message(), "the route `GET /x` is declared twice");
            Router::new()
        })
        .start()
        .await;
}

#[tokio::test]
async fn a_guarded_route_outside_of_the_corridor_is_500() {
    let origins = Origins::new("http://127.0.0.1:4111");
    let server = Server::new(
        AuthMode::Off,
        Arc::new(MemoryAudit::default()),
        Arc::new(SystemClock),
        origins,
    );
    let corridor = Corridor::new(Arc::new(server)).unwrap();
    let guard = corridor.guard(Route::new(Method::GET, "/x", Access::Public));
    let router = Router::new()
        .route("/x", get(async || "open").layer(guard))
        .merge(corridor.api());

    for path in [
        "/x",
        "/api/agents",
        "/api/auth/capabilities",
        "/health/live",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500, "{path}");
    }
}

#[tokio::test]
async fn an_extractor_on_a_route_without_a_guard_is_500() {
    let server = Setup::loopback()
        .mount(|_| {
            Router::new()
                .route("/bare", get(async |AuthContext(_): AuthContext| "open"))
                .route("/user", get(async |CurrentUser(_): CurrentUser| "open"))
        })
        .start()
        .await;

    for path in ["/bare", "/user"] {
        for who in [Who::Anonymous, Who::Owner] {
            let answer = server.get(path).by(who).send().await;
            assert_eq!(answer.code(), 500, "{path}");
            assert!(!answer.text().contains("open"), "{path}");
        }
    }
}

#[tokio::test]
async fn an_embedders_answer_passes_as_it_is() {
    let server = Setup::loopback()
        .mount(|corridor| {
            let guard = corridor.guard(Route::new(Method::POST, "/echo", Access::Public));
            Router::new().route(
                "/echo",
                post(async |Json(body): Json<Value>| Json(body)).layer(guard),
            )
        })
        .start()
        .await;

    let answer = server.post("/echo").json(&json!({ "a": [1] })).send().await;

    assert_eq!((answer.code(), answer.json()), (200, json!({ "a": [1] })));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}
