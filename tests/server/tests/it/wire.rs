//! Exact shapes of what clients read.

use ee::server::Op;
use serde_json::{Value, json};
use server_tests::{Answer, Call, Setup, TestServer, Who};

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
        "capabilities": { "user": true, "session": true, "sso": false, "rbac": true, "acl": false, "fga": false },
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

/// Takes a stream of events apart, checking every byte of its frame.
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text();
    assert!(text.starts_with("data: {"), "{text}");
    let inner = text
        .strip_suffix("data: [DONE]\n\n")
        .unwrap_or_else(|| panic!("{text}"));
    inner
        .split_terminator("\n\n")
        .map(|block| {
            let json = block
                .strip_prefix("data: ")
                .unwrap_or_else(|| panic!("{block:?}"));
            assert!(!json.contains('\n'));
            serde_json::from_str(json).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn an_agents_stream_is_blocks_of_data_and_ends_with_done() {
    let server = TestServer::start().await;
    let body = json!({ "messages": [{ "role": "user", "content": "Line one\nLine two\r\n\r\ndata: [DONE]\n\n" }], "runId": "my-run" });

    let answer = server
        .post("/api/agents/writer/stream")
        .by(Who::Member)
        .json(&body)
        .send()
        .await;

    assert_eq!(answer.code(), 200, "{}", answer.text());
    let events = events(&answer);
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..3], ["start", "step-start", "text-start"]);
    assert_eq!(
        kinds[kinds.len() - 3..],
        ["text-end", "step-finish", "finish"]
    );
    let deltas = &events[3..events.len() - 3];
    assert!(deltas.len() > 1 && deltas.iter().all(|event| event["type"] == "text-delta"));
    let text: String = deltas
        .iter()
        .map(|event| event["payload"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(events[events.len() - 1]["payload"]["output"]["text"], text);
    assert!(
        events
            .iter()
            .all(|event| event["runId"] == "my-run" && event["from"] == "AGENT")
    );
    assert_eq!(answer.header("cache-control"), "no-store, no-transform");
}

#[tokio::test]
async fn an_answer_at_once_has_text_and_usage() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::GenerateAgent, Who::Member).await;

    let answer = call.ask(&server).by(Who::Member).send().await.json();

    assert!(answer["text"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(answer["finishReason"], "stop");
    assert!(answer["usage"]["totalTokens"].is_u64() && answer["runId"].is_string());
    assert_eq!(answer["response"]["messages"][0]["role"], "assistant");
    for name in ["steps", "toolCalls", "toolResults", "warnings"] {
        assert_eq!(answer[name], json!([]), "{name}");
    }
}

#[tokio::test]
async fn a_workflows_stream_is_records_that_end_with_a_separator() {
    let server = TestServer::start().await;
    let body = json!({ "inputData": { "topic": "Passkeys", "audience": "everybody" } });

    let answer = server
        .post("/api/workflows/briefing/stream")
        .by(Who::Member)
        .json(&body)
        .send()
        .await;

    assert_eq!(answer.code(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let text = answer.text();
    assert!(text.ends_with("}\u{1e}"));
    let records: Vec<Value> = text
        .split_terminator('\u{1e}')
        .map(|record| serde_json::from_str(record).unwrap())
        .collect();
    let kinds: Vec<&str> = records
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[0], "workflow-start");
    assert_eq!(kinds[kinds.len() - 1], "workflow-finish");
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == "workflow-step-result")
            .count(),
        3
    );
    assert_eq!(
        records[records.len() - 1]["payload"]["workflowStatus"],
        "success"
    );
    let run = records[0]["runId"].as_str().unwrap();
    let kept = server
        .get(format!("/api/workflows/briefing/runs/{run}"))
        .by(Who::Viewer)
        .send()
        .await;
    assert_eq!(kept.json()["status"], "success");
    let missing = server
        .post("/api/workflows/briefing/stream")
        .by(Who::Member)
        .json(&json!({ "inputData": {} }))
        .send()
        .await;
    assert_eq!(missing.code(), 400, "{}", missing.text());
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
