//! Runs of workflows as the wire has them.

mod wire;

use ee_core::{
    Error, ErrorKind, RunId, WorkflowId,
    host::RunEvent,
    storage::{Page, RunFilter, RunRecord, RunStatus},
};
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use wire::{base, error, in_list, insert, records, step_results};

use crate::{AuditNote, Cx, Reply, workflows};

/// Body of `POST …/create-run`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct CreateRunBody {
    /// Not used: whose the run is follows from the caller.
    pub resource_id: Option<Value>,
    /// Not used.
    pub disable_scorers: Option<Value>,
    /// Not used.
    pub request_context: Option<Value>,
}

/// Body of `POST …/start`, `…/start-async` and `…/stream`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct StartRunBody {
    /// What the workflow is started with.
    #[serde(default)]
    pub input_data: Value,
    /// Not used.
    pub initial_state: Option<Value>,
    /// Not used.
    pub request_context: Option<Value>,
    /// Not used.
    pub tracing_options: Option<Value>,
    /// Not used.
    pub per_step: Option<Value>,
    /// Not used: whose the run is follows from the caller.
    pub resource_id: Option<Value>,
    /// Not used.
    pub close_on_suspend: Option<Value>,
}

/// Id of a run.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunCreated {
    /// The id.
    pub run_id: RunId,
}

/// One page of runs.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Runs {
    /// The runs of the page, the last created first.
    pub runs: Vec<Value>,
    /// All runs that fit.
    pub total: u64,
}

/// Which runs are wanted.
#[derive(Debug, Default)]
pub struct RunsQuery {
    /// Created not before.
    pub from: Option<Timestamp>,
    /// Created not after.
    pub to: Option<Timestamp>,
    /// Standing here.
    pub status: Option<RunStatus>,
}

/// `GET …/runs`.
pub async fn list(
    cx: &Cx,
    workflow: &WorkflowId,
    query: &RunsQuery,
    page: Page,
) -> Result<Runs, Error> {
    workflows::find(cx, workflow).await?;
    let mut filter = RunFilter::default();
    filter.from = query.from;
    filter.to = query.to;
    filter.status = query.status;
    filter.workflow_id = Some(workflow.clone());
    let found = cx.workflows()?.list_runs(&filter, page).await?;
    Ok(Runs {
        runs: found.rows.iter().map(in_list).collect(),
        total: found.total,
    })
}

/// Returns a run of the workflow. Fails with [`ErrorKind::NotFound`].
pub async fn find(cx: &Cx, workflow: &WorkflowId, id: &RunId) -> Result<RunRecord, Error> {
    let run = cx.workflows()?.find_run(id).await?;
    // A run of another workflow answers like an unknown one: the caller was judged for this workflow alone.
    run.filter(|run| run.workflow_id == *workflow)
        .ok_or_else(not_found)
}

/// `GET …/runs/:runId`. `fields` keeps only the named members beside those that every run has.
pub async fn detail(
    cx: &Cx,
    workflow: &WorkflowId,
    id: &RunId,
    fields: Option<&str>,
) -> Result<Value, Error> {
    let run = find(cx, workflow, id).await?;
    let steps = cx
        .workflows()?
        .find(workflow)
        .await?
        .map(|workflow| workflow.steps)
        .unwrap_or_default();
    let mut body = base(&run);
    let mut optional = Map::new();
    insert(&mut optional, "payload", Some(run.input.clone()));
    insert(&mut optional, "result", run.output.clone());
    insert(&mut optional, "error", run.error.as_deref().map(error));
    insert(
        &mut optional,
        "steps",
        Some(Value::Object(step_results(&run.steps))),
    );
    let graph = workflows::step_graph(&steps);
    insert(
        &mut optional,
        "serializedStepGraph",
        Some(Value::Array(graph)),
    );
    for member in [
        "activeStepsPath",
        "suspendedPaths",
        "resumeLabels",
        "waitingPaths",
    ] {
        insert(&mut optional, member, Some(json!({})));
    }
    if let Some(fields) = fields {
        optional.retain(|name, _| fields.split(',').any(|field| field.trim() == name));
    }
    body.extend(optional);
    Ok(Value::Object(body))
}

/// `POST …/create-run`.
pub async fn create(
    cx: &Cx,
    workflow: &WorkflowId,
    id: Option<RunId>,
) -> Result<Reply<RunCreated>, Error> {
    let run = cx
        .workflows()?
        .create_run(workflow, id, &cx.owner()?)
        .await?;
    let note = note(workflow, &run.id);
    Ok(Reply::new(RunCreated { run_id: run.id }).noted(note))
}

/// `POST …/start`: starts the run and answers at once.
pub async fn start(
    cx: &Cx,
    workflow: &WorkflowId,
    id: &RunId,
    body: StartRunBody,
) -> Result<Reply<Value>, Error> {
    find(cx, workflow, id).await?;
    drop(cx.workflows()?.start(id, body.input_data).await?);
    Ok(Reply::new(json!({ "message": "Workflow run started" })).noted(note(workflow, id)))
}

