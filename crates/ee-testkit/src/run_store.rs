//! Cases for a [`RunStore`].

use std::{collections::HashSet, sync::Arc};

use ee_core::{
    ErrorKind,
    storage::{Page, RunFilter, RunRecord, RunStatus, RunStore, StepRecord, StepStatus},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    in_parallel,
    samples::{TICK, assert_kind, at, hard_metadata, hard_texts, hard_times, id},
};

/// Makes the tests of a [`RunStore`]. The setup is a future of a [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! run_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(run_store, $setup =>
            a_created_run_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            updating_replaces_everything,
            updating_a_missing_run_is_false_and_creates_nothing,
            deleting_is_final,
            the_list_shows_the_last_created_first,
            filters_combine_with_and,
            pages_never_overlap_or_skip,
            interrupting_touches_only_running_runs,
            every_status_survives,
            texts_and_json_survive,
            times_survive_to_the_microsecond,
        );
    };
}

const STATUSES: [RunStatus; 6] = [
    RunStatus::Canceled,
    RunStatus::Failed,
    RunStatus::Interrupted,
    RunStatus::Pending,
    RunStatus::Running,
    RunStatus::Success,
];

fn run(id_: &str, workflow: &str, created_at: Timestamp) -> RunRecord {
    let steps = vec![
        StepRecord::pending("z".into()),
        StepRecord::pending("a".into()),
    ];
    let mut run = RunRecord::new(id(id_), id(workflow), id("anna"), steps, created_at);
    run.input = json!({ "topic": "tests" });
    run
}

fn running(id_: &str) -> RunRecord {
    let mut run = run(id_, "w", at(0));
    run.status = RunStatus::Running;
    run.steps = ["done", "at work", "to come"]
        .map(|name| StepRecord::pending(name.into()))
        .to_vec();
    for (step, status) in run
        .steps
        .iter_mut()
        .zip([StepStatus::Success, StepStatus::Running])
    {
        step.status = status;
        step.started_at = Some(at(1));
        step.input = Some("asked".into());
    }
    run
}

async fn find(store: &impl RunStore, text: &str) -> Option<RunRecord> {
    store.find(&id(text)).await.unwrap()
}

async fn listed(store: &impl RunStore, filter: &RunFilter) -> Vec<String> {
    let page = Page::new(0, Page::MAX_SIZE).unwrap();
    let paged = store.list(filter, page).await.unwrap();
    assert_eq!(paged.total, paged.rows.len() as u64);
    paged.rows.into_iter().map(|run| run.id.into()).collect()
}

/// What was created comes back equal, with its steps in their order.
pub async fn a_created_run_is_found_as_it_was(store: Arc<impl RunStore>) {
    let new = run("new", "w", at(0));
    let mut full = running("full");
    full.error = Some("broken".into());
    full.output = Some(json!("out"));
    store.create(new.clone()).await.unwrap();
    store.create(full.clone()).await.unwrap();

    assert_eq!(find(&*store, "new").await, Some(new));
    assert_eq!(find(&*store, "full").await, Some(full));
    assert_eq!(find(&*store, "other").await, None);
}

/// The second create of an id fails and the first one stays as it was.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(store: Arc<impl RunStore>) {
    store.create(run("a", "first", at(0))).await.unwrap();

    let second = store.create(run("a", "second", at(0))).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(find(&*store, "a").await, Some(run("a", "first", at(0))));
}

/// Many who create the same id at once: one succeeds.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl RunStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let workflow = format!("w-{number}");
        async move {
            let run = run("a", &workflow, at(0));
            store.create(run).await.map(|()| workflow)
        }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().collect();
    let kept = find(&*store, "a").await.unwrap().workflow_id;
    assert_eq!(winners, [kept.as_str()]);
}

/// An update leaves nothing of the old run and touches no other.
pub async fn updating_replaces_everything(store: Arc<impl RunStore>) {
    store.create(running("a")).await.unwrap();
    store.create(running("b")).await.unwrap();
    let mut changed = run("a", "w", at(0));
    changed.status = RunStatus::Failed;
    changed.error = Some("broken".into());
    changed.output = Some(json!({ "partial": true }));
    changed.steps.truncate(1);
    changed.updated_at = at(60);

    assert!(store.update(changed.clone()).await.unwrap());

    assert_eq!(find(&*store, "a").await, Some(changed));
    assert_eq!(find(&*store, "b").await, Some(running("b")));
}

/// An update never creates.
pub async fn updating_a_missing_run_is_false_and_creates_nothing(store: Arc<impl RunStore>) {
    assert!(!store.update(running("a")).await.unwrap());
    assert!(listed(&*store, &RunFilter::default()).await.is_empty());
}

/// A deleted run is gone.
pub async fn deleting_is_final(store: Arc<impl RunStore>) {
    store.create(running("a")).await.unwrap();
    store.create(running("b")).await.unwrap();

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert!(!store.update(running("a")).await.unwrap());
    assert_eq!(listed(&*store, &RunFilter::default()).await, ["b"]);
}

/// The newest run comes first, to the microsecond, whenever it was last changed.
pub async fn the_list_shows_the_last_created_first(store: Arc<impl RunStore>) {
    for (name, created_at) in [
        ("old", at(0)),
        ("newest", at(9) + TICK),
        ("oldest", at(0) - TICK),
        ("new", at(9)),
    ] {
        store.create(run(name, "w", created_at)).await.unwrap();
    }
    let mut changed = run("old", "w", at(0));
    changed.updated_at = at(99);
    store.update(changed).await.unwrap();

    let ids = listed(&*store, &RunFilter::default()).await;

    assert_eq!(ids, ["newest", "new", "old", "oldest"]);
}

