//! Workflows as the wire has them.

use std::{collections::BTreeMap, sync::Arc};

use ee_core::{
    AgentId, Error, ErrorKind, Visible, WorkflowId,
    host::NewWorkflow,
    storage::{Page, Paged, RunFilter, RunStatus, WorkflowRecord, WorkflowStep},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    AuditNote, Cx, Object, Reply, permissions,
    visible::{Judge, MOST_JUDGED},
};

/// A workflow in the listing and alone.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowDetail {
    /// Identity.
    pub id: WorkflowId,
    /// Name for people.
    pub name: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Always `dynamic`: saved, not compiled.
    pub origin: &'static str,
    /// The steps by name.
    pub steps: Map<String, Value>,
    /// The same steps; they do not nest here.
    pub all_steps: Map<String, Value>,
    /// The steps in their order.
    pub step_graph: Vec<Value>,
    /// JSON text of `{"json": <JSON Schema of the input>}`, or null.
    pub input_schema: Option<String>,
    /// JSON text of `{"json": <JSON Schema of the output>}`.
    pub output_schema: Option<String>,
    /// How runs are treated.
    pub options: Value,
}

impl From<&WorkflowRecord> for WorkflowDetail {
    fn from(workflow: &WorkflowRecord) -> Self {
        let steps: Map<String, Value> = workflow
            .steps
            .iter()
            .map(|step| (step.id.clone(), describe(step)))
            .collect();
        Self {
            id: workflow.id.clone(),
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            origin: "dynamic",
            all_steps: steps.clone(),
            steps,
            step_graph: step_graph(&workflow.steps),
            input_schema: workflow.input_schema.as_ref().map(schema_text),
            output_schema: Some(schema_text(&text_schema())),
            options: json!({ "validateInputs": true, "emitStepEvents": true }),
        }
    }
}

pub(crate) fn step_graph(steps: &[WorkflowStep]) -> Vec<Value> {
    steps
        .iter()
        .map(|step| json!({ "type": "agent", "id": step.id, "agentId": step.agent_id }))
        .collect()
}

fn describe(step: &WorkflowStep) -> Value {
    let input = json!({ "type": "object", "properties": { "prompt": { "type": "string" } }, "required": ["prompt"] });
    json!({
        "id": step.id,
        "component": "AGENT",
        "isWorkflow": false,
        "agentId": step.agent_id,
        "prompt": step.prompt,
        "inputSchema": schema_text(&input),
        "outputSchema": schema_text(&text_schema()),
    })
}

fn text_schema() -> Value {
    json!({ "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] })
}

fn schema_text(schema: &Value) -> String {
    json!({ "json": schema }).to_string()
}

/// Body of `POST /stored/workflows`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct CreateWorkflowBody {
    /// Identity; made from the name when absent.
    pub id: Option<WorkflowId>,
    /// Name for people.
    pub name: String,
    /// A sentence about it.
    pub description: Option<String>,
    /// JSON Schema of the input.
    pub input_schema: Option<Value>,
    /// What is done, in this order.
    pub steps: Vec<Object<StepBody>>,
}

/// One step of a workflow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct StepBody {
    /// Name of the step.
    pub id: String,
    /// Who is asked.
    pub agent_id: AgentId,
    /// What is asked. `{{input.name}}` and `{{steps.id.output}}` are replaced.
    pub prompt: String,
}

/// How many runs of a workflow are under way.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct RunCounts {
    /// At work.
    pub running: u64,
    /// Waiting for somebody; always 0 here.
    pub suspended: u64,
}

/// `GET /workflows`: exactly the workflows that the caller may read.
pub async fn list(cx: &Cx) -> Result<BTreeMap<WorkflowId, WorkflowDetail>, Error> {
    let workflows = readable(cx).await?;
    Ok(workflows
        .iter()
        .map(|workflow| (workflow.id.clone(), WorkflowDetail::from(workflow)))
        .collect())
}

