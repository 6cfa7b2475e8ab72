use std::collections::{BTreeSet, HashMap};

use axum::response::Response;
use ee_adapter_axum::{HttpError, PathParams};
use ee_core::{
    AgentId, RunId, UserId, WorkflowId,
    storage::{RunRecord, RunStatus, StepRecord, StepStatus, WorkflowRecord},
};
use ee_server::{Cx, agents, permissions as p, runs, workflows};
use jiff::Timestamp;
use serde_json::Value;

use super::noted;
use crate::{
    components::{RunStep, Status},
    layout::Section,
    pages::{RunPage, run_page},
    paths,
    visit::{Visit, see_other},
};

pub(crate) async fn run(
    visit: Visit,
    PathParams((workflow, id)): PathParams<(WorkflowId, RunId)>,
) -> Result<Response, HttpError> {
    let cx = &visit.cx;
    let run = runs::find(cx, &workflow, &id).await?;
    let workflow = workflows::find(cx, &workflow).await?;
    let agents = agent_names(cx, &workflow).await;
    let people = People::find(cx, [&run.owner]).await;
    let detail = |step: &StepRecord| {
        let known = workflow.steps.iter().find(|known| known.id == step.id);
        known.map(|step| {
            let name = agents.get(&step.agent_id);
            name.map_or_else(|| step.agent_id.to_string(), Clone::clone)
        })
    };
    let may_execute = cx.allows_on(&p::WORKFLOWS_EXECUTE, workflow.id.as_str());
    let page = RunPage {
        workflow_id: workflow.id.to_string(),
        workflow_name: workflow.name.clone(),
        run_id: run.id.to_string(),
        status: status(run.status),
        started_at: (run.status != RunStatus::Pending).then(|| started_at(&run)),
        duration_ms: duration_ms(cx, &run),
        started_by: people.name(&run.owner),
        input: text(&run.input),
        output: run.output.as_ref().map(text),
        error: run.error.clone(),
        steps: run
            .steps
            .iter()
            .map(|step| shown(cx, step, detail(step)))
            .collect(),
        may_cancel: may_execute,
        may_restart: may_execute,
    };
    let title = format!("Run of {}", workflow.name);
    let content = run_page(&page);
    Ok(visit.page(&title, Section::Workflows, content).await)
}

pub(crate) async fn cancel(
    visit: Visit,
    PathParams((workflow, id)): PathParams<(WorkflowId, RunId)>,
) -> Result<Response, HttpError> {
    let reply = runs::cancel(&visit.cx, &workflow, &id).await?;
    let page = see_other(&paths::run(workflow.as_str(), id.as_str()));
    Ok(noted(page, reply.note))
}

pub(crate) async fn restart(
    visit: Visit,
    PathParams((workflow, id)): PathParams<(WorkflowId, RunId)>,
) -> Result<Response, HttpError> {
    let reply = runs::restart(&visit.cx, &workflow, &id).await?;
    let page = see_other(&paths::run(workflow.as_str(), id.as_str()));
    Ok(noted(page, reply.note))
}

fn shown(cx: &Cx, step: &StepRecord, detail: Option<String>) -> RunStep {
    let end = step.ended_at.or_else(|| {
        let runs = step.status == StepStatus::Running;
        runs.then(|| cx.now())
    });
    RunStep {
        id: step.id.clone(),
        name: readable_name(&step.id),
        detail: detail.unwrap_or_default(),
        status: step_status(step.status),
        duration_ms: step.started_at.zip(end).map(|(from, to)| millis(from, to)),
        input: step.input.clone(),
        output: step.output.clone(),
        error: step.error.clone(),
    }
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// Where a run stands, for people.
pub(super) const fn status(status: RunStatus) -> Status {
    match status {
        RunStatus::Canceled => Status::Canceled,
        RunStatus::Failed => Status::Failed,
        RunStatus::Interrupted => Status::Interrupted,
        RunStatus::Running => Status::Running,
        RunStatus::Success => Status::Success,
        _ => Status::Pending,
    }
}

const fn step_status(status: StepStatus) -> Status {
    match status {
        StepStatus::Canceled => Status::Canceled,
        StepStatus::Failed => Status::Failed,
        StepStatus::Running => Status::Running,
        StepStatus::Success => Status::Success,
        _ => Status::Pending,
    }
}

/// When the first step began, else when the run was created.
pub(super) fn started_at(run: &RunRecord) -> Timestamp {
    let first = run.steps.iter().filter_map(|step| step.started_at).min();
    first.unwrap_or(run.created_at)
}

/// How long a run took, or has taken so far.
pub(super) fn duration_ms(cx: &Cx, run: &RunRecord) -> Option<u64> {
    let end = match run.status {
        RunStatus::Pending => return None,
        RunStatus::Running => cx.now(),
        _ => run.updated_at,
    };
    Some(millis(started_at(run), end))
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// Steps have an id alone; written as words it serves as a name.
pub(super) fn readable_name(id: &str) -> String {
    let words = id.replace(['-', '_'], " ");
    let mut chars = words.trim().chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}", chars.as_str())
}

/// Names of the agents of a workflow that the caller may read; none where that cannot be known.
pub(super) async fn agent_names(cx: &Cx, workflow: &WorkflowRecord) -> HashMap<AgentId, String> {
    let asked: Vec<_> = workflow.steps.iter().map(|it| &it.agent_id).collect();
    let Ok(agents) = agents::some(cx, &asked).await else {
        return HashMap::new();
    };
    let named = agents.iter();
    named.map(|it| (it.id.clone(), it.name.clone())).collect()
}

/// Names of people, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<UserId, String>);

impl People {
    /// Looks people up; who is not found is shown by id.
    pub(super) async fn find<'a>(cx: &Cx, ids: impl IntoIterator<Item = &'a UserId>) -> Self {
        let ids: Vec<UserId> = ids
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .cloned()
            .collect();
        let Some(users) = cx.licensed().and_then(|licensed| licensed.users()) else {
            return Self::default();
        };
        let found = users.find_many(&ids).await.unwrap_or_default();
        let named = found.into_iter().flatten().filter_map(|user| {
            let name = user.name.clone()?;
            Some((user.id.clone(), name))
        });
        Self(named.collect())
    }

    pub(super) fn name(&self, id: &UserId) -> String {
        self.0.get(id).map_or_else(|| id.to_string(), Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_words() {
        assert_eq!(readable_name("sum-it_up"), "Sum it up");
        assert_eq!(readable_name(""), "");
    }
}
