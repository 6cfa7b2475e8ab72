use std::sync::{Arc, atomic::Ordering};

use ee_agent_host::RunLimits;
use ee_core::{
    ErrorKind,
    host::WorkflowHost as _,
    storage::{RunStatus, RunStore, StepStatus},
};
use futures_util::StreamExt as _;
use serde_json::json;

use crate::world::{World, shapes, step};

#[tokio::test]
async fn cancelling_stops_the_step_at_work() {
    let world = World::new();
    let run = world.run(vec![
        step("a", "ok", "x"),
        step("b", "hang", "x"),
        step("c", "ok", "x"),
    ]);
    let run = run.await;
    let events = world.start(&run).await;
    while world.script.asked().len() < 2 {
        tokio::task::yield_now().await;
    }

    let canceled = world.workflows.cancel(&run).await.unwrap();

    assert_eq!(world.script.open.load(Ordering::SeqCst), 0);
    let statuses: Vec<_> = canceled.steps.iter().map(|step| step.status).collect();
    assert_eq!(canceled.status, RunStatus::Canceled);
    assert_eq!(
        statuses,
        [
            StepStatus::Success,
            StepStatus::Canceled,
            StepStatus::Pending
        ]
    );
    assert_eq!(World::end(events).await, canceled);
    assert_eq!(world.find(&run).await, canceled);
    assert_eq!(world.cancel_error(&run).await, ErrorKind::Conflict);
}

#[tokio::test]
async fn cancelling_at_any_moment_ends_the_run_once() {
    for moment in 0..80 {
        let world = World::new();
        let run = world
            .run(vec![step("a", "ok", "x"), step("b", "ok", "x")])
            .await;
        let events = world.start(&run).await;
        for _ in 0..moment {
            tokio::task::yield_now().await;
        }

        let canceled = world.workflows.cancel(&run).await;

        let end = World::end(events).await;
        match canceled {
            Ok(run) => assert_eq!((run.status, &run), (RunStatus::Canceled, &end)),
            Err(err) => {
                assert_eq!(err.kind(), ErrorKind::Conflict);
                assert_eq!(end.status, RunStatus::Success);
            }
        }
        assert_eq!(world.find(&run).await, end);
    }
}

#[tokio::test]
async fn a_run_is_started_again_right_after_it_was_cancelled() {
    let world = World::new();
    let run = world
        .run(vec![step("a", "ok", "x"), step("b", "gate", "x")])
        .await;
    let _events = world.start(&run).await;
    world.until_open(1).await;
    world.workflows.cancel(&run).await.unwrap();

    let events = world.workflows.restart(&run).await.unwrap();
    world.script.gate.add_permits(1);
    let end = World::end(events).await;

    assert_eq!(end.status, RunStatus::Success);
}

#[tokio::test]
async fn a_restart_keeps_what_succeeded() {
    let world = World::new();
    let steps = vec![
        step("a", "ok", "first"),
        step("b", "gate", "{{steps.a.output}}"),
    ];
    let run = world.run(steps).await;
    let events = world.start(&run).await;
    while world.script.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    world.background.stop().await;
    let interrupted = World::end(events).await;
    assert_eq!(interrupted.status, RunStatus::Interrupted);
    assert_eq!(interrupted.steps[1].status, StepStatus::Pending);
    assert_eq!(world.start_error(&run).await, ErrorKind::Unavailable);

    // The next process.
    let world = World::with(RunLimits::default(), world.store.clone());
    assert_eq!(world.workflows.recover().await.unwrap(), 0);
    assert_eq!(world.cancel_error(&run).await, ErrorKind::Conflict);
    world.script.gate.add_permits(1);
    let events: Vec<_> = world.workflows.restart(&run).await.unwrap().collect().await;

    assert_eq!(
        shapes(&events),
        [
            "started Running",
            "b Running",
            "b Success",
            "finished Success"
        ]
    );
    assert_eq!(world.script.asked(), ["<first>"]);
    let run = world.find(&run).await;
    assert_eq!(run.output, Some(json!("<<first>>")));
    assert_eq!(run.input, json!({ "n": "x" }));
}

