//! Cases for an [`AgentStore`].

use std::sync::Arc;

use ee_core::{
    AgentId, ErrorKind,
    storage::{AgentRecord, AgentStore},
};

use crate::{
    in_parallel,
    samples::{TICK, assert_kind, at, hard_ids, hard_texts, hard_times, id},
};

/// Makes the tests of an [`AgentStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! agent_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(agent_store, $setup =>
            a_created_agent_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            updating_replaces_everything,
            updating_a_missing_agent_is_false_and_creates_nothing,
            deleting_is_final,
            the_list_is_ordered_by_name_then_id,
            ids_of_every_spelling_are_kept_apart,
            texts_survive_byte_for_byte,
            times_survive_to_the_microsecond,
        );
    };
}

fn agent(id_: &str, name: &str) -> AgentRecord {
    let mut agent = AgentRecord::new(
        id(id_),
        name.into(),
        format!("You are {name}."),
        "echo/dev".into(),
        at(0),
    );
    agent.created_by = Some(id("anna"));
    agent.description = Some(format!("{name} of the tests"));
    agent
}

async fn find(store: &impl AgentStore, text: &str) -> Option<AgentRecord> {
    store.find(&id(text)).await.unwrap()
}

/// What was created comes back equal, with and without the optional fields.
pub async fn a_created_agent_is_found_as_it_was(store: Arc<impl AgentStore>) {
    let full = agent("full", "Full");
    let bare = AgentRecord::new(id("bare"), "B".into(), String::new(), "m".into(), at(1));
    store.create(full.clone()).await.unwrap();
    store.create(bare.clone()).await.unwrap();

    assert_eq!(find(&*store, "full").await, Some(full));
    assert_eq!(find(&*store, "bare").await, Some(bare));
    assert_eq!(find(&*store, "other").await, None);
}

/// The second create of an id fails and the first one stays as it was.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(store: Arc<impl AgentStore>) {
    store.create(agent("a", "First")).await.unwrap();

    let second = store.create(agent("a", "Second")).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(store.list().await.unwrap(), [agent("a", "First")]);
}

/// Many who create the same id at once: one succeeds, and his agent is the one kept.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl AgentStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let name = format!("Agent {number}");
        async move { store.create(agent("a", &name)).await.map(|()| name) }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().collect();
    assert_eq!(winners, [&find(&*store, "a").await.unwrap().name]);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// An update leaves nothing of the old agent and touches no other.
pub async fn updating_replaces_everything(store: Arc<impl AgentStore>) {
    store.create(agent("a", "A")).await.unwrap();
    store.create(agent("b", "B")).await.unwrap();
    let mut changed = agent("a", "Changed");
    changed.created_by = None;
    changed.description = None;
    changed.model = "openai/gpt-5-mini".into();
    changed.updated_at = at(60);

    assert!(store.update(changed.clone()).await.unwrap());

    assert_eq!(find(&*store, "a").await, Some(changed));
    assert_eq!(find(&*store, "b").await, Some(agent("b", "B")));
}

/// An update never creates.
pub async fn updating_a_missing_agent_is_false_and_creates_nothing(store: Arc<impl AgentStore>) {
    assert!(!store.update(agent("a", "A")).await.unwrap());
    assert!(store.list().await.unwrap().is_empty());
}

/// A deleted agent is gone, and its id is free again.
pub async fn deleting_is_final(store: Arc<impl AgentStore>) {
    store.create(agent("a", "A")).await.unwrap();
    store.create(agent("b", "B")).await.unwrap();

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert!(!store.update(agent("a", "A")).await.unwrap());
    assert_eq!(store.list().await.unwrap(), [agent("b", "B")]);
    store.create(agent("a", "Again")).await.unwrap();
}

/// Names and ids are ordered by their bytes.
pub async fn the_list_is_ordered_by_name_then_id(store: Arc<impl AgentStore>) {
    let mut expected = Vec::new();
    for (number, name) in ["b", "B", "a", "ä", "aa", "", "b", "🙂", "a b", "B"]
        .into_iter()
        .enumerate()
    {
        let record = agent(&format!("id-{}", (number * 7) % 10), name);
        store.create(record.clone()).await.unwrap();
        expected.push(record);
    }
    expected.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));

    assert_eq!(store.list().await.unwrap(), expected);
}

/// An id is compared byte for byte and never read as a pattern.
pub async fn ids_of_every_spelling_are_kept_apart(store: Arc<impl AgentStore>) {
    let mut ids = hard_ids::<AgentId>();
    ids.extend(["_", "a", "A", "a ", "å", "a\u{30a}", "*"].map(id::<AgentId>));
    for id in &ids {
        store.create(agent(id.as_str(), "A")).await.unwrap();
    }

    for id in &ids {
        assert_eq!(find(&*store, id.as_str()).await.unwrap().id, *id);
        assert!(store.delete(id).await.unwrap(), "{id}");
        assert!(find(&*store, id.as_str()).await.is_none(), "{id}");
    }
}

/// Every text of an agent comes back byte for byte, from `create` and from `update`.
pub async fn texts_survive_byte_for_byte(store: Arc<impl AgentStore>) {
    store.create(agent("updated", "U")).await.unwrap();
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut record = agent(&format!("created-{number}"), "C");
        record.description = Some(text.clone());
        record.instructions.clone_from(&text);
        record.model.clone_from(&text);
        record.name.clone_from(&text);

        store.create(record.clone()).await.unwrap();
        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);

        record.id = id("updated");
        assert!(store.update(record.clone()).await.unwrap());
        assert_eq!(find(&*store, "updated").await, Some(record));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl AgentStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut record = agent(&format!("a-{number}"), "A");
        record.created_at = time;
        record.updated_at = time + TICK;
        store.create(record.clone()).await.unwrap();

        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);
    }
}
