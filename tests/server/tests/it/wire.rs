//! Exact shapes of what clients read.

use ee::server::Op;
use serde_json::{Value, json};
use server_tests::{Setup, TestServer, Who};

#[tokio::test]
async fn p3_get_capabilities_returns_login_configuration() {
    let simple =
        json!({ "enabled": true, "login": { "type": "credentials", "signUpEnabled": false } });
    let button =
        json!({ "provider": "idp", "text": "Sign in with the IdP", "url": "/api/auth/sso/login" });
    let both = json!({ "enabled": true, "login": { "type": "both", "signUpEnabled": false, "sso": button } });

    let server = TestServer::start().await;
    assert_eq!(
        server.get("/api/auth/capabilities").send().await.json(),
        simple
    );
    let server = Setup::loopback().sso().start().await;
    assert_eq!(
        server.get("/api/auth/capabilities").send().await.json(),
        both
    );
}

#[tokio::test]
async fn capabilities_of_somebody_who_is_signed_in() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;
    let roles = [
        ("admin", "Admin"),
        ("developer", "Developer"),
        ("member", "Member"),
        ("viewer", "Viewer"),
        ("writer", "One agent"),
    ];
    let roles: Vec<Value> = roles
        .iter()
        .map(|(id, name)| json!({ "id": id, "name": name }))
        .collect();
    let expected = json!({
        "enabled": true,
        "login": { "type": "credentials", "signUpEnabled": false },
        "user": { "id": "owner", "email": "owner@example.com", "name": "The owner" },
        "capabilities": { "user": true, "session": true, "sso": false, "rbac": true, "acl": true, "fga": false },
        "access": { "roles": ["owner"], "permissions": ["*"] },
        "availableRoles": roles,
    });

    let by_session = server
        .get("/api/auth/capabilities")
        .cookie(&session)
        .send()
        .await;
    assert_eq!(by_session.json(), expected);
    let by_token = server
        .get("/api/auth/capabilities")
        .by(Who::Owner)
        .send()
        .await;
    assert_eq!(by_token.json(), expected);

    let viewer = server
        .get("/api/auth/capabilities")
        .by(Who::Viewer)
        .send()
        .await
        .json();
    assert_eq!(
        viewer["access"],
        json!({ "roles": ["viewer"], "permissions": ["*:read"] })
    );
    assert!(viewer.get("availableRoles").is_none());
}

#[tokio::test]
async fn an_agent_has_the_members_that_clients_read_without_asking() {
    let server = TestServer::start().await;

    let list = server
        .get("/api/agents")
        .by(Who::Viewer)
        .send()
        .await
        .json();
    let one = server
        .get("/api/agents/writer")
        .by(Who::Viewer)
        .send()
        .await
        .json();

    assert_eq!(list["writer"], one);
    assert_eq!(
        (&one["id"], &one["name"], &one["source"]),
        (&json!("writer"), &json!("Writer"), &json!("stored"))
    );
    assert_eq!(
        (&one["provider"], &one["modelId"]),
        (&json!("echo"), &json!("dev"))
    );
    for name in ["instructions", "description", "status"] {
        assert!(one[name].is_string(), "{name}");
    }
    for name in [
        "tools",
        "workflows",
        "agents",
        "defaultOptions",
        "defaultGenerateOptionsLegacy",
        "defaultStreamOptionsLegacy",
    ] {
        assert_eq!(one[name], json!({}), "{name}");
    }
    for name in [
        "skills",
        "workspaceTools",
        "browserTools",
        "inputProcessors",
        "outputProcessors",
    ] {
        assert_eq!(one[name], json!([]), "{name}");
    }
    assert_eq!(
        (&one["hasBrowser"], &one["hasDraft"], &one["supportsMemory"]),
        (&json!(false), &json!(false), &json!(true))
    );
    let missing = server
        .get("/api/agents/unknown")
        .by(Who::Viewer)
        .send()
        .await;
    assert_eq!(missing.json()["error"], "Agent with id unknown not found");
}

#[tokio::test]
async fn every_pattern_that_a_route_asks_for_is_in_the_list() {
    let server = TestServer::start().await;

    let answer = server
        .get("/api/auth/permission-patterns")
        .by(Who::Viewer)
        .send()
        .await
        .json();

    let patterns: Vec<&str> = answer["patterns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    for op in Op::ALL {
        if let ee::server::Access::Permission { any_of, .. } = op.route().access {
            for permission in any_of.iter() {
                assert!(patterns.contains(&permission.as_str()), "{permission}");
            }
        }
    }
    for literal in [
        "*",
        "observability:read",
        "scores:read",
        "datasets:read",
        "tools:read",
        "mcp:read",
        "processors:read",
        "stored-prompt-blocks:read",
        "workspaces:read",
        "logs:read",
    ] {
        assert!(patterns.contains(&literal), "{literal}");
    }
}