/// Returns the workflows that the caller may read, by name.
async fn readable(cx: &Cx) -> Result<Arc<[WorkflowRecord]>, Error> {
    if let Some((judge, all)) = judged(cx, u64::MAX).await? {
        let shown = all.iter().filter(|it| judge.shows(it.id.as_str()));
        return Ok(shown.cloned().collect());
    }
    let visible = cx.visible(&permissions::WORKFLOWS_READ).await?;
    cx.workflows()?.list(&visible).await
}

/// Returns all workflows, by name, where it takes less to judge each than to ask for those that the caller's grants name,
/// and there are at most so many.
async fn judged(cx: &Cx, most: u64) -> Result<Option<(Judge<'_>, Arc<[WorkflowRecord]>)>, Error> {
    let permission = &permissions::WORKFLOWS_READ;
    let Some(named) = cx.names_many(permission) else {
        return Ok(None);
    };
    let workflows = cx.workflows()?;
    let one = Page::new(0, 1)?;
    if workflows.page(&Visible::EVERYTHING, one).await?.total > named.min(most) {
        return Ok(None);
    }
    let judge = cx.judge(permission).await?;
    Ok(Some((judge, workflows.list(&Visible::EVERYTHING).await?)))
}

/// Returns one page of the workflows that the caller may read, by name.
pub async fn page(cx: &Cx, page: Page) -> Result<Paged<WorkflowRecord>, Error> {
    if let Some((judge, all)) = judged(cx, MOST_JUDGED).await? {
        return Ok(judge.page(&all, |it| it.id.as_str(), page));
    }
    let visible = cx.visible(&permissions::WORKFLOWS_READ).await?;
    cx.workflows()?.page(&visible, page).await
}

/// `GET /workflows/:workflowId`.
pub async fn detail(cx: &Cx, id: &WorkflowId) -> Result<WorkflowDetail, Error> {
    Ok(WorkflowDetail::from(&find(cx, id).await?))
}

/// Returns a workflow. Fails with [`ErrorKind::NotFound`].
pub async fn find(cx: &Cx, id: &WorkflowId) -> Result<WorkflowRecord, Error> {
    cx.workflows()?
        .find(id)
        .await?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "Workflow not found"))
}

/// `GET /workflows/run-counts`.
pub async fn run_counts(cx: &Cx) -> Result<BTreeMap<WorkflowId, RunCounts>, Error> {
    let mut counts = BTreeMap::new();
    for workflow in &*readable(cx).await? {
        let mut filter = RunFilter::default();
        filter.status = Some(RunStatus::Running);
        filter.workflow_id = Some(workflow.id.clone());
        let running = cx
            .workflows()?
            .list_runs(&filter, Page { number: 0, size: 1 })
            .await?
            .total;
        counts.insert(
            workflow.id.clone(),
            RunCounts {
                running,
                suspended: 0,
            },
        );
    }
    Ok(counts)
}

/// `POST /stored/workflows`. Whoever creates a workflow owns it from the moment it exists.
pub async fn create(cx: &Cx, body: CreateWorkflowBody) -> Result<Reply<WorkflowDetail>, Error> {
    let mut new = NewWorkflow::default();
    new.created_by = cx.identity().map(|identity| identity.user.id.clone());
    new.description = body.description;
    new.id = body.id;
    new.input_schema = body.input_schema;
    new.name = body.name;
    new.owner = cx.owner_of_new();
    new.steps = body
        .steps
        .into_iter()
        .map(|Object(step)| WorkflowStep {
            id: step.id,
            agent_id: step.agent_id,
            prompt: step.prompt,
        })
        .collect();
    let workflow = cx.workflows()?.create(new).await?;
    let note = AuditNote::about(
        "workflow",
        workflow.id.as_str(),
        Some(workflow.name.clone()),
    );
    Ok(Reply::new(WorkflowDetail::from(&workflow)).noted(note))
}

/// `DELETE /stored/workflows/:workflowId`.
pub async fn delete(cx: &Cx, id: &WorkflowId) -> Result<Value, Error> {
    cx.workflows()?.delete(id).await?;
    Ok(json!({ "success": true, "message": format!("Workflow {id} deleted successfully") }))
}
