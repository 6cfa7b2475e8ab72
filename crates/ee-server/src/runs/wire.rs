//! Runs and what happens in them, as JSON of the wire.

use ee_core::{
    Error, ErrorKind, RunId,
    host::RunEvent,
    storage::{RunRecord, RunStatus, StepRecord, StepStatus},
};
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};

/// Writes what happens in a run. The run goes on when nobody may listen any more, so that is an error and no end of it.
pub(super) fn records(
    run_id: RunId,
    events: BoxStream<'static, Result<RunEvent, Error>>,
) -> BoxStream<'static, String> {
    events
        .flat_map(move |event| {
            let payloads = match &event {
                Ok(event) => payloads(event),
                // What is our own fault is for the log.
                Err(err) if err.kind() == ErrorKind::Internal => failure("internal error"),
                Err(err) => failure(err.message()),
            };
            let records: Vec<String> = payloads
                .into_iter()
                .map(|(kind, payload)| {
                    json!({ "type": kind, "runId": run_id, "from": "WORKFLOW", "payload": payload })
                        .to_string()
                })
                .collect();
            futures_util::stream::iter(records)
        })
        .boxed()
}

fn failure(message: &str) -> Vec<(&'static str, Value)> {
    vec![("error", json!({ "error": error(message) }))]
}

pub(super) fn payloads(event: &RunEvent) -> Vec<(&'static str, Value)> {
    match event {
        RunEvent::Started(run) => {
            let mut all = vec![("workflow-start", json!({ "workflowId": run.workflow_id }))];
            all.extend(run.steps.iter().flat_map(step_payloads));
            all
        }
        RunEvent::Step(step) => step_payload(step).into_iter().collect(),
        RunEvent::Finished(run) => {
            let mut all = Vec::new();
            if run.status == RunStatus::Canceled {
                all.push(("workflow-canceled", json!({})));
            }
            let mut payload =
                json!({ "workflowStatus": run.status, "metadata": {}, "output": { "usage": {} } });
            if let Some(map) = payload.as_object_mut() {
                insert(map, "finalWorkflowResult", run.output.clone());
                insert(map, "error", run.error.as_deref().map(error));
            }
            all.push(("workflow-finish", payload));
            all
        }
        _ => Vec::new(),
    }
}

/// What a step has been through, for somebody who listens late.
pub(super) fn step_payloads(step: &StepRecord) -> Vec<(&'static str, Value)> {
    let mut begun = step.clone();
    begun.status = StepStatus::Running;
    let begin = (!matches!(step.status, StepStatus::Pending | StepStatus::Running))
        .then(|| step_payload(&begun));
    begin
        .flatten()
        .into_iter()
        .chain(step_payload(step))
        .collect()
}

pub(super) fn step_payload(step: &StepRecord) -> Option<(&'static str, Value)> {
    let kind = match step.status {
        StepStatus::Pending => return None,
        StepStatus::Running => "workflow-step-start",
        _ => "workflow-step-result",
    };
    let mut payload = step_result(step);
    insert(&mut payload, "stepName", Some(json!(step.id)));
    insert(&mut payload, "id", Some(json!(step.id)));
    insert(&mut payload, "stepCallId", Some(json!(step.id)));
    Some((kind, Value::Object(payload)))
}

pub(super) fn step_results(steps: &[StepRecord]) -> Map<String, Value> {
    let begun = steps
        .iter()
        .filter(|step| step.status != StepStatus::Pending);
    begun
        .map(|step| (step.id.clone(), Value::Object(step_result(step))))
        .collect()
}

pub(super) fn step_result(step: &StepRecord) -> Map<String, Value> {
    let mut result = Map::new();
    insert(&mut result, "status", Some(json!(step.status)));
    insert(
        &mut result,
        "payload",
        step.input
            .as_deref()
            .map(|prompt| json!({ "prompt": prompt })),
    );
    insert(
        &mut result,
        "output",
        step.output.as_deref().map(|text| json!({ "text": text })),
    );
    insert(&mut result, "error", step.error.as_deref().map(error));
    insert(
        &mut result,
        "startedAt",
        step.started_at.map(|at| json!(at.as_millisecond())),
    );
    insert(
        &mut result,
        "endedAt",
        step.ended_at.map(|at| json!(at.as_millisecond())),
    );
    result
}

pub(super) fn in_list(run: &RunRecord) -> Value {
    let mut context = step_results(&run.steps);
    context.insert("input".to_owned(), run.input.clone());
    let mut snapshot = Map::new();
    insert(&mut snapshot, "runId", Some(json!(run.id)));
    insert(&mut snapshot, "status", Some(json!(run.status)));
    insert(&mut snapshot, "value", Some(json!({})));
    insert(&mut snapshot, "context", Some(Value::Object(context)));
    insert(&mut snapshot, "result", run.output.clone());
    insert(&mut snapshot, "error", run.error.as_deref().map(error));
    insert(
        &mut snapshot,
        "timestamp",
        Some(json!(run.updated_at.as_millisecond())),
    );
    let mut body = base(run);
    insert(&mut body, "snapshot", Some(Value::Object(snapshot)));
    Value::Object(body)
}

pub(super) fn base(run: &RunRecord) -> Map<String, Value> {
    let mut body = Map::new();
    insert(&mut body, "runId", Some(json!(run.id)));
    insert(&mut body, "workflowName", Some(json!(run.workflow_id)));
    insert(&mut body, "resourceId", Some(json!(run.owner)));
    insert(&mut body, "createdAt", Some(json!(run.created_at)));
    insert(&mut body, "updatedAt", Some(json!(run.updated_at)));
    insert(&mut body, "status", Some(json!(run.status)));
    body
}

pub(super) fn insert(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value);
    }
}

pub(super) fn error(message: &str) -> Value {
    json!({ "name": "Error", "message": message })
}
