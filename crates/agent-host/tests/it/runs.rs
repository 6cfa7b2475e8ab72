use std::sync::{Arc, atomic::Ordering};

use ee_agent_host::{Background, RunLimits, Workflows};
use ee_core::{
    AgentId, ErrorKind, RunId, UserId, WorkflowId,
    host::{NewWorkflow, RunEvent, WorkflowHost as _},
    storage::{RunRecord, RunStatus, RunStore, StepStatus, WorkflowStep},
};
use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};

use crate::{clock::TestClock, script::Script, stores::TestStore};

pub(crate) struct World {
    pub(crate) background: Background,
    pub(crate) script: Arc<Script>,
    pub(crate) store: Arc<TestStore>,
    pub(crate) workflows: Workflows,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(RunLimits::default(), Arc::default())
    }

    fn with(limits: RunLimits, store: Arc<TestStore>) -> Self {
        let background = Background::default();
        let script = Arc::new(Script::default());
        let workflows = Workflows::new(
            store.clone(),
            store.clone(),
            script.clone(),
            Arc::new(TestClock::default()),
            limits,
            background.clone(),
        );
        Self {
            background,
            script,
            store,
            workflows,
        }
    }

    /// Creates a workflow of these steps and a run of it.
    pub(crate) async fn run(&self, steps: Vec<WorkflowStep>) -> RunId {
        let mut new = NewWorkflow::default();
        "W".clone_into(&mut new.name);
        new.steps = steps;
        let workflow = self.workflows.create(new).await.unwrap();
        self.another_run(&workflow.id).await
    }

    async fn another_run(&self, workflow: &WorkflowId) -> RunId {
        let owner = UserId::new("ann").unwrap();
        let run = self.workflows.create_run(workflow, None, &owner).await;
        run.unwrap().id
    }

    pub(crate) async fn workflow_of(&self, run: &RunId) -> WorkflowId {
        self.find(run).await.workflow_id
    }

    async fn find(&self, run: &RunId) -> RunRecord {
        self.workflows.find_run(run).await.unwrap().unwrap()
    }

    async fn start(&self, run: &RunId) -> BoxStream<'static, RunEvent> {
        self.workflows
            .start(run, json!({ "n": "x" }))
            .await
            .unwrap()
    }

    async fn watch(&self, run: &RunId) -> BoxStream<'static, RunEvent> {
        self.workflows.watch(run).await.unwrap().unwrap()
    }

    async fn start_error(&self, run: &RunId) -> ErrorKind {
        match self.workflows.start(run, Value::Null).await {
            Ok(_) => panic!("must be refused"),
            Err(err) => err.kind(),
        }
    }

    async fn restart_error(&self, run: &RunId) -> ErrorKind {
        match self.workflows.restart(run).await {
            Ok(_) => panic!("must be refused"),
            Err(err) => err.kind(),
        }
    }

    async fn cancel_error(&self, run: &RunId) -> ErrorKind {
        self.workflows.cancel(run).await.unwrap_err().kind()
    }

    /// Waits until so many calls of agents are at work.
    async fn until_open(&self, count: usize) {
        while self.script.open.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn end(events: BoxStream<'static, RunEvent>) -> RunRecord {
        let events: Vec<_> = events.collect().await;
        match events.into_iter().last() {
            Some(RunEvent::Finished(run)) => run,
            other => panic!("must finish: {other:?}"),
        }
    }
}

pub(crate) fn step(id: &str, agent: &str, prompt: &str) -> WorkflowStep {
    WorkflowStep {
        agent_id: AgentId::new(agent).unwrap(),
        id: id.to_owned(),
        prompt: prompt.to_owned(),
    }
}

/// Writes events down as `started`, `a running`, `finished Success`.
fn shape(event: &RunEvent) -> String {
    match event {
        RunEvent::Started(run) => format!("started {:?}", run.status),
        RunEvent::Step(step) => format!("{} {:?}", step.id, step.status),
        RunEvent::Finished(run) => format!("finished {:?}", run.status),
        other => format!("{other:?}"),
    }
}

fn shapes(events: &[RunEvent]) -> Vec<String> {
    events.iter().map(shape).collect()
}

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
