//! `X-EE-On-Behalf-Of`: a program acts for a user, and neither of the two gains anything.

use ee::{
    AuditEvent,
    server::Op,
    storage::{Changed, Effect},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{Answer, Ask, Call, Setup, TestServer, Who};

pub(crate) const HEADER: &str = "x-ee-on-behalf-of";

pub(crate) async fn try_make(server: &TestServer, who: Who, body: &Value) -> Answer {
    let ask = server.post("/api/access/keys").by(who).json(body);
    ask.send().await
}

/// Makes a key of the account `robot`, by the owner, and returns its secret and its id.
pub(crate) async fn key(
    server: &TestServer,
    scopes: &[&str],
    may_act_for: &[&str],
) -> (String, String) {
    let body = json!({
        "userId": "robot", "name": "Robot", "scopes": scopes, "mayActFor": may_act_for,
    });
    let answer = try_make(server, Who::Owner, &body).await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["key"]["mayActFor"], json!(may_act_for));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&json["secret"]), text(&json["key"]["id"]))
}

pub(crate) async fn patch(server: &TestServer, who: Who, id: &str, body: &Value) -> Answer {
    let path = format!("/api/access/keys/{id}");
    let seen = server.get(&path).by(Who::Owner).send().await.json();
    let version = seen["version"].as_u64().unwrap();
    let ask = server.ask(Method::PATCH, path).by(who).if_match(version);
    ask.json(body).send().await
}

fn ask<'a>(server: &'a TestServer, path: &str, key: &str, user: &str) -> Ask<'a> {
    server.get(path).bearer(key).header(HEADER, user)
}

pub(crate) async fn code(server: &TestServer, path: &str, key: &str, user: &str) -> u16 {
    ask(server, path, key, user).send().await.code()
}

/// A robot that may ask agents and read conversations, and people.
pub(crate) async fn start() -> TestServer {
    let server = TestServer::start().await;
    server
        .role("helper", &["*:read", "*:execute", "memory:*"], &[])
        .await;
    server.account("robot", &["helper"]).await;
    server.account("ada", &["helper"]).await;
    server.account("eve", &["viewer"]).await;
    server
}

#[tokio::test]
async fn a_key_acts_for_the_users_that_it_names() {
    let server = start().await;
    let (key, id) = key(&server, &["*:read", "*:execute", "memory:*"], &["ada"]).await;

    let me = ask(&server, "/api/auth/me", &key, "ada")
        .send()
        .await
        .json();
    assert_eq!(me["id"], "ada");
    let own = server.get("/api/auth/me").bearer(&key).send().await.json();
    assert_eq!(own["id"], "robot");

    // What is made belongs to the user.
    let body = json!({ "messages": "Hello", "memory": { "thread": "talk" } });
    let generate = server.post("/api/agents/writer/generate").bearer(&key);
    server.audit.take();
    let generate = generate.header(HEADER, "ada").json(&body).send().await;
    assert_eq!(generate.code(), 200, "{}", generate.text());
    let event = server.audit.take_one();
    assert_eq!(event.actor.id, "ada");
    assert_eq!(
        (&event.metadata["actedBy"], &event.metadata["keyId"]),
        (&json!("robot"), &json!(id))
    );
    let ada = server.session_of(&"ada".parse().unwrap()).await;
    let talk = server
        .get("/api/memory/threads/talk")
        .cookie(&ada)
        .send()
        .await;
    assert_eq!(talk.code(), 200, "{}", talk.text());
    assert_eq!(
        code(&server, "/api/memory/threads/talk", &key, "ada").await,
        200
    );
    let robots = server
        .get("/api/memory/threads/talk")
        .bearer(&key)
        .send()
        .await;
    assert_eq!(robots.code(), 404);
}

