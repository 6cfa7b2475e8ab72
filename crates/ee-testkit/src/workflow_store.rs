//! Cases for a [`WorkflowStore`].

use std::sync::Arc;

use ee_core::{
    ErrorKind, Visible, WorkflowId,
    storage::{Page, WorkflowRecord, WorkflowStep, WorkflowStore},
};
use serde_json::{Value, json};

use crate::{
    in_parallel,
    listing::{in_pages, narrowings, very_many},
    samples::{
        TICK, assert_kind, at, hard_ids, hard_metadata, hard_texts, hard_times, id, name_of,
    },
};

/// Makes the tests of a [`WorkflowStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! workflow_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(workflow_store, $setup =>
            a_created_workflow_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            updating_replaces_everything,
            updating_a_missing_workflow_is_false_and_creates_nothing,
            deleting_is_final,
            the_list_is_ordered_by_name_then_id,
            lists_and_pages_show_exactly_what_may_be_shown,
            what_may_be_shown_is_a_list_of_any_length,
            a_schema_that_is_null_is_not_an_absent_one,
            texts_and_schemas_survive,
            times_survive_to_the_microsecond,
        );
    };
}

fn step(name: &str, prompt: &str) -> WorkflowStep {
    WorkflowStep {
        id: name.into(),
        agent_id: id("echo"),
        prompt: prompt.into(),
    }
}

fn workflow(id_: &str, name: &str) -> WorkflowRecord {
    let steps = vec![
        step("z", "{{input.topic}}"),
        step("a", "{{steps.z.output}}"),
    ];
    let mut workflow = WorkflowRecord::new(id(id_), name.into(), steps, at(0));
    workflow.created_by = Some(id("anna"));
    workflow.description = Some(format!("{name} of the tests"));
    workflow.input_schema = Some(json!({ "type": "object", "required": ["topic"] }));
    workflow
}

async fn find(store: &impl WorkflowStore, text: &str) -> Option<WorkflowRecord> {
    store.find(&id(text)).await.unwrap()
}

/// What was created comes back equal, with its steps in their order.
pub async fn a_created_workflow_is_found_as_it_was(store: Arc<impl WorkflowStore>) {
    let full = workflow("full", "Full");
    let bare = WorkflowRecord::new(id("bare"), "Bare".into(), Vec::new(), at(1));
    store.create(full.clone(), None).await.unwrap();
    store.create(bare.clone(), None).await.unwrap();

    assert_eq!(find(&*store, "full").await, Some(full));
    assert_eq!(find(&*store, "bare").await, Some(bare));
    assert_eq!(find(&*store, "other").await, None);
}

/// The second create of an id fails and the first one stays as it was.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(
    store: Arc<impl WorkflowStore>,
) {
    store.create(workflow("a", "First"), None).await.unwrap();

    let second = store.create(workflow("a", "Second"), None).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(
        store.list(&Visible::EVERYTHING).await.unwrap(),
        [workflow("a", "First")]
    );
}

/// Many who create the same id at once: one succeeds.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl WorkflowStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let name = format!("Workflow {number}");
        async move {
            store
                .create(workflow("a", &name), None)
                .await
                .map(|()| name)
        }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().collect();
    assert_eq!(winners, [&find(&*store, "a").await.unwrap().name]);
}

/// An update leaves nothing of the old workflow and touches no other.
pub async fn updating_replaces_everything(store: Arc<impl WorkflowStore>) {
    store.create(workflow("a", "A"), None).await.unwrap();
    store.create(workflow("b", "B"), None).await.unwrap();
    let mut changed = workflow("a", "Changed");
    changed.created_by = None;
    changed.description = None;
    changed.input_schema = None;
    changed.steps = vec![step("only", "one")];
    changed.updated_at = at(60);

    assert!(store.update(changed.clone()).await.unwrap());

    assert_eq!(find(&*store, "a").await, Some(changed));
    assert_eq!(find(&*store, "b").await, Some(workflow("b", "B")));
}

/// An update never creates.
pub async fn updating_a_missing_workflow_is_false_and_creates_nothing(
    store: Arc<impl WorkflowStore>,
) {
    assert!(!store.update(workflow("a", "A")).await.unwrap());
    assert!(store.list(&Visible::EVERYTHING).await.unwrap().is_empty());
}

