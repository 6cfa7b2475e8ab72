//! Cases for an [`AgentStore`].

use std::sync::Arc;

use ee_core::{
    AgentId, ErrorKind, Visible,
    storage::{AgentFilter, AgentRecord, AgentStore, Page},
};

use crate::{
    in_parallel,
    listing::{in_pages, narrowings, very_many},
    samples::{TICK, assert_kind, at, hard_ids, hard_texts, hard_times, id, name_of},
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
            lists_and_pages_show_exactly_what_may_be_shown,
            what_may_be_shown_is_a_list_of_any_length,
            a_search_looks_at_what_may_be_shown,
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
    store.create(full.clone(), None).await.unwrap();
    store.create(bare.clone(), None).await.unwrap();

    assert_eq!(find(&*store, "full").await, Some(full));
    assert_eq!(find(&*store, "bare").await, Some(bare));
    assert_eq!(find(&*store, "other").await, None);
}

/// The second create of an id fails and the first one stays as it was.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(store: Arc<impl AgentStore>) {
    store.create(agent("a", "First"), None).await.unwrap();

    let second = store.create(agent("a", "Second"), None).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(
        store.list(&Visible::EVERYTHING).await.unwrap(),
        [agent("a", "First")]
    );
}

/// Many who create the same id at once: one succeeds, and his agent is the one kept.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl AgentStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let name = format!("Agent {number}");
        async move { store.create(agent("a", &name), None).await.map(|()| name) }
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
    store.create(agent("a", "A"), None).await.unwrap();
    store.create(agent("b", "B"), None).await.unwrap();
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
    assert!(store.list(&Visible::EVERYTHING).await.unwrap().is_empty());
}

/// A deleted agent is gone, and its id is free again.
pub async fn deleting_is_final(store: Arc<impl AgentStore>) {
    store.create(agent("a", "A"), None).await.unwrap();
    store.create(agent("b", "B"), None).await.unwrap();

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert!(!store.update(agent("a", "A")).await.unwrap());
    assert_eq!(
        store.list(&Visible::EVERYTHING).await.unwrap(),
        [agent("b", "B")]
    );
    store.create(agent("a", "Again"), None).await.unwrap();
}

/// Names and ids are ordered by their bytes.
pub async fn the_list_is_ordered_by_name_then_id(store: Arc<impl AgentStore>) {
    let mut expected = Vec::new();
    for (number, name) in ["b", "B", "a", "ä", "aa", "", "b", "🙂", "a b", "B"]
        .into_iter()
        .enumerate()
    {
        let record = agent(&format!("id-{}", (number * 7) % 10), name);
        store.create(record.clone(), None).await.unwrap();
        expected.push(record);
    }
    expected.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));

    assert_eq!(store.list(&Visible::EVERYTHING).await.unwrap(), expected);
}

/// Whole and in pages of any size, in the same order, with the number of what may be shown.
pub async fn lists_and_pages_show_exactly_what_may_be_shown(store: Arc<impl AgentStore>) {
    let mut all = Vec::new();
    let names = ["a", "B", "a"].into_iter().cycle();
    for (id, name) in hard_ids::<AgentId>().into_iter().zip(names) {
        let record = agent(id.as_str(), name);
        store.create(record.clone(), None).await.unwrap();
        all.push(record);
    }
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));

    for visible in narrowings(all.iter().map(|agent| agent.id.as_str())) {
        let shown = all.iter().filter(|it| visible.contains(it.id.as_str()));
        let expected: Vec<_> = shown.cloned().collect();
        assert_eq!(store.list(&visible).await.unwrap(), expected, "{visible:?}");
        let filter = AgentFilter::of(visible);
        for size in [3, 5, 1_000] {
            let pages = in_pages(size, async |page| store.page(&filter, page).await).await;
            assert_eq!(pages, expected, "{size} of {:?}", filter.visible);
        }
    }
}