#[tokio::test]
async fn whoever_is_not_named_unknown_or_disabled_is_refused_in_the_same_words() {
    let server = start().await;
    let (key, _) = key(&server, &["agents:read"], &["ada", "eve"]).await;
    let body = json!({ "status": "disabled" });
    let off = server
        .ask(Method::PATCH, "/api/access/users/eve")
        .by(Who::Owner)
        .if_match(1);
    assert_eq!(off.json(&body).send().await.code(), 200);
    server.audit.take();

    let mut answers = Vec::new();
    for user in [
        "eve",
        "owner",
        "nobody-at-all",
        "robot",
        "ADA",
        "ada ",
        "",
        "*",
        "ada,eve",
        "\u{e4}da",
    ] {
        if user.trim() == "ada" {
            continue;
        }
        let answer = ask(&server, "/api/agents", &key, user).send().await;
        answer.assert_error(403, "forbidden");
        let event = server.audit.take_one();
        assert_eq!(
            (event.actor.id.as_str(), event.outcome),
            ("robot", ee::AuditOutcome::Denied)
        );
        assert!(event.metadata.contains_key("keyId") && !event.metadata.contains_key("actedBy"));
        answers.push(answer.json_without_id());
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:#?}"
    );
    assert_eq!(code(&server, "/api/agents", &key, "ada").await, 200);
    let twice = ask(&server, "/api/agents", &key, "ada").header(HEADER, "ada");
    twice.send().await.assert_error(400, "invalid");
}

#[tokio::test]
async fn without_a_key_nobody_acts_for_anybody() {
    let server = start().await;
    let session = server.sign_in(Who::Owner).await;
    for ask in [
        server.get("/api/agents").cookie(&session),
        server.get("/api/agents").by(Who::Owner),
        server.get("/api/auth/me").by(Who::Owner),
    ] {
        let answer = ask.header(HEADER, "ada").send().await;
        answer.assert_error(403, "forbidden");
        assert_eq!(
            answer.json()["message"],
            "`x-ee-on-behalf-of` needs an API key"
        );
    }
    let anonymous = server.get("/api/agents").header(HEADER, "ada").send().await;
    anonymous.assert_error(401, "unauthenticated");
    let me = server
        .get("/api/auth/me")
        .header(HEADER, "ada")
        .send()
        .await;
    assert_eq!((me.code(), me.text().as_str()), (200, "null"));
    let wrong = ask(&server, "/api/agents", "ee_dev_x_y", "ada")
        .send()
        .await;
    wrong.assert_error(401, "unauthenticated");
    // A cookie beside the key changes nothing.
    let (key, _) = key(&server, &["agents:read"], &["ada"]).await;
    let both = ask(&server, "/api/auth/me", &key, "ada")
        .cookie(&session)
        .send()
        .await;
    assert_eq!(both.json()["id"], "ada");
}

#[tokio::test]
async fn delegation_adds_nothing_to_user_key_or_robot() {
    let server = start().await;
    server.account("chief", &["owner"]).await;
    // The key gets more than its owner has later.
    let robot = "robot".parse().unwrap();
    server.assign(&robot, "admin").await;
    let scopes = ["*:read", "agents:execute", "access:read"];
    let (key, _) = key(&server, &scopes, &["chief", "eve", "ada"]).await;
    let admin = "admin".parse().unwrap();
    let taken = server.access.rbac.unassign(&robot, &admin).await;
    assert_eq!(taken.unwrap(), Changed::Done);
    let body = json!({ "messages": "Hello" });
    let generate = async |user: &str| {
        let ask = server.post("/api/agents/writer/generate").bearer(&key);
        ask.header(HEADER, user).json(&body).send().await.code()
    };

    // The user may not, the robot may.
    assert_eq!(generate("eve").await, 403);
    assert_eq!(generate("ada").await, 200);
    assert_eq!(generate("chief").await, 200);
    // The user and the key may, the robot may not.
    assert_eq!(code(&server, "/api/access/users", &key, "chief").await, 403);
    // The user and the robot may, the key may not.
    let run = server
        .post("/api/workflows/briefing/create-run")
        .bearer(&key);
    assert_eq!(run.header(HEADER, "ada").send().await.code(), 403);
    // What is forbidden to the robot alone, or to the user alone, is forbidden to both together.
    server
        .grant("user:robot", "agents/writer", &["read"], Effect::Deny)
        .await;
    server
        .grant("user:ada", "agents/reviewer", &["read"], Effect::Deny)
        .await;
    let list = ask(&server, "/api/agents", &key, "ada").send().await.json();
    assert_eq!(
        list.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["researcher"]
    );
    for (agent, expected) in [("writer", 403), ("reviewer", 403), ("researcher", 200)] {
        assert_eq!(
            code(&server, &format!("/api/agents/{agent}"), &key, "ada").await,
            expected
        );
    }
    // What is shown is no more than that.
    for path in ["/api/auth/me", "/api/auth/capabilities"] {
        let json = ask(&server, path, &key, "chief").send().await.json();
        let shown = json
            .pointer("/access/permissions")
            .unwrap_or(&json["permissions"]);
        assert_eq!(*shown, json!(["*:read", "agents:execute"]), "{json}");
        assert_eq!(json["availableRoles"], Value::Null);
    }
    // The person himself is out of reach.
    for (method, path) in [
        (Method::GET, "/api/auth/sessions"),
        (Method::DELETE, "/api/auth/sessions"),
    ] {
        let ask = server.ask(method, path).bearer(&key).header(HEADER, "ada");
        ask.send().await.assert_error(403, "forbidden");
    }
    let preview = ask(&server, "/api/agents", &key, "chief").header("x-ee-preview-role", "viewer");
    preview.send().await.assert_error(403, "forbidden");
}

