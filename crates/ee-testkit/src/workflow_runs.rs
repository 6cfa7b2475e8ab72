//! Cases for a store that keeps workflows and their runs together.

use std::sync::Arc;

use ee_core::storage::{
    Page, RunFilter, RunRecord, RunStore, StepRecord, WorkflowRecord, WorkflowStore,
};

use crate::samples::{at, id};

/// Makes the tests of a [`WorkflowStore`] that is a [`RunStore`] too. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! workflow_runs_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(workflow_runs, $setup =>
            deleting_a_workflow_deletes_its_runs_and_no_others,
            updating_a_workflow_keeps_its_runs,
        );
    };
}

async fn seed(store: &(impl WorkflowStore + RunStore)) {
    for name in ["a", "b"] {
        let workflow = WorkflowRecord::new(id(name), name.into(), Vec::new(), at(0));
        WorkflowStore::create(store, workflow, None).await.unwrap();
        for number in 0..3 {
            let steps = vec![StepRecord::pending("one".into())];
            let run_id = id(format!("{name}-{number}"));
            let run = RunRecord::new(run_id, id(name), id("anna"), steps, at(number));
            RunStore::create(store, run).await.unwrap();
        }
    }
}

async fn runs_of(store: &impl RunStore, workflow: &str) -> u64 {
    let mut filter = RunFilter::default();
    filter.workflow_id = Some(id(workflow));
    let page = Page::new(0, 10).unwrap();
    store.list(&filter, page).await.unwrap().total
}

/// No run outlives its workflow.
pub async fn deleting_a_workflow_deletes_its_runs_and_no_others(
    store: Arc<impl WorkflowStore + RunStore>,
) {
    seed(&*store).await;

    assert!(WorkflowStore::delete(&*store, &id("a")).await.unwrap());

    assert_eq!(runs_of(&*store, "a").await, 0);
    assert_eq!(runs_of(&*store, "b").await, 3);
    let gone = RunStore::find(&*store, &id("a-0")).await.unwrap();
    assert!(gone.is_none());
}

/// Changing a workflow is not deleting and creating it.
pub async fn updating_a_workflow_keeps_its_runs(store: Arc<impl WorkflowStore + RunStore>) {
    seed(&*store).await;
    let changed = WorkflowRecord::new(id("a"), "Changed".into(), Vec::new(), at(9));

    assert!(WorkflowStore::update(&*store, changed).await.unwrap());

    assert_eq!(runs_of(&*store, "a").await, 3);
}
