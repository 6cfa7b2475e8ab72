use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError, PathParams, QueryParams};
use ee_core::{
    Error, RunId, WorkflowId,
    storage::{Page, RunFilter, RunRecord, WorkflowRecord},
};
use ee_server::{Cx, Reply, permissions as p, runs, workflows};
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    failed, is_about_input, lines, lists, noted,
    runs::{People, agent_names, duration_ms, readable_name, started_at, status},
};
use crate::{
    layout::Section,
    pages::{RunItem, WorkflowItem, WorkflowPage, WorkflowStep, WorkflowsPage},
    pages::{workflow_page, workflows_page},
    paths,
    visit::{Visit, see_other, sentence},
};

/// How many runs a workflow's page lists, the last ones.
const SHOWN_RUNS: u32 = 20;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    page: Option<u32>,
}

pub(crate) async fn list(
    visit: Visit,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Response, HttpError> {
    let cx = &visit.cx;
    let read = |page| workflows::page(cx, page);
    let (found, pager) = lists::page(query.page, paths::WORKFLOWS, &[], read).await?;
    let workflows = try_join_all(found.into_iter().map(|workflow| item(cx, workflow))).await?;
    let content = workflows_page(&WorkflowsPage {
        workflows,
        pager,
        may_read_agents: visit.nav().agents,
    });
    Ok(visit.page("Workflows", Section::Workflows, content).await)
}

async fn item(cx: &Cx, workflow: WorkflowRecord) -> Result<WorkflowItem, Error> {
    let last = last_runs(cx, &workflow.id, 1).await?;
    Ok(WorkflowItem {
        id: workflow.id.into(),
        name: workflow.name,
        description: workflow.description.unwrap_or_default(),
        steps: workflow.steps.len(),
        last_run: last
            .first()
            .map(|run| (status(run.status), started_at(run))),
    })
}

async fn last_runs(cx: &Cx, workflow: &WorkflowId, count: u32) -> Result<Vec<RunRecord>, Error> {
    let mut filter = RunFilter::default();
    filter.workflow_id = Some(workflow.clone());
    let found = cx
        .workflows()?
        .list_runs(&filter, Page::new(0, count)?)
        .await?;
    Ok(found.rows)
}

pub(crate) async fn workflow(
    visit: Visit,
    PathParams(id): PathParams<WorkflowId>,
) -> Result<Response, HttpError> {
    let workflow = workflows::find(&visit.cx, &id).await?;
    let input = example(workflow.input_schema.as_ref());
    let input = serde_json::to_string_pretty(&input).unwrap_or_default();
    let form = RunForm {
        input,
        ..RunForm::default()
    };
    draw(&visit, workflow, form).await
}

/// What the form that starts a run sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    input: String,
}

/// The form that starts a run, as it is shown.
#[derive(Debug, Default)]
struct RunForm {
    error: Option<String>,
    input: String,
    input_error: Option<String>,
}

pub(crate) async fn start(
    visit: Visit,
    PathParams(id): PathParams<WorkflowId>,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let cx = &visit.cx;
    let workflow = workflows::find(cx, &id).await?;
    let input = lines(&fields.input);
    let started = match parse(&input) {
        Ok(value) => start_run(cx, &id, value).await,
        Err(err) => Err(err),
    };
    let error = match started {
        Ok(reply) => {
            let response = if cx.allows_on(&p::WORKFLOWS_READ, id.as_str()) {
                see_other(&paths::run(id.as_str(), reply.body.as_str()))
            } else {
                see_other(paths::BASE)
            };
            return Ok(noted(response, reply.note));
        }
        Err(err) => HttpError::from(err),
    };
    if !is_about_input(&error) {
        return Ok(failed(error));
    }
    let (about_input, others): (Vec<_>, Vec<_>) = error
        .issues
        .iter()
        .partition(|issue| issue.field == "input" || issue.field.starts_with("input."));
    let other = others.first().map(|issue| sentence(&issue.message));
    let form = RunForm {
        error: other.or_else(|| error.issues.is_empty().then(|| sentence(error.text()))),
        input,
        input_error: (!about_input.is_empty()).then(|| {
            let problem = |issue: &&ee_core::Issue| match issue.field.strip_prefix("input.") {
                Some(name) => format!("`{name}` {}.", issue.message),
                None => sentence(&issue.message),
            };
            about_input
                .iter()
                .map(problem)
                .collect::<Vec<_>>()
                .join(" ")
        }),
    };
    let page = draw(&visit, workflow, form).await?;
    Ok(error.drawn(page))
}

