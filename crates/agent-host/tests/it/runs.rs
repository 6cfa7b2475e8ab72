use ee_core::{
    ErrorKind, UserId, WorkflowId,
    host::{RunEvent, WorkflowHost as _},
    storage::{RunStatus, StepStatus},
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::world::{World, shapes, step};

#[tokio::test]
async fn steps_run_in_order_and_use_what_earlier_ones_said() {
    let world = World::new();
    let steps = vec![
        step("a", "ok", "in: {{input.n}}"),
        step("b", "ok", "then: {{steps.a.output}}"),
    ];
    let run = world.run(steps).await;

    let events: Vec<_> = world.start(&run).await.collect().await;

    assert_eq!(
        shapes(&events),
        [
            "started Running",
            "a Running",
            "a Success",
            "b Running",
            "b Success",
            "finished Success"
        ]
    );
    assert_eq!(world.script.asked(), ["in: x", "then: <in: x>"]);
    let run = world.find(&run).await;
    assert_eq!(run.output, Some(json!("<then: <in: x>>")));
    assert_eq!(run.input, json!({ "n": "x" }));
    assert_eq!(run.steps[1].input.as_deref(), Some("then: <in: x>"));
}

#[tokio::test]
async fn every_change_is_kept_before_it_is_announced() {
    let world = World::new();
    let run = world
        .run(vec![step("a", "ok", "x"), step("b", "fail", "x")])
        .await;
    let mut events = world.start(&run).await;

    while let Some(event) = events.next().await {
        let log = world.store.run_log.lock().unwrap();
        let kept = match &event {
            RunEvent::Started(run) | RunEvent::Finished(run) => log.contains(run),
            RunEvent::Step(step) => log.iter().any(|run| run.steps.contains(step)),
            _ => false,
        };
        assert!(kept, "{event:?}");
    }
}

#[tokio::test]
async fn a_step_that_fails_ends_the_run_and_is_named() {
    for (agent, prompt, reason) in [
        ("fail", "x", "the model is away"),
        ("nobody", "x", "there is no agent `nobody`"),
        (
            "ok",
            "{{input.y}}",
            "the input has no value for `{{input.y}}`",
        ),
        ("panic", "x", "internal error"),
        ("once", "x", "internal error"),
    ] {
        let world = World::new();
        let steps = vec![step("bad", agent, prompt), step("later", "ok", "x")];
        let run = world.run(steps).await;

        let run = World::end(world.start(&run).await).await;

        assert_eq!(run.status, RunStatus::Failed);
        assert_eq!(run.steps[0].status, StepStatus::Failed);
        assert_eq!(run.steps[0].error.as_deref(), Some(reason));
        assert_eq!(run.error, Some(format!("step `bad` failed: {reason}")));
        assert_eq!(run.steps[1].status, StepStatus::Pending);
        assert_eq!(world.find(&run.id).await, run);
    }
}

#[tokio::test]
async fn a_run_is_started_once() {
    let world = World::new();
    let run = world.run(vec![step("a", "gate", "x")]).await;

    let (first, second) = tokio::join!(
        world.workflows.start(&run, Value::Null),
        world.workflows.start(&run, Value::Null),
    );
    let outcomes = [first.is_ok(), second.is_ok()];
    world.script.gate.add_permits(1);
    for events in [first, second].into_iter().flatten() {
        World::end(events).await;
    }

    assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 1);
    assert_eq!(world.script.asked().len(), 1);
    assert_eq!(world.start_error(&run).await, ErrorKind::Conflict);
    assert_eq!(world.restart_error(&run).await, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_listens() {
    let world = World::new();
    let run = world.run(vec![step("a", "gate", "x")]).await;

    drop(world.start(&run).await);
    world.script.gate.add_permits(1);
    world.background.tasks().close();
    world.background.tasks().wait().await;

    assert_eq!(world.find(&run).await.status, RunStatus::Success);
}

#[tokio::test]
async fn a_start_that_nobody_waits_for_leaves_the_run_pending_or_runs_it() {
    for polls in 1..24 {
        let world = World::new();
        let run = world.run(vec![step("a", "ok", "x")]).await;
        {
            let mut starting = Box::pin(world.workflows.start(&run, Value::Null));
            for _ in 0..polls {
                if futures_util::poll!(&mut starting).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        world.background.tasks().close();
        world.background.tasks().wait().await;

        let status = world.find(&run).await.status;
        assert!(
            matches!(status, RunStatus::Pending | RunStatus::Success),
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn a_run_is_deleted_when_it_is_not_at_work() {
    let world = World::new();
    let run = world.run(vec![step("a", "gate", "x")]).await;
    let watching = world.watch(&run).await;
    let events = world.start(&run).await;

    let err = world.workflows.delete_run(&run).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Conflict);
    world.script.gate.add_permits(1);
    World::end(events).await;
    World::end(watching).await;
    world.workflows.delete_run(&run).await.unwrap();

    let err = world.workflows.delete_run(&run).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::NotFound);
    assert_eq!(world.start_error(&run).await, ErrorKind::NotFound);
    assert_eq!(world.cancel_error(&run).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn the_id_of_a_run_is_taken_once() {
    let world = World::new();
    let run = world.run(vec![step("a", "ok", "x")]).await;
    let workflow = world.workflow_of(&run).await;
    let owner = UserId::new("ann").unwrap();

    let taken = world
        .workflows
        .create_run(&workflow, Some(run), &owner)
        .await;
    let unknown = WorkflowId::new("unknown").unwrap();
    let missing = world.workflows.create_run(&unknown, None, &owner).await;

    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
}
