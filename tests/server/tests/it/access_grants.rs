//! Grants on single things, as requests meet them.

use ee::{Clock as _, storage::Effect};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{TestServer, Who};

const THING: &str = "resourceType=agents&resourceId=a1";

/// A server with two agents beside the samples and an account that has a role.
async fn start(roles: &[&str]) -> (TestServer, String) {
    let server = TestServer::start().await;
    for agent in ["a1", "a2"] {
        server.agent(agent).await;
    }
    let ada = server.account("ada", roles).await;
    let session = server.session_of(&ada).await;
    (server, session)
}

async fn write(server: &TestServer, session: &str, agent: &str) -> u16 {
    let ask = server.ask(Method::PATCH, format!("/api/stored/agents/{agent}"));
    let ask = ask
        .cookie(session)
        .json(&json!({ "description": "Changed" }));
    ask.send().await.code()
}

async fn read(server: &TestServer, session: &str, agent: &str) -> u16 {
    let ask = server.get(format!("/api/agents/{agent}")).cookie(session);
    ask.send().await.code()
}

async fn grant(server: &TestServer, subject: &str, actions: &[&str], more: Value) {
    let (kind, id) = subject.split_once(':').unwrap();
    let mut body = json!({
        "subject": { "type": kind, "id": id },
        "resource": { "type": "agents", "id": "a1" },
        "actions": actions,
    });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let ask = server.post("/api/access/grants").by(Who::Owner).json(&body);
    let answer = ask.send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
}

async fn revoke(server: &TestServer, subject: &str, query: &str) {
    let path = format!("/api/access/grants?subject={subject}&{THING}{query}");
    let ask = server.ask(Method::DELETE, path).by(Who::Owner);
    let answer = ask.send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
}

/// The ids of the agents that a list shows, as agents and as stored agents.
async fn listed(server: &TestServer, session: &str) -> [Vec<String>; 2] {
    let agents = server.get("/api/agents").cookie(session).send().await;
    assert_eq!(agents.code(), 200, "{}", agents.text());
    let agents = agents.json().as_object().unwrap().keys().cloned().collect();
    let stored = server
        .get("/api/stored/agents?perPage=100")
        .cookie(session)
        .send()
        .await;
    assert_eq!(stored.code(), 200, "{}", stored.text());
    let stored = stored.json();
    let rows = stored["agents"].as_array().unwrap().iter();
    let mut ids: Vec<String> = rows
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(stored["total"], ids.len());
    ids.sort();
    [agents, ids]
}

#[tokio::test]
async fn a_viewer_with_a_grant_changes_exactly_that_agent_with_the_next_request() {
    let (server, session) = start(&["viewer"]).await;
    assert_eq!(write(&server, &session, "a1").await, 403);

    grant(&server, "user:ada", &["write"], json!({})).await;

    assert_eq!(write(&server, &session, "a1").await, 200);
    for other in ["a2", "writer", "a1x", "A1", "unknown"] {
        assert_eq!(write(&server, &session, other).await, 403, "{other}");
    }
    let delete = server
        .ask(Method::DELETE, "/api/stored/agents/a1")
        .cookie(&session);
    assert_eq!(delete.send().await.code(), 403);
    let create = server.post("/api/stored/agents").cookie(&session);
    let create = create.json(&json!({ "name": "Mine", "instructions": "Say little." }));
    assert_eq!(create.send().await.code(), 403);

    revoke(&server, "user:ada", "&actions=write").await;
    assert_eq!(write(&server, &session, "a1").await, 403);
    let again = format!("/api/access/grants?subject=user:ada&{THING}");
    let again = server
        .ask(Method::DELETE, again)
        .by(Who::Owner)
        .send()
        .await;
    again.assert_error(404, "not_found");
}

