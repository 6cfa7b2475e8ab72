//! What forbids is not got rid of by whom it forbids something.

use ee::storage::Effect;
use http::Method;
use serde_json::json;
use server_tests::{TestServer, Who};

use crate::access_escalation::{grant, start, version};

#[tokio::test]
async fn whoever_is_denied_something_cannot_free_himself() {
    for subject in ["user:manager", "group:watched", "role:watched"] {
        for actions in [&["write"][..], &["*"], &["close"]] {
            let (server, callers) = start().await;
            server.role("watched", &[], &[]).await;
            server.assign(&"manager".parse().unwrap(), "watched").await;
            server.group("watched", &["manager"]).await;
            server
                .grant(subject, "agents/a2", actions, Effect::Deny)
                .await;
            let caller = &callers[1];
            let at = "resourceType=agents&resourceId=a2";
            let named = actions[0];
            let mut tries = vec![
                (
                    Method::DELETE,
                    format!("grants?subject={subject}&effect=deny&{at}"),
                ),
                (
                    Method::DELETE,
                    format!("grants?subject={subject}&effect=deny&actions={named}&{at}"),
                ),
            ];
            match subject {
                "group:watched" => tries.extend([
                    (
                        Method::DELETE,
                        "groups/watched/members?userId=manager".to_owned(),
                    ),
                    (Method::DELETE, "groups/watched".to_owned()),
                ]),
                "role:watched" => tries.extend([
                    (
                        Method::DELETE,
                        "assignments?userId=manager&role=watched".to_owned(),
                    ),
                    (Method::DELETE, "roles/watched".to_owned()),
                ]),
                _ => {}
            }
            for (method, path) in &tries {
                let path = format!("/api/access/{path}");
                let ask = server.ask(method.clone(), &path);
                let ask = ask.if_match(version(&server, &path).await);
                let answer = caller.shows(ask).send().await;
                assert_eq!(answer.code(), 403, "{actions:?} {path}: {}", answer.text());
            }
            let body = grant("user:somebody", "a2", actions, "allow");
            let ask = server.post("/api/access/grants").json(&body);
            assert_eq!(
                caller.shows(ask).send().await.code(),
                403,
                "{subject} {actions:?}"
            );

            // Whoever holds everything is not locked out by a denial.
            for (method, path) in &tries[..1] {
                let ask = server.ask(method.clone(), format!("/api/access/{path}"));
                let answer = ask.by(Who::Owner).send().await;
                assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_grant_on_agents_is_no_way_to_stored_agents() {
    let server = TestServer::start().await;
    server.agent("a1").await;
    let permissions = ["access:read", "access:write", "agents:write"];
    server.role("half", &permissions, &[]).await;
    let half = server.account("half", &["half"]).await;
    let session = server.session_of(&half).await;
    let body = grant("user:half", "a1", &["write"], "allow");

    for kind in ["agents", "stored-agents"] {
        let mut body = body.clone();
        body["resource"]["type"] = json!(kind);
        let ask = server
            .post("/api/access/grants")
            .cookie(&session)
            .json(&body);
        ask.send().await.assert_error(403, "forbidden");
    }
}