/// Each condition narrows; both ends of the time belong to it.
pub async fn filters_combine_with_and(store: Arc<impl RunStore>) {
    for workflow in ["v", "w"] {
        for (seconds, status) in (0..).zip(STATUSES) {
            let mut run = run(&format!("{workflow}{seconds}"), workflow, at(seconds));
            run.status = status;
            store.create(run).await.unwrap();
        }
    }
    let mut filter = RunFilter::default();
    assert_eq!(listed(&*store, &filter).await.len(), 12);

    filter.status = Some(RunStatus::Running);
    let mut ids = listed(&*store, &filter).await;
    ids.sort();
    assert_eq!(ids, ["v4", "w4"]);

    filter.workflow_id = Some(id("w"));
    assert_eq!(listed(&*store, &filter).await, ["w4"]);

    filter.status = None;
    filter.from = Some(at(2));
    assert_eq!(listed(&*store, &filter).await, ["w5", "w4", "w3", "w2"]);

    filter.to = Some(at(4));
    assert_eq!(listed(&*store, &filter).await, ["w4", "w3", "w2"]);

    filter.from = Some(at(2) + TICK);
    filter.to = Some(at(4) - TICK);
    assert_eq!(listed(&*store, &filter).await, ["w3"]);

    filter.status = Some(RunStatus::Success);
    assert!(listed(&*store, &filter).await.is_empty());

    filter = RunFilter::default();
    filter.workflow_id = Some(id("_"));
    assert!(listed(&*store, &filter).await.is_empty());
}

/// The pages of a list hold each row once, also where many share one time, and each tells the
/// number of all.
pub async fn pages_never_overlap_or_skip(store: Arc<impl RunStore>) {
    for number in 0..25 {
        let run = run(&format!("r-{number}"), "w", at(number / 9));
        store.create(run).await.unwrap();
    }
    let mut seen = HashSet::new();

    for (number, rows) in (0..).zip([7, 7, 7, 4, 0]) {
        let page = Page::new(number, 7).unwrap();
        let paged = store.list(&RunFilter::default(), page).await.unwrap();
        assert_eq!(paged.total, 25);
        assert_eq!(paged.rows.len(), rows);
        for run in paged.rows {
            assert!(seen.insert(run.id.clone()), "{} came twice", run.id);
        }
    }

    assert_eq!(seen.len(), 25);
}

/// Runs at work become interrupted, their steps at work pending as if they had not begun, and
/// nothing else changes.
pub async fn interrupting_touches_only_running_runs(store: Arc<impl RunStore>) {
    for status in STATUSES {
        let mut run = running(&format!("{status:?}"));
        run.status = status;
        store.create(run).await.unwrap();
    }
    store.create(running("second")).await.unwrap();

    assert_eq!(store.interrupt_running(at(60)).await.unwrap(), 2);

    for name in ["Running", "second"] {
        let mut expected = running(name);
        expected.status = RunStatus::Interrupted;
        expected.updated_at = at(60);
        for step in &mut expected.steps {
            if step.status == StepStatus::Running {
                *step = StepRecord::pending(step.id.clone());
            }
        }
        assert_eq!(find(&*store, name).await, Some(expected));
    }
    for status in STATUSES {
        if status != RunStatus::Running {
            let name = format!("{status:?}");
            let mut expected = running(&name);
            expected.status = status;
            assert_eq!(find(&*store, &name).await, Some(expected));
        }
    }
    assert_eq!(store.interrupt_running(at(61)).await.unwrap(), 0);
}

/// Each status of a run and of a step comes back.
pub async fn every_status_survives(store: Arc<impl RunStore>) {
    for status in STATUSES {
        let mut run = run(&format!("{status:?}"), "w", at(0));
        run.status = status;
        run.steps = [
            StepStatus::Canceled,
            StepStatus::Failed,
            StepStatus::Pending,
            StepStatus::Running,
            StepStatus::Success,
        ]
        .map(|status| {
            let mut step = StepRecord::pending(format!("{status:?}"));
            step.status = status;
            step
        })
        .to_vec();
        store.create(run.clone()).await.unwrap();

        assert_eq!(find(&*store, run.id.as_str()).await, Some(run));
    }
}

/// Every text comes back byte for byte, and JSON equal, from `create` and from `update`.
pub async fn texts_and_json_survive(store: Arc<impl RunStore>) {
    store.create(run("updated", "w", at(0))).await.unwrap();
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut record = run(&format!("created-{number}"), "w", at(0));
        record.error = Some(text.clone());
        record.input = Value::Object(hard_metadata());
        record.output = Some(Value::String(text.clone()));
        for step in &mut record.steps {
            step.error = Some(text.clone());
            step.input = Some(text.clone());
            step.output = Some(text.clone());
        }
        store.create(record.clone()).await.unwrap();
        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);

        record.id = id("updated");
        record.output = Some(Value::Null);
        assert!(store.update(record.clone()).await.unwrap());
        assert_eq!(find(&*store, "updated").await, Some(record));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl RunStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut record = run(&format!("r-{number}"), "w", time);
        record.updated_at = time + TICK;
        for step in &mut record.steps {
            step.started_at = Some(time);
            step.ended_at = Some(time + TICK);
        }
        store.create(record.clone()).await.unwrap();

        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);
    }
}
