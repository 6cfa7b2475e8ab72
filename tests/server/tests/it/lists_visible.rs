//! A list shows exactly what may be read, whatever the permissions, grants and limits, whole and page by page.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use ee::{
    AclProvider, Error, NewKey, ResourceRef, ThreadId, User, UserId,
    storage::{Effect, GrantRecord, GrantStore, ThreadRecord, ThreadStore},
};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, Ask, Dice, Setup, TestServer, Who};

const AGENTS: [&str; 8] = [
    "a1",
    "a2",
    "a3",
    "a:b",
    "ä",
    "researcher",
    "reviewer",
    "writer",
];
const WORKFLOWS: [&str; 3] = ["briefing", "w1", "w2"];
const THREADS: [&str; 4] = ["t1", "t2", "t3", "t4"];
const PATTERNS: [&str; 20] = [
    "*:read",
    "*:read:a1",
    "agents:*",
    "agents:*:a3",
    "agents:read",
    "agents:read:a:b",
    "agents:read:a1",
    "agents:read:nothing",
    "agents:write",
    "memory:*:t4",
    "memory:read",
    "memory:read:t1",
    "memory:read:t2",
    "stored-agents:read",
    "stored-agents:read:a2",
    "stored:*:ä",
    "stored:read",
    "workflows:*:w1",
    "workflows:read",
    "workflows:read:briefing",
];
const GRANTED: [&str; 9] = [
    "agents/a1",
    "agents/a2",
    "agents/a:b",
    "stored-agents/writer",
    "workflows/w1",
    "workflows/w2",
    "memory/t1",
    "memory/t3",
    "agents/nothing",
];

/// Who asks.
enum Caller {
    Key(String),
    Session(String),
}