/// `POST …/start-async`: starts the run, created when no id is given, and answers when it is over.
pub async fn start_and_wait(
    cx: &Cx,
    workflow: &WorkflowId,
    id: Option<RunId>,
    body: StartRunBody,
) -> Result<Reply<Value>, Error> {
    let id = ensure(cx, workflow, id).await?;
    let events = cx.workflows()?.start(&id, body.input_data).await?;
    Ok(Reply::new(wait(cx, &id, events).await?).noted(note(workflow, &id)))
}

/// `POST …/restart-async`: starts a run again and answers when it is over.
pub async fn restart_and_wait(
    cx: &Cx,
    workflow: &WorkflowId,
    id: &RunId,
) -> Result<Reply<Value>, Error> {
    find(cx, workflow, id).await?;
    let events = cx.workflows()?.restart(id).await?;
    Ok(Reply::new(wait(cx, id, events).await?).noted(note(workflow, id)))
}

/// `POST …/restart`: starts a run again and answers at once.
pub async fn restart(cx: &Cx, workflow: &WorkflowId, id: &RunId) -> Result<Reply<Value>, Error> {
    find(cx, workflow, id).await?;
    drop(cx.workflows()?.restart(id).await?);
    Ok(Reply::new(json!({ "message": "Workflow run restarted" })).noted(note(workflow, id)))
}

/// `POST …/stream`: starts the run, created when no id is given, and tells what happens; each record is JSON.
pub async fn stream(
    cx: &Cx,
    workflow: &WorkflowId,
    id: Option<RunId>,
    body: StartRunBody,
) -> Result<Reply<BoxStream<'static, String>>, Error> {
    let id = ensure(cx, workflow, id).await?;
    let events = cx.workflows()?.start(&id, body.input_data).await?;
    let events = cx.until_revoked(events);
    Ok(Reply::new(records(id.clone(), events)).noted(note(workflow, &id)))
}

/// `POST …/observe`: tells what has happened and what still happens.
pub async fn observe(
    cx: &Cx,
    workflow: &WorkflowId,
    id: &RunId,
) -> Result<BoxStream<'static, String>, Error> {
    find(cx, workflow, id).await?;
    let events = cx.workflows()?.watch(id).await?.ok_or_else(not_found)?;
    Ok(records(id.clone(), cx.until_revoked(events)))
}

/// `POST …/runs/:runId/cancel`.
pub async fn cancel(cx: &Cx, workflow: &WorkflowId, id: &RunId) -> Result<Reply<Value>, Error> {
    find(cx, workflow, id).await?;
    cx.workflows()?.cancel(id).await?;
    Ok(Reply::new(json!({ "message": "Workflow run cancelled" })).noted(note(workflow, id)))
}

/// `DELETE …/runs/:runId`.
pub async fn delete(cx: &Cx, workflow: &WorkflowId, id: &RunId) -> Result<Reply<Value>, Error> {
    find(cx, workflow, id).await?;
    cx.workflows()?.delete_run(id).await?;
    Ok(Reply::new(json!({ "message": "Workflow run deleted" })).noted(note(workflow, id)))
}

async fn ensure(cx: &Cx, workflow: &WorkflowId, id: Option<RunId>) -> Result<RunId, Error> {
    match id {
        Some(id) => find(cx, workflow, &id).await.map(|run| run.id),
        None => Ok(cx
            .workflows()?
            .create_run(workflow, None, &cx.owner()?)
            .await?
            .id),
    }
}

async fn wait(
    cx: &Cx,
    id: &RunId,
    mut events: BoxStream<'static, RunEvent>,
) -> Result<Value, Error> {
    let mut finished = None;
    while let Some(event) = events.next().await {
        if let RunEvent::Finished(run) = event {
            finished = Some(run);
        }
    }
    let run = match finished {
        Some(run) => run,
        None => cx.workflows()?.find_run(id).await?.ok_or_else(not_found)?,
    };
    let mut steps = step_results(&run.steps);
    steps.insert("input".to_owned(), run.input.clone());
    let path: Vec<&str> = run
        .steps
        .iter()
        .filter(|step| step.started_at.is_some())
        .map(|step| step.id.as_str())
        .collect();
    let mut body = Map::new();
    insert(&mut body, "status", Some(json!(run.status)));
    insert(&mut body, "stepExecutionPath", Some(json!(path)));
    insert(&mut body, "steps", Some(Value::Object(steps)));
    insert(&mut body, "input", Some(run.input.clone()));
    insert(&mut body, "result", run.output);
    insert(&mut body, "error", run.error.as_deref().map(error));
    insert(&mut body, "runId", Some(json!(run.id)));
    Ok(Value::Object(body))
}

fn note(workflow: &WorkflowId, run: &RunId) -> AuditNote {
    AuditNote::about("workflow", workflow.as_str(), None).with("runId", run.as_str())
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "Workflow run not found")
}
