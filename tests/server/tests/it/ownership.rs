//! Whoever makes a thing owns it, and nothing of it is left to anybody when it is gone.

use ee::{
    AclSubject, ResourceRef, UserId,
    host::{AgentHost as _, NewAgent},
    storage::{Cursor, Effect, GrantRecord, GrantStore, ThreadRecord, ThreadStore},
};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, Ask, AuthKind, Setup, TestServer, Who};

/// An account that may create agents and workflows and nothing else, and its session.
async fn maker(server: &TestServer, id: &str) -> (UserId, String) {
    if server.access.rbac.book().await.unwrap().roles.is_empty() {
        let permissions = ["stored-agents:write", "stored-workflows:write"];
        server.role("maker", &permissions, &[]).await;
    }
    let user = server.account(id, &["maker"]).await;
    let session = server.session_of(&user).await;
    (user, session)
}

async fn create(server: &TestServer, session: &str, id: &str) -> Answer {
    let body = json!({ "id": id, "name": format!("Agent {id}"), "instructions": "Say little." });
    let ask = server.post("/api/stored/agents").cookie(session);
    ask.json(&body).send().await
}

async fn create_workflow(server: &TestServer, session: &str, id: &str) -> Answer {
    let step = json!({ "id": "only", "agentId": "writer", "prompt": "Write." });
    let body = json!({ "id": id, "name": format!("Workflow {id}"), "steps": [step] });
    let ask = server.post("/api/stored/workflows").cookie(session);
    ask.json(&body).send().await
}

async fn code(ask: Ask<'_>) -> u16 {
    ask.send().await.code()
}

/// What may be done with an agent: read, read as stored, ask.
async fn uses(server: &TestServer, session: &str, id: &str) -> [u16; 3] {
    let get = |path: String| code(server.get(path).cookie(session));
    let ask = server
        .post(format!("/api/agents/{id}/generate"))
        .cookie(session);
    [
        get(format!("/api/agents/{id}")).await,
        get(format!("/api/stored/agents/{id}")).await,
        code(ask.json(&json!({ "messages": "Hello" }))).await,
    ]
}

async fn delete(server: &TestServer, session: &str, path: &str) -> u16 {
    code(server.ask(Method::DELETE, path).cookie(session)).await
}

async fn listed(server: &TestServer, session: &str) -> Vec<String> {
    let answer = server.get("/api/agents").cookie(session).send().await;
    if answer.code() == 403 {
        return Vec::new();
    }
    answer.json().as_object().unwrap().keys().cloned().collect()
}

async fn grants_on(server: &TestServer, kind: &str, id: &str) -> Vec<GrantRecord> {
    let resource = ResourceRef {
        kind: kind.to_owned(),
        id: id.to_owned(),
    };
    let listed = server
        .store
        .on_resource(&resource, &Cursor::first(200))
        .await;
    listed.unwrap().rows
}

#[tokio::test]
async fn whoever_creates_an_agent_may_use_it_and_no_other() {
    let server = TestServer::start().await;
    let (ada, session) = maker(&server, "ada").await;
    assert_eq!(uses(&server, &session, "writer").await, [403; 3]);
    assert!(listed(&server, &session).await.is_empty());

    let made = create(&server, &session, "mine").await;

    assert_eq!(made.code(), 200, "{}", made.text());
    assert_eq!(made.json()["authorId"], "ada");
    assert_eq!(uses(&server, &session, "mine").await, [200; 3]);
    assert_eq!(listed(&server, &session).await, ["mine"]);
    assert_eq!(uses(&server, &session, "writer").await, [403; 3]);
    let grants = grants_on(&server, "agents", "mine").await;
    let [grant] = &*grants else {
        panic!("{grants:?}")
    };
    assert_eq!(grant.subject, AclSubject::User(ada));
    assert_eq!((&*grant.action, grant.effect), ("*", Effect::Allow));
    assert_eq!((grant.expires_at, grant.granted_by.clone()), (None, None));
    let path = "/api/stored/agents/writer";
    assert_eq!(delete(&server, &session, path).await, 403);
    let path = "/api/stored/agents/mine";
    assert_eq!(delete(&server, &session, path).await, 200);
}

#[tokio::test]
async fn an_id_that_is_made_from_the_name_is_owned_as_well() {
    let server = TestServer::start().await;
    let (_, session) = maker(&server, "ada").await;

    for id in ["writer-2", "writer-3"] {
        let body = json!({ "name": "Writer", "instructions": "Say little." });
        let ask = server.post("/api/stored/agents").cookie(&session);
        let made = ask.json(&body).send().await.json();

        assert_eq!(made["id"], id);
        assert_eq!(uses(&server, &session, id).await, [200; 3]);
    }
    assert_eq!(uses(&server, &session, "writer").await, [403; 3]);
}