fn parse(input: &str) -> Result<Value, Error> {
    if input.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let invalid = |err| Error::invalid_field("input", format!("this is not JSON: {err}"));
    serde_json::from_str(input).map_err(invalid)
}

async fn start_run(cx: &Cx, workflow: &WorkflowId, input: Value) -> Result<Reply<RunId>, Error> {
    let run = runs::create(cx, workflow, None).await?.body.run_id;
    let body = runs::StartRunBody {
        input_data: input,
        ..runs::StartRunBody::default()
    };
    match runs::start(cx, workflow, &run, body).await {
        Ok(reply) => Ok(reply.map(|_| run)),
        Err(err) => {
            // What did not start is not left behind as a run that waits for ever.
            if let Err(left) = cx.workflows()?.delete_run(&run).await {
                tracing::warn!(run.id = %run, error = &left as &dyn std::error::Error, "a run that did not start stays");
            }
            Err(err)
        }
    }
}

/// Makes an input that fits a schema as far as that can be guessed.
fn example(schema: Option<&Value>) -> Value {
    let properties = schema.and_then(|schema| schema.get("properties"));
    let Some(Value::Object(properties)) = properties else {
        return json!({});
    };
    let values = properties.iter().map(|(name, property)| {
        let value = property.get("default").cloned();
        (name.clone(), value.unwrap_or_else(|| blank(property)))
    });
    Value::Object(values.collect())
}

fn blank(property: &Value) -> Value {
    match property.get("type").and_then(Value::as_str) {
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(0),
        Some("object") => json!({}),
        Some("null") => Value::Null,
        _ => json!(""),
    }
}

async fn draw(
    visit: &Visit,
    workflow: WorkflowRecord,
    form: RunForm,
) -> Result<Response, HttpError> {
    let cx = &visit.cx;
    let agents = agent_names(cx, &workflow).await;
    let last = last_runs(cx, &workflow.id, SHOWN_RUNS).await?;
    let people = People::find(cx, last.iter().map(|run| &run.owner)).await;
    let steps = workflow.steps.into_iter().map(|step| {
        let known = agents.get(&step.agent_id);
        WorkflowStep {
            name: readable_name(&step.id),
            id: step.id,
            agent: known.map_or_else(|| step.agent_id.to_string(), Clone::clone),
            agent_href: known.map(|_| paths::agent(step.agent_id.as_str())),
            prompt: step.prompt,
        }
    });
    let run = |run: &RunRecord| RunItem {
        id: run.id.to_string(),
        status: status(run.status),
        started_at: started_at(run),
        duration_ms: duration_ms(cx, run),
        started_by: people.name(&run.owner),
    };
    let page = WorkflowPage {
        may_execute: cx.allows_on(&p::WORKFLOWS_EXECUTE, workflow.id.as_str()),
        id: workflow.id.into(),
        name: workflow.name.clone(),
        description: workflow.description.unwrap_or_default(),
        steps: steps.collect(),
        input: form.input,
        input_error: form.input_error,
        error: form.error,
        runs: last.iter().map(run).collect(),
    };
    let content = workflow_page(&page);
    Ok(visit
        .page(&workflow.name, Section::Workflows, content)
        .await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_every_property_of_the_schema() {
        let schema = json!({ "type": "object", "properties": {
            "topic": { "type": "string" },
            "count": { "type": "integer", "default": 3 },
            "more": { "type": ["string", "null"] },
        } });

        assert_eq!(
            example(Some(&schema)),
            json!({ "topic": "", "count": 3, "more": "" })
        );
        assert_eq!(example(None), json!({}));
    }

    #[test]
    fn no_input_is_an_empty_object() {
        assert_eq!(parse(" \n").unwrap(), json!({}));
        assert_eq!(parse("{").unwrap_err().issues()[0].field, "input");
    }
}
