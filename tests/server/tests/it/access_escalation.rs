//! Nobody grants what he does not hold, and nobody changes somebody who may do more than he.

use ee::storage::Effect;
use http::Method;
use serde_json::{Value, json};
use server_tests::{Ask, TestServer, Who};

/// What the default role `admin` holds, and the permission to delete accounts besides.
const MANAGER: [&str; 11] = [
    "*:read",
    "*:write",
    "*:execute",
    "*:create",
    "*:publish",
    "*:share",
    "audit:read",
    "audit:export",
    "access:read",
    "access:write",
    "access:delete",
];

/// Who tries, and what he shows.
pub(crate) enum Caller {
    Token(Who),
    Session(String),
    Key(String),
}

impl Caller {
    pub(crate) fn shows<'a>(&self, ask: Ask<'a>) -> Ask<'a> {
        match self {
            Self::Token(who) => ask.by(*who),
            Self::Session(pair) => ask.cookie(pair),
            Self::Key(key) => ask.bearer(key),
        }
    }
}

/// A server with an owner's account `chief`, an account `manager` who is no owner, and things beyond him.
pub(crate) async fn start() -> (TestServer, Vec<Caller>) {
    let server = TestServer::start().await;
    for agent in ["a1", "a2"] {
        server.agent(agent).await;
    }
    server.role("manager", &MANAGER, &[]).await;
    server.role("boss", &["*"], &[]).await;
    server.role("heir", &["agents:read"], &["boss"]).await;
    server.role("cleaner", &["agents:read"], &[]).await;
    server.account("chief", &["owner", "cleaner"]).await;
    let manager = server.account("manager", &["manager"]).await;
    server.account("somebody", &["viewer"]).await;
    server.account("retired", &["owner"]).await;
    server.account("trusted", &["viewer"]).await;
    server.group("bosses", &["chief"]).await;
    let (allow, deny) = (Effect::Allow, Effect::Deny);
    server
        .grant("group:bosses", "agents/a1", &["delete"], allow)
        .await;
    server
        .grant("role:cleaner", "agents/a1", &["delete"], allow)
        .await;
    server
        .grant("user:chief", "agents/a1", &["read"], allow)
        .await;
    server
        .grant("user:trusted", "agents/a1", &["delete"], allow)
        .await;
    server
        .grant("user:somebody", "agents/a1", &["delete"], deny)
        .await;
    let owner = |method, path: &str| server.ask(method, path).by(Who::Owner);
    let mapping = json!({ "mapping": { "org:boss": ["boss"] } });
    let set = owner(Method::PUT, "/api/access/role-mapping").json(&mapping);
    let set = set.if_match(server.revision().await).send().await;
    assert_eq!(set.code(), 200, "{}", set.text());
    // The account `retired` may not be used now, but it may again.
    let status = json!({ "status": "disabled" });
    let disabled = owner(Method::PATCH, "/api/access/users/retired").json(&status);
    assert_eq!(disabled.if_match(1).send().await.code(), 200);
    let body = json!({ "userId": "chief", "name": "A narrow key", "scopes": MANAGER });
    let key = owner(Method::POST, "/api/access/keys")
        .json(&body)
        .send()
        .await;
    let key = key.json()["secret"].as_str().unwrap().to_owned();
    let session = server.session_of(&manager).await;
    let callers = vec![
        Caller::Token(Who::Admin),
        Caller::Session(session),
        Caller::Key(key),
    ];
    (server, callers)
}

/// Everything that an attack could have changed.
async fn state(server: &TestServer) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "users",
        "roles",
        "role-mapping",
        "assignments",
        "groups",
        "groups/bosses/members",
        "grants?resourceType=agents&resourceId=a1",
        "grants?resourceType=agents&resourceId=a2",
    ] {
        let ask = server.get(format!("/api/access/{path}")).by(Who::Owner);
        let answer = ask.send().await;
        assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
        all.push(answer.json());
    }
    let keys = server
        .get("/api/access/keys")
        .by(Who::Owner)
        .send()
        .await
        .json();
    all.push(json!(keys["items"].as_array().unwrap().len()));
    all
}