/// A deleted workflow is gone, and its id is free again.
pub async fn deleting_is_final(store: Arc<impl WorkflowStore>) {
    store.create(workflow("a", "A"), None).await.unwrap();
    store.create(workflow("b", "B"), None).await.unwrap();

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert_eq!(
        store.list(&Visible::EVERYTHING).await.unwrap(),
        [workflow("b", "B")]
    );
    store.create(workflow("a", "Again"), None).await.unwrap();
}

/// Names and ids are ordered by their bytes.
pub async fn the_list_is_ordered_by_name_then_id(store: Arc<impl WorkflowStore>) {
    let mut expected = Vec::new();
    for (number, name) in ["b", "B", "a", "ä", "", "b", "🙂", "a b"]
        .into_iter()
        .enumerate()
    {
        let record = workflow(&format!("id-{}", (number * 5) % 8), name);
        store.create(record.clone(), None).await.unwrap();
        expected.push(record);
    }
    expected.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));

    assert_eq!(store.list(&Visible::EVERYTHING).await.unwrap(), expected);
}

/// Whole and in pages of any size, in the same order, with the number of what may be shown.
pub async fn lists_and_pages_show_exactly_what_may_be_shown(store: Arc<impl WorkflowStore>) {
    let mut all = Vec::new();
    let names = ["a", "B", "a"].into_iter().cycle();
    for (id, name) in hard_ids::<WorkflowId>().into_iter().zip(names) {
        let record = workflow(id.as_str(), name);
        store.create(record.clone(), None).await.unwrap();
        all.push(record);
    }
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));

    for visible in narrowings(all.iter().map(|workflow| workflow.id.as_str())) {
        let shown = all.iter().filter(|it| visible.contains(it.id.as_str()));
        let expected: Vec<_> = shown.cloned().collect();
        assert_eq!(store.list(&visible).await.unwrap(), expected, "{visible:?}");
        for size in [3, 5, 1_000] {
            let pages = in_pages(size, async |page| store.page(&visible, page).await).await;
            assert_eq!(pages, expected, "{size} of {visible:?}");
        }
    }
}

/// Longer than any statement has parameters.
pub async fn what_may_be_shown_is_a_list_of_any_length(store: Arc<impl WorkflowStore>) {
    for name in ["a", "b", "c"] {
        store.create(workflow(name, name), None).await.unwrap();
    }
    let many = very_many(["a", "c"]);
    let page = Page::new(0, 10).unwrap();

    let only = Visible::Only(many.clone());
    assert_eq!(store.list(&only).await.unwrap().len(), 2);
    assert_eq!(store.page(&only, page).await.unwrap().total, 2);

    let rest = Visible::All { except: many };
    assert_eq!(store.list(&rest).await.unwrap(), [workflow("b", "b")]);
    assert_eq!(store.page(&rest, page).await.unwrap().total, 1);
}

/// `null` as a schema and no schema stay two things.
pub async fn a_schema_that_is_null_is_not_an_absent_one(store: Arc<impl WorkflowStore>) {
    let mut null = workflow("null", "N");
    null.input_schema = Some(Value::Null);
    store.create(null.clone(), None).await.unwrap();

    assert_eq!(find(&*store, "null").await, Some(null));
}

/// Every text comes back byte for byte, and the schema equal.
pub async fn texts_and_schemas_survive(store: Arc<impl WorkflowStore>) {
    store.create(workflow("updated", "U"), None).await.unwrap();
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut record = workflow(&format!("created-{number}"), &name_of(&text));
        record.description = Some(text.clone());
        record.input_schema = Some(Value::Object(hard_metadata()));
        record.steps = vec![step(&text, &text), step("b", &text)];
        store.create(record.clone(), None).await.unwrap();
        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);

        record.id = id("updated");
        assert!(store.update(record.clone()).await.unwrap());
        assert_eq!(find(&*store, "updated").await, Some(record));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl WorkflowStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut record = workflow(&format!("w-{number}"), "W");
        record.created_at = time;
        record.updated_at = time + TICK;
        store.create(record.clone(), None).await.unwrap();

        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);
    }
}