#[tokio::test]
async fn whoever_creates_a_workflow_may_use_it_and_no_other() {
    let server = TestServer::start().await;
    let (_, session) = maker(&server, "ada").await;
    let path = |id: &str| format!("/api/workflows/{id}");
    let run = |id: &str| {
        let ask = server.post(format!("/api/workflows/{id}/create-run"));
        code(ask.cookie(&session).json(&json!({})))
    };
    assert_eq!(
        code(server.get("/api/workflows").cookie(&session)).await,
        403
    );

    assert_eq!(create_workflow(&server, &session, "mine").await.code(), 200);

    let list = server.get("/api/workflows").cookie(&session).send().await;
    let list = list.json();
    assert_eq!(
        list.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["mine"]
    );
    for (id, expected) in [("mine", 200), ("briefing", 403)] {
        assert_eq!(code(server.get(path(id)).cookie(&session)).await, expected);
        assert_eq!(run(id).await, expected);
        let stored = format!("/api/stored/workflows/{id}");
        assert_eq!(delete(&server, &session, &stored).await, expected);
    }
    assert!(grants_on(&server, "workflows", "mine").await.is_empty());
}

#[tokio::test]
async fn a_page_that_creates_an_agent_leads_its_owner_to_it() {
    let server = Setup::loopback().studio().start().await;
    let (_, session) = maker(&server, "ada").await;
    let ask = server.post("/studio/agents").cookie(&session);
    let form = "name=Mine&instructions=Say+little&model=echo%2Fdev";

    let made = ask
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await;

    assert_eq!((made.code(), made.location()), (303, "/studio/agents/mine"));
    let page = server
        .get("/studio/agents/mine")
        .cookie(&session)
        .send()
        .await;
    assert_eq!(page.code(), 200);
    for may in ["/studio/agents/mine/edit", "/studio/agents/mine/delete"] {
        assert!(page.text().contains(may), "{may}");
    }
}

#[tokio::test]
async fn whoever_wants_an_id_that_is_taken_gets_nothing_of_what_is_there() {
    let server = TestServer::start().await;
    let (_, session) = maker(&server, "ada").await;

    for _ in 0..3 {
        create(&server, &session, "writer")
            .await
            .assert_error(409, "conflict");
        create_workflow(&server, &session, "briefing")
            .await
            .assert_error(409, "conflict");
    }

    assert_eq!(uses(&server, &session, "writer").await, [403; 3]);
    assert!(grants_on(&server, "agents", "writer").await.is_empty());
    assert!(grants_on(&server, "workflows", "briefing").await.is_empty());
    // What is wrong in another way gives nothing either.
    let body = json!({ "id": "later", "name": "", "instructions": "x" });
    let ask = server
        .post("/api/stored/agents")
        .cookie(&session)
        .json(&body);
    assert_eq!(code(ask).await, 400);
    server.agent("later").await;
    assert_eq!(uses(&server, &session, "later").await, [403; 3]);
}

#[tokio::test]
async fn of_many_who_make_one_thing_one_owns_it() {
    let server = TestServer::start().await;
    let mut sessions = Vec::new();
    for number in 0..16 {
        sessions.push(maker(&server, &format!("user-{number}")).await.1);
    }
    for round in 0..10 {
        let id = format!("agent-{round}");
        let tries = sessions.iter().map(|session| create(&server, session, &id));
        let made = futures(tries).await;
        let winners = made.iter().filter(|answer| answer.code() == 200).count();
        assert_eq!(winners, 1);

        for (answer, session) in made.iter().zip(&sessions) {
            let expected = if answer.code() == 200 { 200 } else { 403 };
            assert_eq!(uses(&server, session, &id).await, [expected; 3]);
        }
    }
}

