use ee_core::{
    ErrorKind, RunId,
    host::{RunEvent, WorkflowHost as _},
    storage::{RunStatus, StepStatus},
};
use futures_util::StreamExt as _;

use crate::world::{World, shape, shapes, step};

#[tokio::test]
async fn a_pending_run_can_be_cancelled_and_whoever_watches_hears_of_it() {
    let world = World::new();
    let run = world.run(vec![step("a", "ok", "x")]).await;
    let mut watching = world.watch(&run).await;
    let first = watching.next().await.unwrap();

    let canceled = world.workflows.cancel(&run).await.unwrap();

    assert_eq!(shape(&first), "started Pending");
    assert_eq!(canceled.status, RunStatus::Canceled);
    assert_eq!(World::end(watching).await, canceled);
    assert_eq!(world.start_error(&run).await, ErrorKind::Conflict);
}

#[tokio::test]
async fn watching_gives_the_state_and_then_every_later_event() {
    let world = World::new();
    let run = world
        .run(vec![step("a", "ok", "x"), step("b", "gate", "x")])
        .await;
    let _events = world.start(&run).await;
    while world.script.asked().len() < 2 {
        tokio::task::yield_now().await;
    }

    let mut watching = world.watch(&run).await;
    let Some(RunEvent::Started(now)) = watching.next().await else {
        panic!("must tell the state first")
    };
    world.script.gate.add_permits(1);
    let later: Vec<_> = watching.collect().await;

    let statuses: Vec<_> = now.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Success, StepStatus::Running]);
    assert_eq!(shapes(&later), ["b Success", "finished Success"]);
}

#[tokio::test]
async fn watching_from_any_moment_misses_nothing_and_doubles_nothing() {
    for moment in 0..80 {
        let world = World::new();
        let steps = vec![step("a", "ok", "x"), step("b", "ok", "x")];
        let run = world.run(steps).await;
        drop(world.start(&run).await);
        for _ in 0..moment {
            tokio::task::yield_now().await;
        }

        let events: Vec<_> = world.watch(&run).await.collect().await;

        let RunEvent::Started(first) = &events[0] else {
            panic!("must tell the state first")
        };
        let mut told = first.clone();
        for event in &events[1..] {
            if let RunEvent::Step(step) = event {
                let kept = told
                    .steps
                    .iter_mut()
                    .find(|kept| kept.id == step.id)
                    .unwrap();
                let before = match step.status {
                    StepStatus::Running => StepStatus::Pending,
                    _ => StepStatus::Running,
                };
                assert_eq!(kept.status, before, "missed or doubled at {moment}");
                *kept = step.clone();
            }
        }
        let Some(RunEvent::Finished(last)) = events.last() else {
            panic!("must finish at {moment}")
        };
        assert_eq!(told.steps, last.steps, "missed at {moment}");
    }
}

#[tokio::test]
async fn a_run_that_is_over_is_told_and_done() {
    let world = World::new();
    let run = world.run(vec![step("a", "ok", "x")]).await;
    World::end(world.start(&run).await).await;

    let events: Vec<_> = world.watch(&run).await.collect().await;
    let unknown = world.workflows.watch(&RunId::random()).await.unwrap();

    assert_eq!(shapes(&events), ["started Success", "finished Success"]);
    assert!(unknown.is_none());
}

#[tokio::test]
async fn whoever_watches_a_pending_run_hears_it_start() {
    let world = World::new();
    let run = world.run(vec![step("a", "ok", "x")]).await;
    let watching = world.watch(&run).await;

    drop(world.start(&run).await);
    let events: Vec<_> = watching.collect().await;

    assert_eq!(
        shapes(&events),
        [
            "started Pending",
            "started Running",
            "a Running",
            "a Success",
            "finished Success"
        ]
    );
}
