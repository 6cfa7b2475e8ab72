//! The page of one's own account: sessions that are seen and ended, and texts of strangers on it.

use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, TestServer, Who};

use crate::studio::start;

const FORM: &str = "application/x-www-form-urlencoded";
const ACCOUNT: &str = "/studio/account";

async fn sign_in_with(server: &TestServer, who: Who, user_agent: &str) -> String {
    let body = json!({ "email": who.email(), "password": who.token().unwrap() });
    let ask = server.post("/api/auth/login").json(&body);
    let answer = ask.header("user-agent", user_agent).send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer.cookie_pair("ee_session").unwrap()
}

async fn page(server: &TestServer, session: &str) -> Answer {
    let answer = server.get(ACCOUNT).cookie(session).send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer
}

async fn send(server: &TestServer, session: &str, target: &str) -> Answer {
    let ask = server.post(target).cookie(session).body(FORM, "");
    ask.send().await
}

/// Tells whether a session goes on, without being led to a sign-in page.
async fn is_alive(server: &TestServer, session: &str) -> bool {
    let answer = server.get(ACCOUNT).cookie(session).send().await;
    assert!(matches!(answer.code(), 200 | 303), "{}", answer.status);
    answer.code() == 200
}

/// Returns the name of the session that asks, as the API tells it.
async fn name(server: &TestServer, session: &str) -> String {
    let answer = server.get("/api/auth/sessions").cookie(session).send();
    let list = answer.await.json();
    let items = list["items"].as_array().unwrap().clone();
    let current = items.into_iter().find(|it: &Value| it["isCurrent"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_is_listed_by_what_it_says_and_nothing_of_that_runs() {
    let server = start().await;
    let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let session = sign_in_with(&server, Who::Viewer, hostile).await;
    sign_in_with(&server, Who::Viewer, "curl/8.9.1").await;

    let text = page(&server, &session).await.text();

    assert!(text.contains("curl") && text.contains("This browser"));
    assert!(text.contains("&lt;script&gt;"), "{text}");
    assert!(!text.contains("<script>") && !text.contains("<img"));
    let secret = session.split_once('=').unwrap().1;
    assert!(!text.contains(secret), "the page shows a session");
    // The tokens of the configuration have no password and no second step.
    assert!(!text.contains("type=\"password\"") && !text.contains("Two-step"));
}

#[tokio::test]
async fn people_end_their_own_sessions_and_no_others() {
    let server = start().await;
    let [own, other, third] = [
        server.sign_in(Who::Viewer).await,
        server.sign_in(Who::Viewer).await,
        server.sign_in(Who::Viewer).await,
    ];
    let owners = server.sign_in(Who::Owner).await;
    let of = |name: String| format!("{ACCOUNT}/sessions/{name}/end");

    let foreign = send(&server, &own, &of(name(&server, &owners).await)).await;
    assert_eq!(foreign.location(), "/studio/account?done=session");
    assert!(is_alive(&server, &owners).await, "somebody else's session");
    let malformed = send(&server, &own, &of("x".to_owned())).await;
    assert_eq!(malformed.code(), 400);

    server.audit.take();
    let ended = send(&server, &own, &of(name(&server, &other).await)).await;
    assert_eq!(
        (ended.code(), ended.location()),
        (303, "/studio/account?done=session")
    );
    let event = server.audit.take_one();
    assert_eq!(event.action.as_str(), "auth.session.revoke");
    assert!(!is_alive(&server, &other).await);
    assert!(is_alive(&server, &third).await);

    let ended = send(&server, &own, "/studio/account/end-other-sessions").await;
    assert_eq!(ended.location(), "/studio/account?done=sessions");
    assert!(is_alive(&server, &own).await && !is_alive(&server, &third).await);
    assert!(is_alive(&server, &owners).await);
}

#[tokio::test]
async fn a_key_and_a_token_end_no_session_of_a_person() {
    let server = start().await;
    let session = server.sign_in(Who::Viewer).await;

    let bearer = server.get(ACCOUNT).by(Who::Viewer).send().await;
    assert_eq!(bearer.code(), 200);
    assert!(!bearer.text().contains("This browser"));
    for target in ["/studio/account/password", "/studio/account/totp"] {
        let answer = server
            .ask(Method::POST, target)
            .by(Who::Viewer)
            .body(FORM, "current_password=x&new_password=y")
            .send()
            .await;
        assert!(
            matches!(answer.code(), 403 | 404),
            "{target}: {}",
            answer.status
        );
    }
    assert!(is_alive(&server, &session).await);
}
