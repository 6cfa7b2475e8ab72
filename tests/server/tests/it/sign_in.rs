//! Signing in, up and out as clients see it.

use serde_json::json;
use server_tests::{Setup, TestServer, Who};

#[tokio::test]
async fn p3_credentials_flow_login_and_signup() {
    let server = TestServer::start().await;
    let good = json!({ "email": "ann@example.com", "password": Who::Member.token() });
    let user =
        json!({ "user": { "id": "member", "email": "member@example.com", "name": "The member" } });

    for path in ["/api/auth/login", "/api/auth/credentials/sign-in"] {
        let answer = server.post(path).json(&good).send().await;
        assert_eq!(
            (answer.code(), answer.json()),
            (200, user.clone()),
            "{path}"
        );
        let session = answer.cookie_pair("ee_session").unwrap();
        assert_eq!(
            server
                .get("/api/auth/me")
                .cookie(&session)
                .send()
                .await
                .json()["id"],
            "member"
        );

        let wrong = json!({ "email": "ann@example.com", "password": "wrong" });
        let refused = server.post(path).json(&wrong).send().await;
        refused.assert_error(401, "unauthenticated");
        assert_eq!(refused.json()["error"], "Invalid email or password");
        assert!(refused.set_cookies().is_empty());
        for (field, body) in [
            ("email", json!({ "email": "ann", "password": "x" })),
            (
                "email",
                json!({ "email": "a".repeat(400), "password": "x" }),
            ),
            ("password", json!({ "email": "a@b.c", "password": "" })),
            (
                "password",
                json!({ "email": "a@b.c", "password": "x".repeat(2_000) }),
            ),
        ] {
            let answer = server.post(path).json(&body).send().await;
            answer.assert_error(400, "invalid");
            assert_eq!(answer.json()["issues"][0]["field"], field);
        }
        for password in ["constructor", "__proto__", "toString", "a b", "*"] {
            let body = json!({ "email": "a@b.c", "password": password });
            assert_eq!(
                server.post(path).json(&body).send().await.code(),
                401,
                "{password}"
            );
        }
    }
    for path in ["/api/auth/signup", "/api/auth/credentials/sign-up"] {
        let body = json!({ "email": "new@example.com", "password": "x", "name": "New" });
        let answer = server.post(path).json(&body).send().await;
        answer.assert_error(400, "invalid");
        assert_eq!(answer.json()["error"], "Failed to create account", "{path}");
    }
}

#[tokio::test]
async fn p3_logout_destroys_the_session() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;

    let answer = server
        .post("/api/auth/logout")
        .cookie(&session)
        .send()
        .await;

    assert_eq!(
        (answer.code(), answer.json()),
        (200, json!({ "success": true }))
    );
    assert_eq!(
        answer.set_cookies(),
        ["ee_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
    );
    assert!(answer.header("clear-site-data").contains("\"cookies\""));
    assert_eq!(
        server
            .get("/api/agents")
            .cookie(&session)
            .send()
            .await
            .code(),
        401
    );
    let again = server.post("/api/auth/logout").send().await;
    assert_eq!(
        again.json(),
        json!({ "success": true }),
        "twice is the same as once"
    );
}

#[tokio::test]
async fn p3_cookie_session_works_out_of_the_box() {
    for kind in [
        server_tests::SessionKind::Cookie,
        server_tests::SessionKind::Store,
    ] {
        let server = Setup::loopback().sessions(kind).start().await;
        let session = server.sign_in(Who::Viewer).await;

        let agents = server.get("/api/agents").cookie(&session).send().await;
        let me = server.get("/api/auth/me").cookie(&session).send().await;

        assert_eq!(agents.code(), 200, "{kind:?}");
        let expected = json!({
            "id": "viewer", "email": "viewer@example.com", "name": "The viewer",
            "roles": ["viewer"], "permissions": ["*:read"],
        });
        assert_eq!(me.json(), expected, "{kind:?}");
    }
}

#[tokio::test]
async fn a_refresh_without_a_session_says_so() {
    let server = TestServer::start().await;

    let none = server.post("/api/auth/refresh").send().await;
    none.assert_error(401, "unauthenticated");
    assert_eq!(none.json()["error"], "No session");
    let over = server
        .post("/api/auth/refresh")
        .cookie("ee_session=AAAA")
        .send()
        .await;
    assert_eq!(over.json()["error"], "Session expired");
    assert!(over.clears_session());
}
