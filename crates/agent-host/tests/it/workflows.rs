use ee_core::storage::Page;
use ee_core::{
    ErrorKind, Visible, WorkflowId,
    host::{NewWorkflow, WorkflowHost as _},
    storage::RunFilter,
};
use serde_json::json;

use crate::world::{World, step};

fn named(name: &str) -> NewWorkflow {
    let mut new = NewWorkflow::default();
    name.clone_into(&mut new.name);
    new.steps = vec![step("a", "ok", "{{input}}")];
    new
}

#[tokio::test]
async fn a_workflow_without_an_id_gets_one_from_its_name() {
    let world = World::new();

    let first = world
        .workflows
        .create(named("Brief & review"))
        .await
        .unwrap();
    let second = world.workflows.create(named("Brief review")).await.unwrap();

    assert_eq!(first.id.as_str(), "brief-review");
    assert_eq!(second.id.as_str(), "brief-review-2");
    assert_eq!(
        world
            .workflows
            .list(&Visible::EVERYTHING)
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn the_creator_and_the_owner_of_a_new_workflow_are_kept() {
    let world = World::new();
    for owner in [Some("anna"), None] {
        let mut new = named("A");
        new.created_by = Some("berta".parse().unwrap());
        new.owner = owner.map(|it| it.parse().unwrap());
        let created = world.workflows.create(new).await.unwrap();
        assert_eq!(created.created_by, Some("berta".parse().unwrap()));
    }

    let owners = world.store.owners.lock().unwrap().clone();
    assert_eq!(owners, [("a".to_owned(), "anna".to_owned())]);
}

#[tokio::test]
async fn all_wrong_fields_of_a_workflow_are_named() {
    let world = World::new();
    let mut new = named("");
    new.description = Some("x".repeat(501));
    new.input_schema = Some(json!([]));
    new.steps = vec![step("a", "ok", "{{steps.b.output}}")];

    let err = world.workflows.create(new).await.unwrap_err();

    let fields: Vec<_> = err.issues().iter().map(|i| i.field.as_str()).collect();
    assert_eq!(err.kind(), ErrorKind::Invalid);
    assert_eq!(
        fields,
        ["name", "description", "inputSchema", "steps.0.prompt"]
    );
}

#[tokio::test]
async fn a_given_id_that_is_taken_is_a_conflict() {
    let world = World::new();
    let mut new = named("A");
    new.id = Some(WorkflowId::new("mine").unwrap());
    world.workflows.create(new.clone()).await.unwrap();

    let err = world.workflows.create(new).await.unwrap_err();

    assert_eq!(err.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_workflow_goes_with_its_runs_but_not_while_one_is_at_work() {
    let world = World::new();
    let run = world.run(vec![step("a", "gate", "x")]).await;
    let events = world.workflows.start(&run, json!(null)).await.unwrap();
    let id = world.workflow_of(&run).await;

    let err = world.workflows.delete(&id).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Conflict);

    world.script.gate.add_permits(1);
    World::end(events).await;
    world.workflows.delete(&id).await.unwrap();

    assert!(world.workflows.find(&id).await.unwrap().is_none());
    let page = Page::new(0, 10).unwrap();
    let runs = world.workflows.list_runs(&RunFilter::default(), page).await;
    assert_eq!(runs.unwrap().total, 0);
    let again = world.workflows.delete(&id).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
}