#[tokio::test]
async fn a_grant_reaches_somebody_through_his_groups_and_roles() {
    for subject in ["group:ops", "role:watcher", "role:base"] {
        let (server, session) = start(&["viewer"]).await;
        server.role("base", &[], &[]).await;
        server.role("watcher", &[], &["base"]).await;
        server.group("ops", &[]).await;
        grant(&server, subject, &["write"], json!({})).await;
        assert_eq!(write(&server, &session, "a1").await, 403, "{subject}");
        let join = |method: Method| match subject {
            "group:ops" if method == Method::POST => {
                let ask = server.post("/api/access/groups/ops/members");
                ask.json(&json!({ "userId": "ada" }))
            }
            "group:ops" => server.ask(method, "/api/access/groups/ops/members?userId=ada"),
            _ if method == Method::POST => {
                let ask = server.post("/api/access/assignments");
                ask.json(&json!({ "userId": "ada", "role": "watcher" }))
            }
            _ => server.ask(method, "/api/access/assignments?userId=ada&role=watcher"),
        };

        let joined = join(Method::POST).by(Who::Owner).send().await;
        assert_eq!(joined.code(), 200, "{}", joined.text());
        assert_eq!(write(&server, &session, "a1").await, 200, "{subject}");
        assert_eq!(write(&server, &session, "a2").await, 403, "{subject}");
        assert_eq!(join(Method::DELETE).by(Who::Owner).send().await.code(), 200);
        assert_eq!(write(&server, &session, "a1").await, 403, "{subject}");
    }
}

#[tokio::test]
async fn what_forbids_beats_everything_that_permits() {
    for subject in ["user:ada", "group:ops", "role:owner"] {
        let (server, session) = start(&["owner"]).await;
        server.group("ops", &["ada"]).await;
        grant(&server, "user:ada", &["read", "write"], json!({})).await;
        assert_eq!(read(&server, &session, "a1").await, 200);

        grant(&server, subject, &["read"], json!({ "effect": "deny" })).await;

        assert_eq!(read(&server, &session, "a1").await, 403, "{subject}");
        let stored = server.get("/api/stored/agents/a1").cookie(&session);
        assert_eq!(stored.send().await.code(), 403, "{subject}");
        assert_eq!(write(&server, &session, "a1").await, 200, "{subject}");
        assert_eq!(read(&server, &session, "a2").await, 200, "{subject}");

        grant(&server, subject, &["*"], json!({ "effect": "deny" })).await;
        assert_eq!(write(&server, &session, "a1").await, 403, "{subject}");

        revoke(&server, subject, "&effect=deny").await;
        assert_eq!(read(&server, &session, "a1").await, 200, "{subject}");
        assert_eq!(write(&server, &session, "a1").await, 200, "{subject}");
    }
}

#[tokio::test]
async fn a_grant_ends_when_it_says() {
    let (server, session) = start(&[]).await;
    let end = server.clock.now() + SignedDuration::from_mins(10);
    let until = json!({ "expiresAt": end });
    grant(&server, "user:ada", &["read"], until.clone()).await;
    let mut deny = until;
    deny["effect"] = json!("deny");
    grant(&server, "role:owner", &["read"], deny).await;
    let owner = async || {
        let ask = server.get("/api/agents/a1").by(Who::Owner);
        ask.send().await.code()
    };

    server.clock.advance(SignedDuration::from_secs(599));
    assert_eq!(
        (read(&server, &session, "a1").await, owner().await),
        (200, 403)
    );
    server.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(
        (read(&server, &session, "a1").await, owner().await),
        (403, 200)
    );
}

#[tokio::test]
async fn a_list_shows_exactly_what_may_be_read() {
    let (server, session) = start(&[]).await;
    let refused = server.get("/api/agents").cookie(&session).send().await;
    refused.assert_error(403, "forbidden");
    let mut expected: Vec<&str> = Vec::new();

    for (number, agent) in ["writer", "a1", "reviewer", "a2"].into_iter().enumerate() {
        let thing = format!("agents/{agent}");
        let subject = ["user:ada", "group:ops"][number % 2];
        if number == 1 {
            server.group("ops", &["ada"]).await;
        }
        server
            .grant(subject, &thing, &["read"], Effect::Allow)
            .await;
        expected.push(agent);
        expected.sort_unstable();
        for list in listed(&server, &session).await {
            assert_eq!(list, expected);
        }
    }
    // Who may write it need not see it.
    server
        .grant("user:ada", "agents/researcher", &["write"], Effect::Allow)
        .await;
    server
        .grant("group:ops", "agents/a1", &["read"], Effect::Deny)
        .await;
    expected.retain(|id| *id != "a1");
    for list in listed(&server, &session).await {
        assert_eq!(list, expected);
    }
    // A grant on something that is not there shows nothing.
    server
        .grant("user:ada", "agents/ghost", &["read"], Effect::Allow)
        .await;
    for list in listed(&server, &session).await {
        assert_eq!(list, expected);
    }
}

