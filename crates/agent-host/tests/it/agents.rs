use std::sync::{Arc, atomic::Ordering};

use ee_agent_host::{Agents, Background, Models, ModelsConfig};
use ee_core::{
    AgentId, ErrorKind, Visible,
    host::{AgentHost as _, AgentPatch, NewAgent},
    storage::{AgentFilter, AgentRecord, AgentStore, Page},
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
    let listed = world.agents.list(&Visible::EVERYTHING).await.unwrap();
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
    AgentStore::create(&*world.store, old, None).await.unwrap();
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

    let first = world.agents.list(&Visible::EVERYTHING).await.unwrap();
    let again = world.agents.list(&Visible::EVERYTHING).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(reads(), 1);

    let created = world.agents.create(named("A")).await.unwrap();
    assert_eq!(
        world.agents.list(&Visible::EVERYTHING).await.unwrap().len(),
        1
    );
    world.agents.delete(&created.id).await.unwrap();
    assert_eq!(
        world.agents.list(&Visible::EVERYTHING).await.unwrap().len(),
        0
    );
    assert_eq!(reads(), 3);

    let record = AgentRecord::new(
        id("other"),
        "Of another process".to_owned(),
        String::new(),
        String::new(),
        Timestamp::UNIX_EPOCH,
    );
    AgentStore::create(&*world.store, record, None)
        .await
        .unwrap();
    assert_eq!(
        world.agents.list(&Visible::EVERYTHING).await.unwrap().len(),
        0
    );
    world.clock.advance_ms(1_000);
    assert_eq!(
        world.agents.list(&Visible::EVERYTHING).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_list_of_some_is_read_and_one_without_some_is_not() {
    let world = world(json!({ "openai_base_url": "http://127.0.0.1:1", "models": ["a/b"] }));
    for name in ["A", "B", "C"] {
        world.agents.create(named(name)).await.unwrap();
    }
    let ids = async |visible: Visible| {
        let rows = world.agents.list(&visible).await.unwrap();
        rows.iter().map(|agent| agent.id.to_string()).collect()
    };
    let reads = || world.store.agent_lists.load(Ordering::SeqCst);
    let some = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();

    let all: Vec<String> = ids(Visible::EVERYTHING).await;
    assert_eq!((all, reads()), (some(&["a", "b", "c"]), 1));
    let except = ["b".to_owned()].into();
    let rest: Vec<String> = ids(Visible::All { except }).await;
    assert_eq!((rest, reads()), (some(&["a", "c"]), 1));
    let few: Vec<String> = ids(Visible::Only(["c".to_owned(), "x".to_owned()].into())).await;
    assert_eq!((few, reads()), (some(&["c"]), 2));
}

#[tokio::test]
async fn a_page_is_searched_for_the_model_that_answers() {
    let world = world(json!({ "openai_base_url": "http://127.0.0.1:1", "models": ["a/b", "c/d"] }));
    let mut other = named("Other");
    "c/d".clone_into(&mut other.model);
    world.agents.create(named("A")).await.unwrap();
    world.agents.create(other).await.unwrap();

    for (part, expected) in [("a/b", "A"), ("c/d", "Other")] {
        let mut filter = AgentFilter::of(Visible::EVERYTHING);
        filter.search = Some(part.to_owned());
        let page = Page::new(0, 10).unwrap();
        let found = world.agents.page(&filter, page).await.unwrap();

        assert_eq!((found.total, &*found.rows[0].name), (1, expected));
        assert_eq!(found.rows[0].model, part);
    }
}

#[tokio::test]
async fn the_owner_of_a_new_agent_is_handed_on_with_its_id() {
    let world = world(json!({}));
    let mut given = named("A");
    given.id = Some(id("mine"));
    for mut new in [named("A"), named("A"), given] {
        new.owner = Some("anna".parse().unwrap());
        world.agents.create(new).await.unwrap();
    }
    world.agents.create(named("A")).await.unwrap();

    let owners = world.store.owners.lock().unwrap();
    let owners: Vec<_> = owners.iter().map(|(id, who)| (&**id, &**who)).collect();
    assert_eq!(owners, [("a", "anna"), ("a-2", "anna"), ("mine", "anna")]);
}