/// Waits for all, which are under way at the same time.
async fn futures<F: Future>(tries: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut tries: Vec<_> = tries.map(|it| (Box::pin(it), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut tries {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if tries.iter().any(|(_, done)| done.is_none()) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
    tries.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn what_forbids_a_thing_that_is_still_to_come_forbids_it_to_its_maker() {
    for subject in ["user:ada", "role:maker", "group:watched"] {
        let server = TestServer::start().await;
        let (_, session) = maker(&server, "ada").await;
        server.group("watched", &["ada"]).await;
        for (id, action) in [("secret", "*"), ("mute", "execute")] {
            let thing = format!("agents/{id}");
            server.grant(subject, &thing, &[action], Effect::Deny).await;
            assert_eq!(create(&server, &session, id).await.code(), 200, "{subject}");
        }

        assert_eq!(
            uses(&server, &session, "secret").await,
            [403; 3],
            "{subject}"
        );
        assert_eq!(
            uses(&server, &session, "mute").await,
            [200, 200, 403],
            "{subject}"
        );
        assert_eq!(listed(&server, &session).await, ["mute"], "{subject}");
        // He cannot get rid of it by deleting what he has made.
        let path = "/api/stored/agents/secret";
        assert_eq!(delete(&server, &session, path).await, 403, "{subject}");
        let path = "/api/stored/agents/mute";
        assert_eq!(delete(&server, &session, path).await, 200, "{subject}");
        assert_eq!(create(&server, &session, "mute").await.code(), 200);
        let uses = uses(&server, &session, "mute").await;
        assert_eq!(uses, [200, 200, 403], "{subject}");
    }
}

#[tokio::test]
async fn grants_on_a_deleted_agent_are_not_inherited_by_the_next_one_of_its_id() {
    for subject in ["user:bob", "role:watcher", "group:ops"] {
        let server = TestServer::start().await;
        let (_, ada) = maker(&server, "ada").await;
        let (_, eve) = maker(&server, "eve").await;
        server.role("watcher", &[], &[]).await;
        let bob = server.account("bob", &["watcher"]).await;
        server.group("ops", &["bob"]).await;
        let bob = server.session_of(&bob).await;
        assert_eq!(create(&server, &ada, "a1").await.code(), 200);
        for kind in ["agents", "stored-agents"] {
            let thing = format!("{kind}/a1");
            server
                .grant(subject, &thing, &["read", "execute", "*"], Effect::Allow)
                .await;
        }
        assert_eq!(uses(&server, &bob, "a1").await, [200; 3], "{subject}");

        assert_eq!(delete(&server, &bob, "/api/stored/agents/a1").await, 200);
        assert!(grants_on(&server, "agents", "a1").await.is_empty());
        assert_eq!(create(&server, &eve, "a1").await.code(), 200);

        for session in [&ada, &bob] {
            assert_eq!(uses(&server, session, "a1").await, [403; 3], "{subject}");
            assert!(listed(&server, session).await.is_empty(), "{subject}");
        }
        assert_eq!(uses(&server, &eve, "a1").await, [200; 3], "{subject}");
    }
}

#[tokio::test]
async fn grants_on_a_deleted_workflow_or_conversation_go_with_it() {
    let server = TestServer::start().await;
    let (ada, session) = maker(&server, "ada").await;
    let bob = server.account("bob", &[]).await;
    let bob_session = server.session_of(&bob).await;
    assert_eq!(create_workflow(&server, &session, "w1").await.code(), 200);
    server
        .grant("user:bob", "workflows/w1", &["read"], Effect::Allow)
        .await;
    let read = async || code(server.get("/api/workflows/w1").cookie(&bob_session)).await;
    assert_eq!(read().await, 200);

    assert_eq!(
        delete(&server, &session, "/api/stored/workflows/w1").await,
        200
    );
    assert_eq!(create_workflow(&server, &session, "w1").await.code(), 200);
    assert_eq!(read().await, 403);

    let talk = |owner: &UserId| {
        let now = ee::Clock::now(&server.clock);
        ThreadRecord::new("t1".parse().unwrap(), owner.clone(), "desk".to_owned(), now)
    };
    ThreadStore::create(&*server.store, talk(&ada))
        .await
        .unwrap();
    for who in ["user:ada", "user:bob"] {
        server.grant(who, "memory/t1", &["*"], Effect::Allow).await;
    }
    let path = "/api/memory/threads/t1";
    assert_eq!(
        delete(&server, &bob_session, path).await,
        404,
        "it is not his"
    );
    assert_eq!(grants_on(&server, "memory", "t1").await.len(), 2);
    assert_eq!(delete(&server, &session, path).await, 200);
    assert!(grants_on(&server, "memory", "t1").await.is_empty());
    ThreadStore::create(&*server.store, talk(&bob))
        .await
        .unwrap();
    assert_eq!(code(server.get(path).cookie(&bob_session)).await, 403);
}

#[tokio::test]
async fn a_workflow_that_is_not_deleted_keeps_its_grants() {
    let server = TestServer::start().await;
    let (_, session) = maker(&server, "ada").await;
    assert_eq!(create_workflow(&server, &session, "w1").await.code(), 200);

    for path in [
        "/api/stored/workflows/nothing",
        "/api/stored/agents/nothing",
    ] {
        let thing = path.replace("/api/stored/", "");
        server
            .grant("user:bob", &thing, &["read"], Effect::Deny)
            .await;
        let gone = server.ask(Method::DELETE, path).by(Who::Owner);
        assert_eq!(code(gone).await, 404, "{path}");
        let (kind, id) = thing.split_once('/').unwrap();
        assert_eq!(grants_on(&server, kind, id).await.len(), 1, "{path}");
    }
    assert_eq!(grants_on(&server, "workflows", "w1").await.len(), 1);
}

async fn key(server: &TestServer, user: &str, scopes: &[&str]) -> String {
    let body = json!({ "userId": user, "name": "Key", "scopes": scopes });
    let ask = server.post("/api/access/keys").by(Who::Owner).json(&body);
    let answer = ask.send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer.json()["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_makes_things_for_its_owner_and_gains_nothing() {
    let server = TestServer::start().await;
    let (_, session) = maker(&server, "ada").await;
    let key = key(&server, "ada", &["stored-agents:write"]).await;
    let body = json!({ "id": "mine", "name": "Mine", "instructions": "Say little." });
    let made = server.post("/api/stored/agents").bearer(&key).json(&body);

    assert_eq!(code(made).await, 200);

    for path in ["/api/agents/mine", "/api/stored/agents/mine", "/api/agents"] {
        assert_eq!(code(server.get(path).bearer(&key)).await, 403, "{path}");
        assert_eq!(code(server.get(path).cookie(&session)).await, 200, "{path}");
    }
}

fn grant(subject: &str, id: &str, actions: &[&str]) -> Value {
    json!({
        "subject": { "type": "user", "id": subject },
        "resource": { "type": "agents", "id": id },
        "actions": actions,
    })
}

#[tokio::test]
async fn an_owner_hands_on_what_he_holds_where_he_may_hand_on_at_all() {
    let server = TestServer::start().await;
    let (ada, session) = maker(&server, "ada").await;
    server.account("bob", &[]).await;
    assert_eq!(create(&server, &session, "mine").await.code(), 200);
    let hand_on = |id: &'static str, actions: &'static [&'static str]| {
        let ask = server.post("/api/access/grants").cookie(&session);
        code(ask.json(&grant("bob", id, actions)))
    };

    assert_eq!(hand_on("mine", &["read"]).await, 403);
    server
        .role("sharer", &["access:read", "access:write"], &[])
        .await;
    server.assign(&ada, "sharer").await;

    assert_eq!(hand_on("mine", &["read", "execute"]).await, 200);
    assert_eq!(hand_on("writer", &["read"]).await, 403);
}

async fn rename(ask: Ask<'_>, user: &str) -> Answer {
    let path = format!("/api/access/users/{user}");
    let ask = ask.method(Method::PATCH).target(path).if_match(1);
    ask.json(&json!({ "name": "Another name" })).send().await
}

#[tokio::test]
async fn what_somebody_has_made_does_not_put_him_out_of_reach() {
    let server = TestServer::start().await;
    let (_, session) = maker(&server, "ada").await;
    server.account("bob", &["viewer"]).await;
    assert_eq!(create(&server, &session, "mine").await.code(), 200);
    assert_eq!(create_workflow(&server, &session, "mine").await.code(), 200);
    server
        .role(
            "helper",
            &[
                "access:*",
                "*:read",
                "stored-agents:write",
                "stored-workflows:write",
            ],
            &[],
        )
        .await;
    let helper = server.account("helper", &["helper"]).await;
    let helper = server.session_of(&helper).await;
    // He could not run or rewrite everything that she has made.
    let refused = rename(server.get("/").cookie(&helper), "ada").await;
    refused.assert_error(403, "forbidden");
    // An admin could, but for deleting it.
    let done = rename(server.get("/").by(Who::Admin), "ada").await;
    assert_eq!(done.code(), 200, "{}", done.text());
    // What others have granted counts as before.
    server
        .grant("user:bob", "agents/mine", &["delete"], Effect::Allow)
        .await;
    let refused = rename(server.get("/").by(Who::Admin), "bob").await;
    refused.assert_error(403, "forbidden");
}

#[tokio::test]
async fn without_grants_nothing_is_granted() {
    let server = Setup::loopback().auth(AuthKind::Off).start().await;
    let body = json!({ "id": "mine", "name": "Mine", "instructions": "Say little." });

    assert_eq!(
        code(server.post("/api/stored/agents").json(&body)).await,
        200
    );

    assert!(grants_on(&server, "agents", "mine").await.is_empty());
    // Whoever makes something without a request owns nothing.
    let mut agent = NewAgent::default();
    "Made inside".clone_into(&mut agent.name);
    "x".clone_into(&mut agent.instructions);
    agent.created_by = Some("ada".parse().unwrap());
    let agent = server.agents.create(agent).await.unwrap();
    assert!(
        grants_on(&server, "agents", agent.id.as_str())
            .await
            .is_empty()
    );
}