#[tokio::test]
async fn a_list_leaves_out_what_is_forbidden_to_whoever_may_read_everything_else() {
    for role in ["owner", "viewer"] {
        let (server, session) = start(&[role]).await;
        let all = ["a1", "a2", "researcher", "reviewer", "writer"];
        for list in listed(&server, &session).await {
            assert_eq!(list, all, "{role}");
        }

        server
            .grant("user:ada", "agents/a1", &["read"], Effect::Deny)
            .await;

        let rest = &all[1..];
        let [agents, stored] = listed(&server, &session).await;
        assert_eq!(stored, rest, "{role}");
        assert_eq!(agents, rest, "{role}");
        // Nobody else's list has changed.
        let owner = server.get("/api/agents").by(Who::Owner).send().await.json();
        assert_eq!(owner.as_object().unwrap().len(), all.len());
    }
}

#[tokio::test]
async fn workflows_are_granted_one_by_one_as_well() {
    let (server, session) = start(&[]).await;
    let all = server
        .get("/api/workflows")
        .by(Who::Owner)
        .send()
        .await
        .json();
    let id = all.as_object().unwrap().keys().next().unwrap().clone();
    let get = async |path: String| server.get(path).cookie(&session).send().await;
    assert_eq!(get("/api/workflows".to_owned()).await.code(), 403);

    server
        .grant(
            "user:ada",
            &format!("workflows/{id}"),
            &["read"],
            Effect::Allow,
        )
        .await;

    let list = get("/api/workflows".to_owned()).await.json();
    assert_eq!(list.as_object().unwrap().keys().collect::<Vec<_>>(), [&id]);
    assert_eq!(get(format!("/api/workflows/{id}")).await.code(), 200);
    let run = server
        .post(format!("/api/workflows/{id}/create-run"))
        .cookie(&session);
    assert_eq!(run.json(&json!({})).send().await.code(), 403);
}

#[tokio::test]
async fn a_sensitive_resource_is_not_granted_thing_by_thing() {
    let server = TestServer::start().await;

    for (kind, id, field) in [
        ("access", "users", "resource.type"),
        ("audit", "x", "resource.type"),
        ("license", "x", "resource.type"),
        ("*", "a1", "resource.type"),
        ("", "a1", "resource.type"),
        ("agents", "*", "resource.id"),
        ("agents", "", "resource.id"),
    ] {
        let body = json!({
            "subject": { "type": "user", "id": "ada" },
            "resource": { "type": kind, "id": id },
            "actions": ["read"],
        });
        let ask = server.post("/api/access/grants").by(Who::Owner).json(&body);
        let answer = ask.send().await;
        assert_eq!(answer.code(), 400, "{kind} {id}: {}", answer.text());
        assert_eq!(answer.json()["issues"][0]["field"], field, "{kind} {id}");
    }
}

#[tokio::test]
async fn a_deleted_role_or_group_takes_its_grants_with_it() {
    let (server, session) = start(&["viewer"]).await;
    server.role("watcher", &[], &[]).await;
    server.assign(&"ada".parse().unwrap(), "watcher").await;
    server.group("ops", &["ada"]).await;

    for (subject, path) in [
        ("role:watcher", "roles/watcher"),
        ("group:ops", "groups/ops"),
    ] {
        grant(&server, subject, &["write"], json!({})).await;
        assert_eq!(write(&server, &session, "a1").await, 200, "{subject}");
        let version = if path.starts_with("roles") {
            server.revision().await
        } else {
            1
        };
        let ask = server.ask(Method::DELETE, format!("/api/access/{path}"));
        assert_eq!(
            ask.by(Who::Owner).if_match(version).send().await.code(),
            200
        );
        assert_eq!(write(&server, &session, "a1").await, 403, "{subject}");
    }
    // The same names again bring nothing back.
    server.role("watcher", &[], &[]).await;
    server.assign(&"ada".parse().unwrap(), "watcher").await;
    server.group("ops", &["ada"]).await;
    assert_eq!(write(&server, &session, "a1").await, 403);
}
