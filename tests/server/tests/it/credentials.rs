//! Where credentials are read and where they are not (V4, V32).

use ee::server::Op;
use server_tests::{Call, TestServer, Who, percent_encode};

#[tokio::test]
async fn v32_a_bearer_token_is_read_in_one_way_only() {
    let server = TestServer::start().await;
    let token = Who::Owner.token().unwrap();
    let ask = |value: String| {
        server
            .get("/api/agents")
            .header("authorization", value)
            .send()
    };

    for scheme in ["Bearer", "bearer", "BEARER", "bEARER"] {
        assert_eq!(
            ask(format!("{scheme} {token}")).await.code(),
            200,
            "{scheme}"
        );
    }
    for value in [
        format!("Bearer  {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer {token} x"),
        format!("Bearer {token},x"),
        format!("Bearer: {token}"),
        format!("Bearer={token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer{token}"),
        format!("Token {token}"),
        format!("Basic {token}"),
        format!("Negotiate Bearer {token}"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {}", &token[1..]),
        format!("Bearer {token}x"),
        token.to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer constructor".to_owned(),
        "Bearer __proto__".to_owned(),
        "Bearer undefined".to_owned(),
        "Bearer null".to_owned(),
        "Bearer *".to_owned(),
        format!("Bearer {}", "x".repeat(10_000)),
        String::new(),
    ] {
        assert_eq!(ask(value.clone()).await.code(), 401, "{value}");
    }
}

#[tokio::test]
async fn v32_two_authorization_headers_are_refused_even_when_both_are_good() {
    let server = TestServer::start().await;
    let value = format!("Bearer {}", Who::Owner.token().unwrap());

    for second in [value.as_str(), "Bearer x", "", "Basic eA=="] {
        let ask = server.get("/api/agents").header("authorization", &value);
        assert_eq!(
            ask.header("Authorization", second).send().await.code(),
            401,
            "{second}"
        );
        let ask = server.get("/api/agents").header("authorization", second);
        assert_eq!(
            ask.header("authorization", &value).send().await.code(),
            401,
            "{second}"
        );
    }
    let ask = server
        .get("/api/agents")
        .header("authorization", "Bearer \u{fc}");
    assert_eq!(ask.send().await.code(), 401);
}

#[tokio::test]
async fn the_header_of_studio_carries_one_token_or_none() {
    let server = TestServer::start().await;
    let token = Who::Viewer.token().unwrap();
    let ask = |value: String| {
        server
            .get("/api/agents")
            .header("x-playground-access", value)
    };

    for value in [
        token.to_owned(),
        format!("Bearer {token}"),
        format!("bearer {token}"),
    ] {
        assert_eq!(ask(value.clone()).send().await.code(), 200, "{value}");
    }
    for value in [
        format!("Bearer  {token}"),
        format!("{token}, {token}"),
        format!("Basic {token}"),
        String::new(),
    ] {
        assert_eq!(ask(value.clone()).send().await.code(), 401, "{value}");
    }
    let twice = ask(token.to_owned())
        .header("x-playground-access", token)
        .send()
        .await;
    assert_eq!(twice.code(), 401);
}

#[tokio::test]
async fn a_wrong_token_is_not_saved_by_a_good_session() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;

    let ask = || server.get("/api/agents").cookie(&session);

    assert_eq!(ask().send().await.code(), 200);
    for value in ["Bearer wrong", "Basic eDp5", "Bearer", "x"] {
        assert_eq!(
            ask().header("authorization", value).send().await.code(),
            401,
            "{value}"
        );
    }
    assert_eq!(
        ask()
            .header("x-playground-access", "wrong")
            .send()
            .await
            .code(),
        401
    );
}

#[tokio::test]
async fn no_token_is_read_from_the_query_or_the_body() {
    let server = TestServer::start().await;
    let token = Who::Owner.token().unwrap();

    for name in [
        "apiKey",
        "api_key",
        "token",
        "access_token",
        "auth_header",
        "authorization",
        "key",
        "mastra-token",
    ] {
        for path in [
            "/api/agents",
            "/api/auth/permission-patterns",
            "/api/workflows",
        ] {
            let answer = server.get(format!("{path}?{name}={token}")).send().await;
            assert_eq!(answer.code(), 401, "{name}");
            let answer = server
                .get(format!("{path}?{name}=Bearer%20{token}"))
                .send()
                .await;
            assert_eq!(answer.code(), 401, "{name}");
        }
        let me = server
            .get(format!("/api/auth/me?{name}={token}"))
            .send()
            .await;
        assert_eq!(me.text(), "null", "{name}");
        let capabilities = server
            .get(format!("/api/auth/capabilities?{name}={token}"))
            .send()
            .await;
        assert!(capabilities.json().get("user").is_none(), "{name}");
    }
    let form = server.post("/api/stored/agents");
    let form = form.body(
        "application/x-www-form-urlencoded",
        format!("access_token={token}"),
    );
    assert_eq!(form.send().await.code(), 401);
}

#[tokio::test]
async fn a_client_context_in_query_or_body_changes_nothing() {
    let server = TestServer::start().await;
    let context = r#"{"user":{"id":"owner"},"userPermissions":["*"],"mastra__userPermissions":["*"],"mastra__user":{"id":"owner"}}"#;
    let encoded = percent_encode(context);

    let denied = server
        .get(format!("/api/workflows?requestContext={encoded}"))
        .by(Who::Nobody)
        .send()
        .await;
    assert_eq!(denied.code(), 403);

    let call = Call::prepare(&server, Op::GenerateAgent, Who::Viewer).await;
    let mut body = call.body.clone().unwrap();
    body["requestContext"] = serde_json::from_str(context).unwrap();
    let denied = call.ask(&server).json(&body).by(Who::Viewer).send().await;
    assert_eq!(denied.code(), 403);

    let call = Call::prepare(&server, Op::CreateThread, Who::Developer).await;
    let mut body = call.body.clone().unwrap();
    body["requestContext"] = serde_json::from_str(context).unwrap();
    body["resourceId"] = "owner".into();
    let made = call
        .ask(&server)
        .json(&body)
        .by(Who::Developer)
        .send()
        .await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let others = server
        .get(format!("/api/memory/threads/{id}"))
        .by(Who::Owner)
        .send()
        .await;
    assert_eq!(others.code(), 404, "a thread belongs to whoever made it");
}
