use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError, PathParams};
use ee_core::{
    AgentId, Error,
    host::{AgentPatch, NewAgent},
    storage::AgentRecord,
};
use ee_server::{agents, permissions as p};
use http::StatusCode;
use serde::Deserialize;

use super::{failed, is_about_input, lines};
use crate::{
    layout::Section,
    pages::{AgentForm, AgentFormErrors, FormMode, agent_form},
    paths,
    visit::{Visit, see_other, sentence},
};

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    id: String,
    name: String,
    description: String,
    instructions: String,
    model: String,
}

impl Fields {
    fn tidy(self) -> Self {
        Self {
            id: self.id.trim().to_owned(),
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            instructions: lines(&self.instructions),
            model: self.model.trim().to_owned(),
        }
    }
}

impl From<AgentRecord> for Fields {
    fn from(agent: AgentRecord) -> Self {
        Self {
            id: agent.id.into(),
            name: agent.name,
            description: agent.description.unwrap_or_default(),
            instructions: agent.instructions,
            model: agent.model,
        }
    }
}

pub(crate) async fn new(visit: Visit) -> Result<Response, HttpError> {
    let no_errors = AgentFormErrors::default();
    draw(&visit, FormMode::Create, Fields::default(), no_errors).await
}

pub(crate) async fn create(
    visit: Visit,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let fields = fields.tidy();
    let result = match new_agent(&fields) {
        Ok(new) => agents::create(&visit.cx, new).await,
        Err(err) => Err(err),
    };
    finish(&visit, FormMode::Create, fields, result).await
}

pub(crate) async fn edit(
    visit: Visit,
    PathParams(id): PathParams<AgentId>,
) -> Result<Response, HttpError> {
    let agent = agents::find(&visit.cx, &id).await?;
    let no_errors = AgentFormErrors::default();
    draw(&visit, FormMode::Edit, agent.into(), no_errors).await
}

pub(crate) async fn update(
    visit: Visit,
    PathParams(id): PathParams<AgentId>,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let agent = agents::find(&visit.cx, &id).await?;
    let fields = Fields {
        id: id.to_string(),
        ..fields.tidy()
    };
    let result = agents::update(&visit.cx, &id, patch(&agent, &fields)).await;
    finish(&visit, FormMode::Edit, fields, result).await
}

fn new_agent(fields: &Fields) -> Result<NewAgent, Error> {
    let mut new = NewAgent::default();
    new.description = Some(fields.description.clone()).filter(|text| !text.is_empty());
    new.instructions.clone_from(&fields.instructions);
    new.model.clone_from(&fields.model);
    new.name.clone_from(&fields.name);
    if !fields.id.is_empty() {
        let id = AgentId::new(fields.id.as_str());
        new.id = Some(id.map_err(|err| Error::invalid_field("id", err.message()))?);
    }
    Ok(new)
}

/// The form sends every field; what is as before is no change.
fn patch(agent: &AgentRecord, fields: &Fields) -> AgentPatch {
    let changed = |before: &str, now: &String| (before != now).then(|| now.clone());
    let description = agent.description.as_deref().unwrap_or_default();
    let mut patch = AgentPatch::default();
    patch.description = changed(description, &fields.description)
        .map(|text| Some(text).filter(|text| !text.is_empty()));
    patch.instructions = changed(&lines(&agent.instructions), &fields.instructions);
    patch.model = changed(&agent.model, &fields.model);
    patch.name = changed(&agent.name, &fields.name);
    patch
}

/// Leads to the agent, or shows the form again with what was typed and what is wrong with it.
async fn finish(
    visit: &Visit,
    mode: FormMode,
    fields: Fields,
    result: Result<AgentRecord, Error>,
) -> Result<Response, HttpError> {
    let error = match result {
        Ok(agent) => {
            let id = agent.id.as_str();
            // Whoever has made it owns it only now.
            return Ok(if visit.cx.allows_on_new(&p::AGENTS_READ, id).await {
                see_other(&paths::agent(id))
            } else {
                see_other(paths::BASE)
            });
        }
        Err(err) => HttpError::from(err),
    };
    if !is_about_input(&error) {
        return Ok(failed(error));
    }
    let errors = errors(mode, &error);
    let page = draw(visit, mode, fields, errors).await?;
    Ok(error.drawn(page))
}

fn errors(mode: FormMode, error: &HttpError) -> AgentFormErrors {
    let mut errors = AgentFormErrors::default();
    if error.status == StatusCode::CONFLICT && mode == FormMode::Create {
        errors.id = Some("There is an agent with this id already.".to_owned());
    } else if error.issues.is_empty() {
        errors.form = Some(sentence(error.text()));
    }
    for issue in &error.issues {
        let place = match issue.field.as_str() {
            "id" => &mut errors.id,
            "name" => &mut errors.name,
            "description" => &mut errors.description,
            "instructions" => &mut errors.instructions,
            "model" => &mut errors.model,
            _ => &mut errors.form,
        };
        place.get_or_insert_with(|| sentence(&issue.message));
    }
    errors
}

async fn draw(
    visit: &Visit,
    mode: FormMode,
    fields: Fields,
    errors: AgentFormErrors,
) -> Result<Response, HttpError> {
    let models = visit.cx.agents()?.models();
    let title = match mode {
        FormMode::Create => "New agent",
        FormMode::Edit => "Edit agent",
    };
    let content = agent_form(&AgentForm {
        mode,
        id: fields.id,
        name: fields.name,
        description: fields.description,
        instructions: fields.instructions,
        model: fields.model,
        models: models.into_iter().map(|model| model.id).collect(),
        errors,
    });
    Ok(visit.page(title, Section::Agents, content).await)
}