/// Longer than any statement has parameters.
pub async fn what_may_be_shown_is_a_list_of_any_length(store: Arc<impl AgentStore>) {
    for name in ["a", "b", "c"] {
        store.create(agent(name, name), None).await.unwrap();
    }
    let many = very_many(["a", "c"]);
    let page = Page::new(0, 10).unwrap();

    let only = Visible::Only(many.clone());
    assert_eq!(store.list(&only).await.unwrap().len(), 2);
    let shown = store.page(&AgentFilter::of(only), page).await.unwrap();
    assert_eq!((shown.rows.len(), shown.total), (2, 2));

    let rest = Visible::All { except: many };
    assert_eq!(store.list(&rest).await.unwrap(), [agent("b", "b")]);
    let shown = store.page(&AgentFilter::of(rest), page).await.unwrap();
    assert_eq!((shown.rows.len(), shown.total), (1, 1));
}

/// In name, description, id and model, whatever the letters, and never as a pattern.
pub async fn a_search_looks_at_what_may_be_shown(store: Arc<impl AgentStore>) {
    let mut records = [
        agent("one", "Ab_%!c"),
        agent("two", "abcd"),
        agent("x", "x"),
    ];
    records[0].description = None;
    records[1].description = Some("Für ALLE".into());
    records[1].model = String::new();
    records[2].model = "openai/gpt".into();
    for record in &records {
        store.create(record.clone(), None).await.unwrap();
    }
    let visible = Visible::All {
        except: ["x".to_owned()].into(),
    };

    for (part, everywhere, shown) in [
        ("AB", vec!["one", "two"], vec!["one", "two"]),
        ("b_", vec!["one"], vec!["one"]),
        ("%!C", vec!["one"], vec!["one"]),
        ("für all", vec!["two"], vec!["two"]),
        ("ONE", vec!["one"], vec!["one"]),
        ("openai/", vec!["x"], vec![]),
        ("Default/", vec!["two"], vec!["two"]),
        ("instructions", vec![], vec![]),
        ("You are", vec![], vec![]),
        ("", vec!["one", "two", "x"], vec!["one", "two"]),
    ] {
        for (visible, expected) in [(Visible::EVERYTHING, everywhere), (visible.clone(), shown)] {
            let mut filter = AgentFilter::of(visible);
            filter.default_model = "default/model".into();
            filter.search = Some(part.to_owned());
            let found = in_pages(1, async |page| store.page(&filter, page).await).await;
            let found: Vec<_> = found.iter().map(|agent| agent.id.as_str()).collect();
            assert_eq!(found, expected, "{part:?}");
        }
    }
}

/// An id is compared byte for byte and never read as a pattern.
pub async fn ids_of_every_spelling_are_kept_apart(store: Arc<impl AgentStore>) {
    let mut ids = hard_ids::<AgentId>();
    ids.extend(["_", "a", "A", "a ", "å", "a\u{30a}", "*"].map(id::<AgentId>));
    for id in &ids {
        store.create(agent(id.as_str(), "A"), None).await.unwrap();
    }

    for id in &ids {
        assert_eq!(find(&*store, id.as_str()).await.unwrap().id, *id);
        assert!(store.delete(id).await.unwrap(), "{id}");
        assert!(find(&*store, id.as_str()).await.is_none(), "{id}");
    }
}

/// Every text of an agent comes back byte for byte, from `create` and from `update`.
pub async fn texts_survive_byte_for_byte(store: Arc<impl AgentStore>) {
    store.create(agent("updated", "U"), None).await.unwrap();
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut record = agent(&format!("created-{number}"), "C");
        record.description = Some(text.clone());
        record.instructions.clone_from(&text);
        record.model.clone_from(&text);
        record.name = name_of(&text);

        store.create(record.clone(), None).await.unwrap();
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
        store.create(record.clone(), None).await.unwrap();

        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);
    }
}
