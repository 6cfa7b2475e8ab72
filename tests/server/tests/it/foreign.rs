//! Routers of an embedder behind the corridor.

use axum::{
    Json, Router,
    extract::Path,
    routing::{any, get, post},
};
use ee::{
    AuditAction, Permission,
    axum::{Corridor, CurrentUser, Protected},
    server::{Access, Route},
};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Setup, TestServer, Who};

fn permission(text: &str) -> Permission {
    text.parse().unwrap()
}

/// Orders, with two declared routes and two that somebody forgot.
fn orders(corridor: &Corridor) -> Protected {
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
    let router = Router::new()
        .route("/orders", get(async || "all").delete(async || "gone"))
        .route("/orders/{id}", get(async |Path(id): Path<String>| id))
        .route("/orders/{id}/ship", post(async || "shipped"))
        .route(
            "/me",
            get(async |CurrentUser(user): CurrentUser| user.id.to_string()),
        )
        .route("/lost/{id}", get(async || "lost"))
        .route("/forgotten", any(async || "forgotten"));
    corridor.protect(router, table).unwrap()
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
    assert_eq!(
        named.json()["message"],
        "Missing required permission: * (none of the roles `admin` permits `*`, and no grant does)"
    );
    let plain = server.get("/forgotten").by(Who::Developer).send().await;
    assert_eq!(plain.json()["message"], "Missing required permission: *");
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
            let err = corridor
                .protect(Router::new(), [route(), route()])
                .unwrap_err();
            assert_eq!(err.message(), "the route `GET /x` is declared twice");
            corridor.protect(Router::new(), []).unwrap()
        })
        .start()
        .await;
}

/// That a bare router does not fit into `Corridor::wrap` at all is a `compile_fail` example there.
#[tokio::test]
async fn a_router_without_declarations_opens_for_the_full_wildcard_alone() {
    let server = Setup::loopback()
        .mount(|corridor| {
            let inner = Router::new().route("/deep", get(async || "open"));
            let bare = Router::new()
                .route("/bare", any(async || "open"))
                .nest("/nested", inner)
                .fallback(async || "open");
            corridor.protect(bare, []).unwrap()
        })
        .start()
        .await;

    for path in ["/bare", "/nested/deep", "/nested/x", "/x"] {
        for (who, status) in [(Who::Anonymous, 401), (Who::Admin, 403)] {
            let answer = server.get(path).by(who).send().await;
            let expected = if path.ends_with('x') && status == 403 {
                404
            } else {
                status
            };
            assert_eq!(answer.code(), expected, "{path} {who:?}");
            assert!(!answer.text().contains("open"), "{path}");
        }
    }
    assert_eq!(
        server.get("/bare").by(Who::Owner).send().await.text(),
        "open"
    );
}

#[tokio::test]
async fn an_embedders_answer_passes_as_it_is() {
    let server = Setup::loopback()
        .mount(|corridor| {
            let echo = post(async |Json(body): Json<Value>| Json(body));
            let route = Route::new(Method::POST, "/echo", Access::Public);
            corridor.mount([(route, echo)], ())
        })
        .start()
        .await;

    let answer = server.post("/echo").json(&json!({ "a": [1] })).send().await;

    assert_eq!((answer.code(), answer.json()), (200, json!({ "a": [1] })));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}