impl Caller {
    fn ask<'a>(&self, server: &'a TestServer, path: &str) -> Ask<'a> {
        let ask = server.get(path.replace('ä', "%C3%A4"));
        match self {
            Self::Key(key) => ask.bearer(key),
            Self::Session(pair) => ask.cookie(pair),
        }
    }

    async fn get(&self, server: &TestServer, path: &str) -> Answer {
        self.ask(server, path).send().await
    }

    /// Returns those of the ids that the caller may read one by one.
    async fn readable(&self, server: &TestServer, path: &str, ids: &[String]) -> BTreeSet<String> {
        let mut readable = BTreeSet::new();
        for id in ids {
            let answer = self.get(server, &format!("{path}/{id}")).await;
            match answer.code() {
                200 => drop(readable.insert(id.clone())),
                403 => {}
                other => panic!("{path}/{id}: {other} {}", answer.text()),
            }
        }
        readable
    }

    /// Returns the ids of a list that is a map; none where it is refused.
    async fn mapped(&self, server: &TestServer, path: &str) -> BTreeSet<String> {
        let answer = self.get(server, path).await;
        if answer.code() == 403 {
            return BTreeSet::new();
        }
        assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
        answer.json().as_object().unwrap().keys().cloned().collect()
    }

    /// Returns the ids of a list that comes in pages, all of which must fit together; none where it is refused.
    async fn paged(
        &self,
        server: &TestServer,
        path: &str,
        what: &str,
        size: usize,
    ) -> BTreeSet<String> {
        let mut ids = Vec::new();
        for number in 0.. {
            let page = format!("{path}?page={number}&perPage={size}");
            let answer = self.get(server, &page).await;
            if answer.code() == 403 {
                return BTreeSet::new();
            }
            assert_eq!(answer.code(), 200, "{page}: {}", answer.text());
            let json = answer.json();
            let rows = json[what].as_array().unwrap();
            ids.extend(rows.iter().map(|row| text(&row["id"])));
            let total = usize::try_from(json["total"].as_u64().unwrap()).unwrap();
            assert_eq!(ids.len(), total.min((number + 1) * size), "{page}");
            assert_eq!(json["hasMore"], ids.len() < total, "{page}");
            if rows.is_empty() {
                break;
            }
        }
        let distinct: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(distinct.len(), ids.len(), "{path}: a row comes once");
        distinct
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn start(setup: Setup) -> TestServer {
    let server = setup.start().await;
    for agent in AGENTS.iter().take(5) {
        server.agent(agent).await;
    }
    let steps = json!([{ "id": "only", "agentId": "writer", "prompt": "Write." }]);
    for id in WORKFLOWS.iter().skip(1) {
        let body = json!({ "id": id, "name": id, "steps": steps });
        let ask = server.post("/api/stored/workflows").by(Who::Owner);
        assert_eq!(ask.json(&body).send().await.code(), 200);
    }
    server
}

async fn thread(server: &TestServer, id: &str, owner: &UserId) {
    let id = ThreadId::new(id).unwrap();
    let thread = ThreadRecord::new(
        id,
        owner.clone(),
        "desk".to_owned(),
        ee::Clock::now(&server.clock),
    );
    ThreadStore::create(&*server.store, thread).await.unwrap();
}

/// A key whose scopes may lie beyond what its owner may do: then they open nothing.
async fn key(server: &TestServer, user: &str, scopes: &[&str]) -> Caller {
    let scopes = scopes.iter().map(|text| text.parse().unwrap()).collect();
    let new = NewKey::new(user.parse().unwrap(), "Key".to_owned(), scopes);
    let (_, secret) = server.access.keys.create(new, None).await.unwrap();
    Caller::Key(secret.expose().to_owned())
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Compares every list with what is answered thing by thing, and returns how many of them showed some things and not all.
async fn check(server: &TestServer, caller: &Caller, threads: &[String], about: &str) -> usize {
    let (agents, workflows) = (owned(&AGENTS), owned(&WORKFLOWS));
    let mut cut = 0;
    let mut readable = async |path: &str, ids: &[String]| {
        let readable = caller.readable(server, path, ids).await;
        cut += usize::from(!readable.is_empty() && readable.len() < ids.len());
        readable
    };

    let expected = readable("/api/agents", &agents).await;
    let shown = caller.mapped(server, "/api/agents").await;
    assert_eq!(shown, expected, "{about}");

    let expected = readable("/api/stored/agents", &agents).await;
    for size in [3, 100] {
        let shown = caller
            .paged(server, "/api/stored/agents", "agents", size)
            .await;
        assert_eq!(shown, expected, "{about}");
    }

    let expected = readable("/api/workflows", &workflows).await;
    for path in ["/api/workflows", "/api/workflows/run-counts"] {
        let shown = caller.mapped(server, path).await;
        assert_eq!(shown, expected, "{about} {path}");
    }

    let expected = readable("/api/memory/threads", threads).await;
    for size in [2, 100] {
        let shown = caller
            .paged(server, "/api/memory/threads", "threads", size)
            .await;
        assert_eq!(shown, expected, "{about}");
    }
    cut
}

/// So many things are granted that lists are judged thing by thing. There are none of them.
async fn many(server: &TestServer, subject: &str, effect: Effect) {
    let now = ee::Clock::now(&server.clock);
    for kind in ["agents", "workflows", "memory"] {
        let grants = (0..1_001).map(|number| {
            let (kind, id) = (kind.to_owned(), format!("none-{number}"));
            let thing = ResourceRef { kind, id };
            let subject = subject.parse().unwrap();
            let mut grant = GrantRecord::new(subject, thing, "read".to_owned(), now);
            grant.effect = effect;
            grant
        });
        GrantStore::put(&*server.store, grants.collect())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_list_shows_exactly_what_is_answered_thing_by_thing() {
    shows_exactly(false).await;
}

#[tokio::test]
async fn and_so_it_does_for_whoever_is_granted_more_than_there_is() {
    shows_exactly(true).await;
}

async fn shows_exactly(is_many: bool) {
    let server = start(Setup::loopback()).await;
    let (mut dice, mut cut) = (Dice::new(11), 0);

    for round in 0..40 {
        let (user, role) = (format!("user-{round}"), format!("role-{round}"));
        let permissions = dice.some(&PATTERNS, 4);
        server.role(&role, &permissions, &[]).await;
        let id = server.account(&user, &[&role]).await;
        let group = format!("group-{round}");
        server.group(&group, &[&user]).await;
        let threads: Vec<String> = THREADS.iter().map(|it| format!("{it}-{round}")).collect();
        for thread_ in &threads {
            thread(&server, thread_, &id).await;
        }
        let mut about = format!("{permissions:?}");
        for _ in 0..dice.roll(5) {
            let subject = [
                format!("user:{user}"),
                format!("group:{group}"),
                format!("role:{role}"),
            ];
            let (subject, thing) = (&subject[dice.roll(3)], dice.pick(&GRANTED));
            let thing = if thing.starts_with("memory/") {
                format!("{thing}-{round}")
            } else {
                thing.to_owned()
            };
            let actions = [dice.pick(&["read", "*", "write"])];
            let effect = dice.pick(&[Effect::Allow, Effect::Allow, Effect::Deny]);
            server.grant(subject, &thing, &actions, effect).await;
            about = format!("{about} {effect:?} {actions:?} {thing} to {subject}");
        }

        if is_many {
            let effect = dice.pick(&[Effect::Allow, Effect::Deny]);
            many(&server, &format!("role:{role}"), effect).await;
        }
        let session = Caller::Session(server.session_of(&id).await);
        cut += check(&server, &session, &threads, &about).await;
        let scopes = [
            dice.pick(&PATTERNS),
            dice.pick(&PATTERNS),
            "workflows:read:w2",
        ];
        let key = key(&server, &user, &scopes).await;
        let about = format!("{about} within {scopes:?}");
        cut += check(&server, &key, &threads, &about).await;
    }
    assert!(cut > 50, "{cut} lists showed some things and not all");
}

#[tokio::test]
async fn nobody_lists_the_conversations_of_somebody_else() {
    let server = TestServer::start().await;
    let (ada, bob) = (
        server.account("ada", &[]).await,
        server.account("bob", &["member"]).await,
    );
    for (id, owner) in [("hers-1", &ada), ("hers-2", &ada), ("his", &bob)] {
        thread(&server, id, owner).await;
    }
    let all = owned(&["hers-1", "hers-2", "his"]);
    for id in &all {
        server
            .grant("user:ada", &format!("memory/{id}"), &["*"], Effect::Allow)
            .await;
    }
    server
        .grant("user:ada", "memory/hers-2", &["read"], Effect::Deny)
        .await;
    let ada = Caller::Session(server.session_of(&ada).await);

    let shown = ada
        .paged(&server, "/api/memory/threads", "threads", 10)
        .await;

    assert_eq!(shown, ["hers-1".to_owned()].into());
    for (id, code) in [("hers-1", 200), ("hers-2", 403), ("his", 404)] {
        let answer = ada.get(&server, &format!("/api/memory/threads/{id}")).await;
        assert_eq!(answer.code(), code, "{id}");
    }
}

#[tokio::test]
async fn pages_of_studio_show_the_same() {
    for is_many in [false, true] {
        pages_show_the_same(is_many).await;
    }
}

async fn pages_show_the_same(is_many: bool) {
    let server = start(Setup::loopback().studio()).await;
    for number in 0..60 {
        server.agent(&format!("private-{number}")).await;
    }
    let id = server.account("ada", &[]).await;
    for agent in ["a2", "writer"] {
        let thing = format!("agents/{agent}");
        server
            .grant("user:ada", &thing, &["read"], Effect::Allow)
            .await;
    }
    server
        .grant("user:ada", "workflows/w2", &["read"], Effect::Allow)
        .await;
    if is_many {
        many(&server, "user:ada", Effect::Allow).await;
    }
    let ada = Caller::Session(server.session_of(&id).await);

    let agents = ada.get(&server, "/studio/agents").await.text();
    let found = ada.get(&server, "/studio/agents?q=agent").await.text();
    let behind = ada.get(&server, "/studio/agents?page=2").await.text();
    let workflows = ada.get(&server, "/studio/workflows").await.text();

    for shown in ["a2", "writer"] {
        assert!(
            agents.contains(&format!("/studio/agents/{shown}\"")),
            "{shown}"
        );
        assert!(
            behind.contains(&format!("/studio/agents/{shown}\"")),
            "{shown}"
        );
    }
    assert!(found.contains("/studio/agents/a2\"") && !found.contains("/studio/agents/writer\""));
    for page in [agents, found, behind] {
        assert!(
            !page.contains("private") && !page.contains("researcher"),
            "{page}"
        );
        assert!(!page.contains(" of 6"), "nothing tells how many are hidden");
    }
    assert!(workflows.contains("/studio/workflows/w2\""));
    assert!(!workflows.contains("briefing") && !workflows.contains("w1"));
}

/// A provider of grants that can only be asked.
#[derive(Debug)]
struct Askable {
    things: Vec<(&'static str, String)>,
    who: &'static str,
}

#[async_trait]
impl AclProvider for Askable {
    async fn can_access(
        &self,
        user: &User,
        resource: &ResourceRef,
        action: &str,
    ) -> Result<bool, Error> {
        let ids = self.list_accessible(user, &resource.kind, action).await?;
        Ok(ids.contains(&resource.id))
    }

    async fn list_accessible(
        &self,
        user: &User,
        kind: &str,
        action: &str,
    ) -> Result<Vec<String>, Error> {
        let things = self.things.iter().filter(|(known, _)| *known == kind);
        let things = things.filter(|_| user.id.as_str() == self.who && action == "read");
        Ok(things.map(|(_, id)| id.clone()).collect())
    }
}

fn askable<'a>(things: impl IntoIterator<Item = (&'static str, &'a str)>) -> Setup {
    let things = things.into_iter().map(|(kind, id)| (kind, id.to_owned()));
    Setup::loopback().acl(Arc::new(Askable {
        things: things.collect(),
        who: "ada",
    }))
}

#[tokio::test]
async fn a_provider_that_names_no_grants_fills_lists_as_well() {
    let setup = askable([
        ("agents", "a1"),
        ("agents", "a:b"),
        ("agents", "nothing"),
        ("workflows", "w1"),
        ("memory", "t1"),
        ("memory", "t9"),
    ]);
    let server = start(setup).await;
    server.role("some", &["agents:read:writer"], &[]).await;
    let id = server.account("ada", &["some"]).await;
    for thread_ in THREADS {
        thread(&server, thread_, &id).await;
    }
    let threads = owned(&THREADS);
    let ada = Caller::Session(server.session_of(&id).await);

    check(&server, &ada, &threads, "ada").await;
    let shown = ada.mapped(&server, "/api/agents").await;
    assert_eq!(shown, owned(&["a1", "a:b", "writer"]).into_iter().collect());
    let shown = ada
        .paged(&server, "/api/memory/threads", "threads", 1)
        .await;
    assert_eq!(shown, owned(&["t1"]).into_iter().collect());

    // A key narrows it down as anything else.
    let key = key(&server, "ada", &["agents:read:a1", "agents:read:writer"]).await;
    check(&server, &key, &threads, "key").await;
    let shown = key.mapped(&server, "/api/agents").await;
    assert_eq!(shown, owned(&["a1", "writer"]).into_iter().collect());

    // Somebody else is permitted nothing, and whoever may read all is not asked about.
    let eve = server.account("eve", &[]).await;
    let eve = Caller::Session(server.session_of(&eve).await);
    eve.get(&server, "/api/agents")
        .await
        .assert_error(403, "forbidden");
    let owner = server.get("/api/agents").by(Who::Owner).send().await.json();
    assert_eq!(owner.as_object().unwrap().len(), AGENTS.len());
}

#[tokio::test]
async fn a_list_that_would_be_too_long_to_ask_for_is_not_cut() {
    let ids: Vec<String> = (0..10_001).map(|number| format!("id-{number}")).collect();
    for (count, code) in [(10_000, 200), (10_001, 500)] {
        let things = ids[..count].iter().map(|id| ("agents", id.as_str()));
        let server = askable(things).start().await;
        let id = server.account("ada", &[]).await;
        let ask = server.ask(Method::GET, "/api/agents");
        let ask = ask.cookie(server.session_of(&id).await);

        assert_eq!(ask.send().await.code(), code, "{count}");
    }
}
