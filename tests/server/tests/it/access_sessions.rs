//! Sessions that people and administrators see and end.

use ee::{
    UserId,
    storage::{AccountStore, Changed},
};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, TestServer, Who};

use crate::cookies::{KINDS, start};

async fn is_alive(server: &TestServer, session: &str) -> bool {
    let answer = server
        .get("/api/auth/sessions")
        .cookie(session)
        .send()
        .await;
    assert!(matches!(answer.code(), 200 | 401), "{}", answer.text());
    answer.code() == 200
}

async fn list(server: &TestServer, session: &str) -> Vec<Value> {
    let answer = server
        .get("/api/auth/sessions")
        .cookie(session)
        .send()
        .await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer.json()["items"].as_array().unwrap().clone()
}

async fn end(server: &TestServer, session: &str, path: &str) -> Answer {
    let ask = server.ask(Method::DELETE, path).cookie(session);
    ask.send().await
}

/// Returns the name of the session that asks.
async fn name(server: &TestServer, session: &str) -> String {
    let list = list(server, session).await;
    let mut current = list.iter().filter(|it| it["isCurrent"] == true);
    let id = current.next().unwrap()["id"].as_str().unwrap().to_owned();
    assert!(current.next().is_none(), "{list:?}");
    id
}

#[tokio::test]
async fn people_see_their_own_sessions_without_what_continues_them() {
    let server = TestServer::start().await;
    let body = json!({ "email": Who::Viewer.email(), "password": Who::Viewer.token().unwrap() });
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let ask = server.post("/api/auth/login").json(&body);
    let ask = ask.header("user-agent", agent).peer("198.51.100.7");
    let first = ask.send().await.cookie_pair("ee_session").unwrap();
    let second = server.sign_in(Who::Viewer).await;
    server.sign_in(Who::Owner).await;

    let seen = list(&server, &second).await;

    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().all(|it| it["userId"] == "viewer"), "{seen:?}");
    let other = seen.iter().find(|it| it["isCurrent"] == false).unwrap();
    assert_eq!(other["address"], "198.51.100.7");
    assert!(
        other["device"].as_str().unwrap().contains("Firefox"),
        "{other}"
    );
    let text = json!(seen).to_string();
    for session in [&first, &second] {
        let secret = session.split_once('=').unwrap().1;
        assert!(!text.contains(secret));
    }
    // What names a session to people continues none.
    for it in &seen {
        let forged = format!("ee_session={}", it["id"].as_str().unwrap());
        assert!(!is_alive(&server, &forged).await);
    }
}

#[tokio::test]
async fn one_session_ends_and_the_others_go_on() {
    let server = TestServer::start().await;
    let [first, second, third] = [
        server.sign_in(Who::Viewer).await,
        server.sign_in(Who::Viewer).await,
        server.sign_in(Who::Viewer).await,
    ];
    let path = format!("/api/auth/sessions/{}", name(&server, &second).await);

    let ended = end(&server, &first, &path).await;

    assert_eq!(ended.json(), json!({ "ended": 1 }));
    assert!(is_alive(&server, &first).await && is_alive(&server, &third).await);
    assert!(!is_alive(&server, &second).await);
    end(&server, &first, &path)
        .await
        .assert_error(404, "not_found");

    let others = end(&server, &first, "/api/auth/sessions").await;
    assert_eq!(others.json(), json!({ "ended": 1 }));
    assert!(is_alive(&server, &first).await && !is_alive(&server, &third).await);
    // His own, too: then he is signed out.
    let path = format!("/api/auth/sessions/{}", name(&server, &first).await);
    assert_eq!(end(&server, &first, &path).await.code(), 200);
    assert!(!is_alive(&server, &first).await);
}

#[tokio::test]
async fn a_session_of_somebody_else_does_not_exist() {
    let server = TestServer::start().await;
    let owner = server.sign_in(Who::Owner).await;
    let viewer = server.sign_in(Who::Viewer).await;
    let foreign = format!("/api/auth/sessions/{}", name(&server, &owner).await);
    let unknown = format!("/api/auth/sessions/{}", "A".repeat(43));

    let refused = end(&server, &viewer, &foreign).await;
    let missing = end(&server, &viewer, &unknown).await;

    refused.assert_error(404, "not_found");
    assert_eq!(refused.json_without_id(), missing.json_without_id());
    assert!(is_alive(&server, &owner).await);
    for malformed in ["x", &"A".repeat(42), &"A".repeat(44), &"*".repeat(43)] {
        let path = format!("/api/auth/sessions/{malformed}");
        end(&server, &viewer, &path)
            .await
            .assert_error(400, "invalid");
    }
    for path in [
        "/api/access/sessions".to_owned(),
        "/api/access/sessions?userId=owner".to_owned(),
        foreign.replace("/auth/", "/access/"),
    ] {
        end(&server, &viewer, &path)
            .await
            .assert_error(403, "forbidden");
    }
    assert!(is_alive(&server, &owner).await);
    // The list shows nobody else's either, whatever the query says.
    let ask = server
        .get("/api/auth/sessions?userId=owner")
        .cookie(&viewer);
    ask.send().await.assert_error(400, "invalid");
}