#[tokio::test]
async fn it_ends_with_whatever_it_rests_on() {
    let server = start().await;
    let (key, id) = key(&server, &["agents:read"], &["ada", "eve"]).await;
    assert_eq!(code(&server, "/api/agents", &key, "ada").await, 200);

    let change = json!({ "mayActFor": ["eve"] });
    assert_eq!(patch(&server, Who::Owner, &id, &change).await.code(), 200);
    assert_eq!(code(&server, "/api/agents", &key, "ada").await, 403);
    assert_eq!(code(&server, "/api/agents", &key, "eve").await, 200);

    let path = "/api/access/assignments?userId=robot&role=helper";
    let taken = server.ask(Method::DELETE, path).by(Who::Owner).send().await;
    assert_eq!(taken.code(), 200, "{}", taken.text());
    assert_eq!(code(&server, "/api/agents", &key, "eve").await, 403);

    server.assign(&"robot".parse().unwrap(), "helper").await;
    assert_eq!(code(&server, "/api/agents", &key, "eve").await, 200);
    server.clock.advance(SignedDuration::from_hours(90 * 24));
    assert_eq!(code(&server, "/api/agents", &key, "eve").await, 401);
}

#[tokio::test]
async fn its_streams_end_as_well() {
    for cause in ["list", "user", "robot", "key"] {
        let server = Setup::loopback().word_delay(100).start().await;
        server.account("robot", &["member"]).await;
        server.account("ada", &["member"]).await;
        let (key, id) = key(&server, &["agents:execute"], &["ada"]).await;
        let stream = server.post("/api/agents/writer/stream").bearer(&key);
        let body = json!({ "messages": "word ".repeat(100) });
        let mut open = stream.header(HEADER, "ada").json(&body).open().await;
        open.until("text-delta").await;

        let off = json!({ "status": "disabled" });
        let user = |name: &str| {
            let ask = server.ask(Method::PATCH, format!("/api/access/users/{name}"));
            ask.by(Who::Owner).if_match(1).json(&off).send()
        };
        let done = match cause {
            "list" => patch(&server, Who::Owner, &id, &json!({ "mayActFor": [] })).await,
            "user" => user("ada").await,
            "robot" => user("robot").await,
            _ => {
                let ask = server.ask(Method::DELETE, format!("/api/access/keys/{id}"));
                ask.by(Who::Owner).send().await
            }
        };
        assert_eq!(done.code(), 200, "{}", done.text());

        let text = open.to_end_within(std::time::Duration::from_secs(1)).await;
        assert!(text.contains("\"type\":\"error\""), "{cause}: {text}");
        let events = server.audit.take();
        let revoked = |event: &&AuditEvent| event.action.as_str() == "auth.access.revoked";
        let event = events.iter().find(revoked).unwrap();
        assert_eq!(
            (event.actor.id.as_str(), &event.metadata["actedBy"]),
            ("ada", &json!("robot"))
        );
    }
}

#[tokio::test]
async fn the_record_names_the_key_also_when_it_acts_for_nobody() {
    let server = start().await;
    let (key, id) = key(&server, &["agents:read", "memory:*"], &[]).await;
    server.audit.take();

    let call = Call::prepare(&server, Op::CreateThread, Who::Owner).await;
    assert_eq!(call.ask(&server).bearer(&key).send().await.code(), 200);
    let event = server.audit.take_one();
    assert_eq!(
        (event.actor.id.as_str(), &event.metadata["keyId"]),
        ("robot", &json!(id))
    );
    assert!(!event.metadata.contains_key("actedBy"));

    let refused = server.get("/api/workflows").bearer(&key).send().await;
    refused.assert_error(403, "forbidden");
    assert_eq!(server.audit.take_one().metadata["keyId"], json!(id));
}
