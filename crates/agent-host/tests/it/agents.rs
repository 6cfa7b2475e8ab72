use std::sync::{Arc, atomic::Ordering};

use ee_agent_host::{Agents, Background, Models, ModelsConfig};
use ee_core::{
    AgentId, ErrorKind,
    host::{AgentHost as _, AgentPatch, NewAgent},
    storage::{AgentRecord, AgentStore},
};
use jiff::Timestamp;
use serde_json::json;

use crate::{clock::TestClock, stores::TestStore};

struct World {
    agents: Agents,
    clock: Arc<TestClock>,
    store: Arc<TestStore>,
}

fn world(config: serde_json::Value) -> World {
    let store = Arc::new(TestStore::default());
    let clock = Arc::new(TestClock::default());
    let config: ModelsConfig = serde_json::from_value(config).unwrap();
    let models = Arc::new(Models::new(config).unwrap());
    let background = Background::default();
    World {
        agents: Agents::new(
            store.clone(),
            store.clone(),
            models,
            clock.clone(),
            background,
        ),
        clock,
        store,
    }
}

fn named(name: &str) -> NewAgent {
    let mut new = NewAgent::default();
    name.clone_into(&mut new.name);
    new
}

fn id(text: &str) -> AgentId {
    AgentId::new(text).unwrap()
}

#[tokio::test]
async fn an_agent_without_an_id_gets_one_from_its_name() {
    let world = world(json!({}));

    let first = world.agents.create(named("Release notes")).await.unwrap();
    let second = world.agents.create(named("release Notes!")).await.unwrap();
    let nameless = world.agents.create(named("???")).await.unwrap();

    assert_eq!(first.id.as_str(), "release-notes");
    assert_eq!(second.id.as_str(), "release-notes-2");
    assert_eq!(nameless.id.as_str(), "agent");
}

#[tokio::test]
async fn a_given_id_that_is_taken_is_a_conflict() {
    let world = world(json!({}));
    let mut new = named("A");
    new.id = Some(id("mine"));
    world.agents.create(new.clone()).await.unwrap();

    let err = world.agents.create(new).await.unwrap_err();

    assert_eq!(err.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn all_wrong_fields_of_an_agent_are_named() {
    let world = world(json!({}));
    let mut new = named(&"x".repeat(101));
    new.description = Some("x".repeat(501));
    new.instructions = "x".repeat(32 * 1024 + 1);
    "nonsense".clone_into(&mut new.model);

    let err = world.agents.create(new).await.unwrap_err();

    let fields: Vec<_> = err.issues().iter().map(|i| i.field.as_str()).collect();
    assert_eq!(err.kind(), ErrorKind::Invalid);
    assert_eq!(fields, ["name", "description", "instructions", "model"]);
}

#[tokio::test]
async fn an_agent_without_a_model_follows_the_configuration() {
    let world = world(json!({ "openai_base_url": "http://127.0.0.1:1", "models": ["a/b"] }));

    let created = world.agents.create(named("A")).await.unwrap();
    let listed = world.agents.list().await.unwrap();
    let stored = AgentStore::find(&*world.store, &created.id).await.unwrap();

    assert_eq!((&*created.model, &*listed[0].model), ("a/b", "a/b"));
    assert_eq!(stored.unwrap().model, "");
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let world = world(json!({}));
    let mut new = named("A");
    new.description = Some("about".to_owned());
    "be brief".clone_into(&mut new.instructions);
    let created = world.agents.create(new).await.unwrap();
    world.clock.advance_ms(5);

    let mut patch = AgentPatch::default();
    patch.description = Some(None);
    patch.name = Some(" B ".to_owned());
    let changed = world.agents.update(&created.id, patch).await.unwrap();

    assert_eq!((&*changed.name, &changed.description), ("B", &None));
    assert_eq!(changed.instructions, "be brief");
    assert!(changed.updated_at > changed.created_at);
}

#[tokio::test]
async fn a_model_that_is_no_longer_offered_may_stay_but_not_be_chosen() {
    let world = world(json!({}));
    let old = AgentRecord::new(
        id("old"),
        "Old".to_owned(),
        String::new(),
        "gone/model".to_owned(),
        Timestamp::UNIX_EPOCH,
    );
    AgentStore::create(&*world.store, old).await.unwrap();
    let mut keeps = AgentPatch::default();
    keeps.model = Some("gone/model".to_owned());
    let mut chooses = AgentPatch::default();
    chooses.model = Some("other/model".to_owned());

    assert!(world.agents.update(&id("old"), keeps).await.is_ok());
    let err = world.agents.update(&id("old"), chooses).await.unwrap_err();

    assert_eq!(err.issues()[0].field, "model");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = world(json!({}));

    let update = world.agents.update(&id("x"), AgentPatch::default()).await;
    let delete = world.agents.delete(&id("x")).await;

    assert_eq!(update.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(delete.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(world.agents.find(&id("x")).await.unwrap().is_none());
}

#[tokio::test]
async fn the_list_is_read_once_a_second_and_after_every_write() {
    let world = world(json!({}));
    let reads = || world.store.agent_lists.load(Ordering::SeqCst);

    let first = world.agents.list().await.unwrap();
    let again = world.agents.list().await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(reads(), 1);

    let created = world.agents.create(named("A")).await.unwrap();
    assert_eq!(world.agents.list().await.unwrap().len(), 1);
    world.agents.delete(&created.id).await.unwrap();
    assert_eq!(world.agents.list().await.unwrap().len(), 0);
    assert_eq!(reads(), 3);

    let record = AgentRecord::new(
        id("other"),
        "Of another process".to_owned(),
        String::new(),
        String::new(),
        Timestamp::UNIX_EPOCH,
    );
    AgentStore::create(&*world.store, record).await.unwrap();
    assert_eq!(world.agents.list().await.unwrap().len(), 0);
    world.clock.advance_ms(1_000);
    assert_eq!(world.agents.list().await.unwrap().len(), 1);
}