#[tokio::test]
async fn a_run_that_died_with_its_process_is_interrupted_and_can_be_restarted() {
    let world = World::new();
    let run = world.run(vec![step("a", "ok", "x")]).await;
    let mut died = world.find(&run).await;
    died.status = RunStatus::Running;
    died.steps[0].status = StepStatus::Running;
    RunStore::update(&*world.store, died).await.unwrap();

    assert_eq!(world.workflows.recover().await.unwrap(), 1);
    assert_eq!(world.find(&run).await.status, RunStatus::Interrupted);
    let end = World::end(world.workflows.restart(&run).await.unwrap()).await;

    assert_eq!(end.status, RunStatus::Success);
}

#[tokio::test]
async fn a_failed_run_can_be_restarted() {
    let world = World::new();
    let run = world.run(vec![step("a", "once", "x")]).await;
    let failed = World::end(world.start(&run).await).await;

    let end = World::end(world.workflows.restart(&run).await.unwrap()).await;

    assert_eq!(failed.status, RunStatus::Failed);
    assert_eq!((end.status, end.error), (RunStatus::Success, None));
    assert_eq!(end.steps[0].error, None);
}

#[tokio::test]
async fn runs_beyond_the_bound_wait_and_beyond_the_queue_are_refused() {
    let mut limits = RunLimits::default();
    limits.concurrent = 1;
    limits.queued = 1;
    let world = World::with(limits, Arc::default());
    let first = world.run(vec![step("a", "gate", "x")]).await;
    let workflow = world.workflow_of(&first).await;
    let second = world.another_run(&workflow).await;
    let third = world.another_run(&workflow).await;

    let first_events = world.start(&first).await;
    let second_events = world.start(&second).await;
    world.until_open(1).await;

    assert_eq!(world.start_error(&third).await, ErrorKind::RateLimited);
    assert_eq!(world.find(&third).await.status, RunStatus::Pending);
    assert_eq!(
        world.find(&second).await.steps[0].status,
        StepStatus::Pending
    );

    world.workflows.cancel(&second).await.unwrap();
    assert_eq!(World::end(second_events).await.status, RunStatus::Canceled);
    world.script.gate.add_permits(1);
    assert_eq!(World::end(first_events).await.status, RunStatus::Success);
}

#[tokio::test]
async fn a_waiting_run_takes_its_turn() {
    let mut limits = RunLimits::default();
    limits.concurrent = 1;
    let world = World::with(limits, Arc::default());
    let first = world.run(vec![step("a", "gate", "x")]).await;
    let second = world.another_run(&world.workflow_of(&first).await).await;
    let _events = world.start(&first).await;
    let events = world.start(&second).await;

    world.script.gate.add_permits(2);

    assert_eq!(World::end(events).await.status, RunStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_away_fails_the_run_and_lets_nobody_wait() {
    let world = World::new();
    let run = world.run(vec![step("a", "gate", "x")]).await;
    let events = world.start(&run).await;
    world.until_open(1).await;

    world.store.broken.store(true, Ordering::SeqCst);
    world.script.gate.add_permits(1);
    let end = World::end(events).await;

    assert_eq!(end.status, RunStatus::Failed);
    assert_eq!(world.find(&run).await.status, RunStatus::Running);
    world.store.broken.store(false, Ordering::SeqCst);
    assert_eq!(world.workflows.recover().await.unwrap(), 1);
}

#[tokio::test]
async fn a_run_whose_store_is_away_does_not_start() {
    let world = World::new();
    let run = world.run(vec![step("a", "ok", "x")]).await;
    world.store.broken.store(true, Ordering::SeqCst);

    assert_eq!(world.start_error(&run).await, ErrorKind::Unavailable);

    world.store.broken.store(false, Ordering::SeqCst);
    let end = World::end(world.start(&run).await).await;
    assert_eq!(end.status, RunStatus::Success);
}

#[tokio::test]
async fn a_shutdown_interrupts_runs_that_wait_for_their_turn() {
    let mut limits = RunLimits::default();
    limits.concurrent = 1;
    let world = World::with(limits, Arc::default());
    let first = world.run(vec![step("a", "hang", "x")]).await;
    let second = world.another_run(&world.workflow_of(&first).await).await;
    let _events = world.start(&first).await;
    let _more = world.start(&second).await;

    world.background.stop().await;

    for run in [first, second] {
        assert_eq!(world.find(&run).await.status, RunStatus::Interrupted);
    }
}