/// Requests that would give somebody more than the caller has, or take something from somebody above him.
#[expect(clippy::too_many_lines, reason = "it is one list")]
fn attacks() -> Vec<(Method, String, Option<Value>)> {
    let mut all: Vec<(Method, String, Option<Value>)> = Vec::new();
    let mut add = |method: Method, path: &str, body: Value| {
        let body = (!body.is_null()).then_some(body);
        all.push((method, format!("/api/access/{path}"), body));
    };
    let (post, put, patch, delete) = (Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    for beyond in [
        "*",
        "*:*",
        "*:*:*",
        "*:delete",
        "agents:*",
        "agents:delete",
        "agents:delete:a1",
        "agents:*:a1",
        "stored:*",
        "access:*",
        "audit:*",
        "license:read",
        "anything",
    ] {
        let role = json!({ "name": "Mine", "permissions": ["agents:read", beyond] });
        add(put.clone(), "roles/mine", role.clone());
        add(put.clone(), "roles/cleaner", role);
        let key = json!({ "name": "Mine", "scopes": ["agents:read", beyond] });
        add(post.clone(), "keys", key);
    }
    for beyond in ["owner", "boss", "heir", "cleaner"] {
        let role = json!({ "name": "Mine", "permissions": [], "inherits": [beyond] });
        add(put.clone(), "roles/mine", role);
        for user in ["somebody", "manager", "admin", "chief", "nobody-yet"] {
            let body = json!({ "userId": user, "role": beyond });
            add(post.clone(), "assignments", body);
        }
        let mapping = json!({ "mapping": { "org:boss": ["boss"], "org:admin": [beyond] } });
        add(put.clone(), "role-mapping", mapping);
        let user = json!({ "kind": "service", "name": "Puppet", "roles": ["viewer", beyond] });
        add(post.clone(), "users", user);
    }
    // What is there already is as far away, also to make it less.
    for role in ["boss", "heir", "cleaner"] {
        let less = json!({ "name": "Less", "permissions": ["agents:read"] });
        add(put.clone(), &format!("roles/{role}"), less);
        add(delete.clone(), &format!("roles/{role}"), Value::Null);
    }
    add(put.clone(), "role-mapping", json!({ "mapping": {} }));
    add(
        put,
        "role-mapping",
        json!({ "mapping": { "org:boss": ["viewer"] } }),
    );
    for role in ["owner", "cleaner"] {
        let path = format!("assignments?userId=chief&role={role}");
        add(delete.clone(), &path, Value::Null);
    }
    for user in ["somebody", "manager", "admin", "chief"] {
        let body = json!({ "userId": user });
        add(post.clone(), "groups/bosses/members", body);
    }
    add(
        delete.clone(),
        "groups/bosses/members?userId=chief",
        Value::Null,
    );
    add(delete.clone(), "groups/bosses", Value::Null);
    for user in ["chief", "retired", "trusted"] {
        let path = format!("users/{user}");
        for change in [
            json!({ "status": "disabled" }),
            json!({ "status": "active" }),
            json!({ "email": "mine@example.com" }),
            json!({ "name": "Somebody else" }),
        ] {
            add(patch.clone(), &path, change);
        }
        add(delete.clone(), &path, Value::Null);
        let key = json!({ "userId": user, "name": "His", "scopes": ["agents:read"] });
        add(post.clone(), "keys", key);
        let deny = grant(&format!("user:{user}"), "a2", &["read"], "deny");
        add(post.clone(), "grants", deny);
    }
    for subject in [
        "user:somebody",
        "user:manager",
        "role:viewer",
        "group:bosses",
    ] {
        for actions in [&["delete"][..], &["read", "delete"], &["*"]] {
            add(
                post.clone(),
                "grants",
                grant(subject, "a1", actions, "allow"),
            );
        }
    }
    add(
        post.clone(),
        "grants",
        grant("group:bosses", "a2", &["read"], "deny"),
    );
    add(
        post,
        "grants",
        grant("role:cleaner", "a2", &["read"], "deny"),
    );
    let at = "resourceType=agents&resourceId=a1";
    for query in [
        format!("subject=user:chief&{at}"),
        format!("subject=group:bosses&{at}"),
        format!("subject=role:cleaner&{at}"),
        format!("subject=user:somebody&effect=deny&{at}"),
        format!("subject=user:somebody&effect=deny&actions=delete&{at}"),
        format!("subject=user:somebody&effect=deny&actions=*&{at}"),
    ] {
        add(delete.clone(), &format!("grants?{query}"), Value::Null);
    }
    all
}

pub(crate) fn grant(subject: &str, id: &str, actions: &[&str], effect: &str) -> Value {
    let (kind, who) = subject.split_once(':').unwrap();
    json!({
        "subject": { "type": kind, "id": who },
        "resource": { "type": "agents", "id": id },
        "actions": actions,
        "effect": effect,
    })
}

/// The version that the target has, so that nothing is refused for another reason.
pub(crate) async fn version(server: &TestServer, path: &str) -> u64 {
    if path.contains("/role") {
        return server.revision().await;
    }
    let thing = path.split('?').next().unwrap();
    let ask = server.get(thing).by(Who::Owner).send().await;
    ask.json()["version"].as_u64().unwrap_or(1)
}

#[tokio::test]
async fn nobody_grants_what_he_does_not_hold() {
    let (server, callers) = start().await;
    let before = state(&server).await;

    for (number, caller) in callers.iter().enumerate() {
        for (method, path, body) in attacks() {
            let what = format!("{number}: {method} {path} {body:?}");
            let mut ask = server
                .ask(method, &path)
                .if_match(version(&server, &path).await);
            if let Some(body) = &body {
                ask = ask.json(body);
            }
            let answer = caller.shows(ask).send().await;
            assert_eq!(answer.code(), 403, "{what}: {}", answer.text());
            answer.assert_error(403, "forbidden");
        }
        assert_eq!(state(&server).await, before, "{number}");
    }
}

#[tokio::test]
async fn whoever_holds_it_may_hand_it_on() {
    let (server, callers) = start().await;
    let caller = &callers[1];
    let send = async |method: Method, path: &str, body: Value| {
        let path = format!("/api/access/{path}");
        let ask = server
            .ask(method, &path)
            .if_match(version(&server, &path).await);
        let ask = if body.is_null() { ask } else { ask.json(&body) };
        let answer = caller.shows(ask).send().await;
        assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
        answer.json()
    };
    let role = json!({ "name": "Mine", "permissions": ["*:write"], "inherits": ["member"] });
    let body = json!({ "userId": "somebody", "role": "mine" });
    let allowed = grant(
        "user:somebody",
        "a1",
        &["read", "write", "execute"],
        "allow",
    );
    let denied = grant("user:somebody", "a1", &["read"], "deny");

    send(Method::PUT, "roles/mine", role).await;
    send(Method::POST, "assignments", body).await;
    send(Method::POST, "grants", allowed).await;
    send(Method::POST, "grants", denied).await;
    let query = "grants?subject=user:somebody&resourceType=agents&resourceId=a1";
    send(
        Method::DELETE,
        &format!("{query}&effect=deny&actions=read"),
        Value::Null,
    )
    .await;
    send(Method::DELETE, query, Value::Null).await;
    send(
        Method::DELETE,
        "assignments?userId=somebody&role=mine",
        Value::Null,
    )
    .await;
    send(Method::DELETE, "roles/mine", Value::Null).await;
    send(
        Method::PATCH,
        "users/somebody",
        json!({ "name": "Some Body" }),
    )
    .await;
    send(Method::DELETE, "users/somebody", Value::Null).await;
}
