use std::sync::Arc;

use ee_agent_host::{Agents, Background, Models, ModelsConfig, RunLimits, Workflows};
use ee_core::{
    SystemClock, UserId, Visible, WorkflowId,
    host::{AgentHost as _, RunEvent, WorkflowHost as _},
    storage::RunStatus,
};
use futures_util::StreamExt as _;
use serde_json::json;

use crate::stores::TestStore;

fn hosts() -> (Arc<Agents>, Workflows) {
    let store = Arc::new(TestStore::default());
    let clock = Arc::new(SystemClock);
    let mut config = ModelsConfig::default();
    config.word_delay_ms = 0;
    let agents = Arc::new(Agents::new(
        store.clone(),
        store.clone(),
        Arc::new(Models::new(config).unwrap()),
        clock.clone(),
        Background::default(),
    ));
    let workflows = Workflows::new(
        store.clone(),
        store,
        agents.clone(),
        clock,
        RunLimits::default(),
        Background::default(),
    );
    (agents, workflows)
}

#[tokio::test]
async fn samples_are_created_once() {
    let (agents, workflows) = hosts();

    assert!(workflows.seed().await.unwrap());
    assert!(!workflows.seed().await.unwrap());

    assert_eq!(agents.list(&Visible::EVERYTHING).await.unwrap().len(), 3);
    assert_eq!(workflows.list(&Visible::EVERYTHING).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_sample_workflow_runs_with_the_built_in_model() {
    let (_, workflows) = hosts();
    workflows.seed().await.unwrap();
    let id = WorkflowId::new("briefing").unwrap();
    let owner = UserId::new("ann").unwrap();
    let run = workflows.create_run(&id, None, &owner).await.unwrap();

    let input = json!({ "topic": "Passkeys", "audience": "developers" });
    let events: Vec<_> = workflows
        .start(&run.id, input)
        .await
        .unwrap()
        .collect()
        .await;

    let Some(RunEvent::Finished(run)) = events.last() else {
        panic!("must finish")
    };
    assert_eq!(run.status, RunStatus::Success, "{:?}", run.error);
    assert!(run.steps[0].input.as_ref().unwrap().contains("Passkeys"));
}

#[tokio::test]
async fn the_sample_workflow_refuses_a_wrong_input() {
    let (_, workflows) = hosts();
    workflows.seed().await.unwrap();
    let id = WorkflowId::new("briefing").unwrap();
    let owner = UserId::new("ann").unwrap();
    let run = workflows.create_run(&id, None, &owner).await.unwrap();

    let Err(err) = workflows.start(&run.id, json!({ "topic": 1 })).await else {
        panic!("must be refused")
    };

    let fields: Vec<_> = err.issues().iter().map(|i| i.field.as_str()).collect();
    assert_eq!(fields, ["input.audience", "input.topic"]);
    let run = workflows.find_run(&run.id).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Pending);
}