#[tokio::test]
async fn an_administrator_ends_anybodys_sessions_at_once() {
    let server = TestServer::start().await;
    let admin = server.sign_in(Who::Admin).await;
    let [first, second] = [
        server.sign_in(Who::Owner).await,
        server.sign_in(Who::Owner).await,
    ];
    let named = format!("/api/access/sessions/{}", name(&server, &first).await);
    assert!(is_alive(&server, &first).await);

    assert_eq!(
        end(&server, &admin, &named).await.json(),
        json!({ "ended": 1 })
    );
    assert!(!is_alive(&server, &first).await && is_alive(&server, &second).await);
    end(&server, &admin, &named)
        .await
        .assert_error(404, "not_found");

    let all = "/api/access/sessions?userId=owner";
    assert_eq!(
        end(&server, &admin, all).await.json(),
        json!({ "ended": 1 })
    );
    assert!(!is_alive(&server, &second).await && is_alive(&server, &admin).await);
    for query in ["", "?userId=", "?user=owner", "?userId=owner&userId=viewer"] {
        let path = format!("/api/access/sessions{query}");
        end(&server, &admin, &path)
            .await
            .assert_error(400, "invalid");
    }
    let listed = server
        .get("/api/access/sessions")
        .cookie(&admin)
        .send()
        .await
        .json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn a_disabled_account_is_refused_at_once_and_its_sessions_stay_over() {
    for kind in KINDS {
        let server = start(kind).await;
        let ada = server.account("ada", &["viewer"]).await;
        let session = server.session_of(&ada).await;
        let body = json!({ "userId": "ada", "name": "Hers", "scopes": ["agents:read"] });
        let made = server
            .post("/api/access/keys")
            .by(Who::Owner)
            .json(&body)
            .send()
            .await;
        let key = made.json()["secret"].as_str().unwrap().to_owned();
        let codes = async || {
            let by_session = server
                .get("/api/agents")
                .cookie(&session)
                .send()
                .await
                .code();
            let by_key = server.get("/api/agents").bearer(&key).send().await.code();
            (by_session, by_key)
        };
        let set = async |status: &str, version: u64| {
            let ask = server
                .ask(Method::PATCH, "/api/access/users/ada")
                .by(Who::Admin);
            let ask = ask.if_match(version).json(&json!({ "status": status }));
            let answer = ask.send().await;
            assert_eq!(answer.code(), 200, "{}", answer.text());
        };

        assert_eq!(codes().await, (200, 200), "{kind:?}");
        set("disabled", 1).await;
        assert_eq!(codes().await, (401, 401), "{kind:?}");
        let refresh = server.post("/api/auth/refresh").cookie(&session);
        assert_eq!(refresh.send().await.code(), 401, "{kind:?}");
        set("active", 2).await;
        // The key was never taken back; the session began under other credentials.
        assert_eq!(codes().await, (401, 200), "{kind:?}");
        let ask = server
            .ask(Method::DELETE, "/api/access/users/ada")
            .by(Who::Owner);
        assert_eq!(ask.if_match(3).send().await.code(), 200, "{kind:?}");
        assert_eq!(codes().await, (401, 401), "{kind:?}");
    }
}

#[tokio::test]
async fn a_changed_credential_ends_the_sessions_that_began_before() {
    for kind in KINDS {
        let server = start(kind).await;
        let ada: UserId = server.account("ada", &["viewer"]).await;
        let before = server.session_of(&ada).await;
        assert!(is_alive(&server, &before).await);

        let mut account = AccountStore::find(&*server.store, &ada)
            .await
            .unwrap()
            .unwrap();
        account.credential_version += 1;
        let changed = AccountStore::update(&*server.store, account).await;
        assert_eq!(changed.unwrap(), Changed::Done, "{kind:?}");

        assert!(!is_alive(&server, &before).await, "{kind:?}");
        let after = server.session_of(&ada).await;
        assert!(is_alive(&server, &after).await, "{kind:?}");
    }
}

#[tokio::test]
async fn a_role_that_is_taken_is_gone_with_the_next_request() {
    let server = TestServer::start().await;
    let ada = server.account("ada", &["viewer", "admin"]).await;
    let session = server.session_of(&ada).await;
    let code = async || {
        let ask = server.get("/api/access/users").cookie(&session);
        ask.send().await.code()
    };
    assert_eq!(code().await, 200);

    let path = "/api/access/assignments?userId=ada&role=admin";
    let ask = server.ask(Method::DELETE, path).by(Who::Owner);
    assert_eq!(ask.send().await.code(), 200);

    assert_eq!(code().await, 403);
    assert!(is_alive(&server, &session).await);
}
