//! Agents as the wire has them: the listing, one agent, stored agents.

mod shown;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use ee_core::{
    AgentId, Error, ErrorKind, Visible,
    host::{AgentPatch, NewAgent},
    storage::{AgentRecord, Page, Paged},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::shown::{judged, permitted};
use crate::{AuditNote, Cx, Object, permissions};

/// An agent in the listing and alone.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentDetail {
    /// Identity.
    pub id: AgentId,
    /// Name for people.
    pub name: String,
    /// A sentence about it.
    pub description: String,
    /// System prompt.
    pub instructions: String,
    /// Part of the model before the slash.
    pub provider: String,
    /// Part of the model after the slash.
    pub model_id: String,
    /// Always `stored`.
    pub source: &'static str,
    /// Always `published`: a change is live at once.
    pub status: &'static str,
    /// Always true.
    pub supports_memory: bool,
    /// What agents of this server do not have; always empty, for clients that read it.
    #[serde(flatten)]
    #[schemars(skip)]
    absent: Absent,
}

/// Members that clients read without asking whether they are there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Absent {
    agents: Map<String, Value>,
    tools: Map<String, Value>,
    workflows: Map<String, Value>,
    skills: [(); 0],
    workspace_tools: [(); 0],
    browser_tools: [(); 0],
    has_browser: bool,
    input_processors: [(); 0],
    output_processors: [(); 0],
    default_options: Map<String, Value>,
    default_generate_options_legacy: Map<String, Value>,
    default_stream_options_legacy: Map<String, Value>,
    has_draft: bool,
}

impl From<&AgentRecord> for AgentDetail {
    fn from(agent: &AgentRecord) -> Self {
        let (provider, model_id) = split_model(&agent.model);
        Self {
            id: agent.id.clone(),
            name: agent.name.clone(),
            description: agent.description.clone().unwrap_or_default(),
            instructions: agent.instructions.clone(),
            provider: provider.to_owned(),
            model_id: model_id.to_owned(),
            source: "stored",
            status: "published",
            supports_memory: true,
            absent: Absent::default(),
        }
    }
}

/// A model as its two parts.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct ModelRef {
    /// Provider, such as `openai`.
    pub provider: String,
    /// Name, such as `gpt-5-mini`.
    pub name: String,
}

/// A stored agent.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredAgent {
    /// Identity.
    pub id: AgentId,
    /// Always `published`.
    pub status: &'static str,
    /// Who created it.
    pub author_id: Option<String>,
    /// Always `private`.
    pub visibility: &'static str,
    /// When it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
    /// Name for people.
    pub name: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// System prompt.
    pub instructions: String,
    /// Its model.
    pub model: ModelRef,
}

impl From<AgentRecord> for StoredAgent {
    fn from(agent: AgentRecord) -> Self {
        let (provider, name) = split_model(&agent.model);
        let model = ModelRef {
            provider: provider.to_owned(),
            name: name.to_owned(),
        };
        Self {
            id: agent.id,
            status: "published",
            author_id: agent.created_by.map(String::from),
            visibility: "private",
            created_at: agent.created_at,
            updated_at: agent.updated_at,
            name: agent.name,
            description: agent.description,
            instructions: agent.instructions,
            model,
        }
    }
}

/// One page of stored agents.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredAgents {
    /// The agents of the page.
    pub agents: Vec<StoredAgent>,
    /// All that the caller may see.
    pub total: u64,
    /// Counted from 0.
    pub page: u32,
    /// Size of the page.
    pub per_page: u32,
    /// Whether more follow.
    pub has_more: bool,
}

/// Body of `POST /stored/agents`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct CreateAgentBody {
    /// Identity; made from the name when absent.
    pub id: Option<AgentId>,
    /// Name for people.
    pub name: String,
    /// A sentence about it.
    pub description: Option<String>,
    /// System prompt.
    pub instructions: String,
    /// Its model; the server's default when absent.
    pub model: Option<Object<ModelRef>>,
}

/// Body of `PATCH /stored/agents/:id`: what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct PatchAgentBody {
    /// Name for people.
    pub name: Option<String>,
    /// A sentence about it; `null` removes it.
    #[serde(default, deserialize_with = "double_option::deserialize")]
    #[schemars(with = "Option<String>")]
    pub description: Option<Option<String>>,
    /// System prompt.
    pub instructions: Option<String>,
    /// Its model.
    pub model: Option<Object<ModelRef>>,
}

/// Tells an absent member from `null`.
mod double_option {
    use serde::{Deserialize, Deserializer};

    #[expect(
        clippy::option_option,
        reason = "absent, null and a value are three things"
    )]
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<String>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

/// `GET /agents`: exactly the agents that the caller may read, as JSON.
pub async fn list(cx: &Cx) -> Result<Bytes, Error> {
    let permission = &permissions::AGENTS_READ;
    if let Some((judge, all)) = judged(cx, permission, u64::MAX).await? {
        return to_json(all.iter().filter(|agent| judge.shows(agent.id.as_str())));
    }
    let visible = cx.visible(permission).await?;
    let agents = cx.agents()?.list(&visible).await?;
    if visible == Visible::EVERYTHING {
        cx.server().all_agents.json(&agents)
    } else {
        to_json(agents.iter())
    }
}

/// The answer to whoever may read all agents, kept for as long as the host gives out the same list.
#[derive(Debug, Default)]
pub(crate) struct AllAgents(ArcSwapOption<(Arc<[AgentRecord]>, Bytes)>);

impl AllAgents {
    fn json(&self, agents: &Arc<[AgentRecord]>) -> Result<Bytes, Error> {
        if let Some(kept) = &*self.0.load()
            && Arc::ptr_eq(&kept.0, agents)
        {
            return Ok(kept.1.clone());
        }
        let json = to_json(agents.iter())?;
        // The list is kept with its JSON, so that no other one comes to stand at its address.
        self.0
            .store(Some(Arc::new((Arc::clone(agents), json.clone()))));
        Ok(json)
    }
}

fn to_json<'a>(agents: impl Iterator<Item = &'a AgentRecord>) -> Result<Bytes, Error> {
    let agents: BTreeMap<&AgentId, AgentDetail> = agents
        .map(|agent| (&agent.id, AgentDetail::from(agent)))
        .collect();
    match serde_json::to_vec(&agents) {
        Ok(json) => Ok(json.into()),
        Err(err) => {
            Err(Error::new(ErrorKind::Internal, "cannot write the agents as JSON").with_source(err))
        }
    }
}

/// `GET /agents/:agentId`.
pub async fn detail(cx: &Cx, id: &AgentId) -> Result<AgentDetail, Error> {
    Ok(AgentDetail::from(&find(cx, id).await?))
}

/// Returns an agent. Fails with [`ErrorKind::NotFound`].
pub async fn find(cx: &Cx, id: &AgentId) -> Result<AgentRecord, Error> {
    cx.agents()?
        .find(id)
        .await?
        .ok_or_else(|| not_found("Agent", id))
}

/// `GET /stored/agents`: exactly those that the caller may read.
pub async fn list_stored(cx: &Cx, page: Page) -> Result<StoredAgents, Error> {
    let found = permitted(cx, &permissions::STORED_AGENTS_READ, None, page).await?;
    let has_more = page.offset() + (found.rows.len() as u64) < found.total;
    Ok(StoredAgents {
        agents: found.rows.into_iter().map(StoredAgent::from).collect(),
        total: found.total,
        page: page.number,
        per_page: page.size,
        has_more,
    })
}

/// Returns one page of the agents that the caller may read, by name, with a text in what he sees of them.
pub async fn page(
    cx: &Cx,
    search: Option<String>,
    page: Page,
) -> Result<Paged<AgentRecord>, Error> {
    permitted(cx, &permissions::AGENTS_READ, search, page).await
}

/// Returns those of some agents that the caller may read, by name.
pub async fn some(cx: &Cx, ids: &[&AgentId]) -> Result<Arc<[AgentRecord]>, Error> {
    let judge = cx.judge(&permissions::AGENTS_READ).await?;
    let shown = ids.iter().filter(|id| judge.shows(id.as_str()));
    let wanted = Visible::Only(shown.map(ToString::to_string).collect());
    cx.agents()?.list(&wanted).await
}

/// `GET /stored/agents/:storedAgentId`.
pub async fn stored(cx: &Cx, id: &AgentId) -> Result<StoredAgent, Error> {
    let agent = cx
        .agents()?
        .find(id)
        .await?
        .ok_or_else(|| not_found("Stored agent", id))?;
    Ok(StoredAgent::from(agent))
}

/// `POST /stored/agents`. Whoever creates an agent owns it from the moment it exists.
pub async fn create(cx: &Cx, mut new: NewAgent) -> Result<AgentRecord, Error> {
    new.created_by = cx.identity().map(|identity| identity.user.id.clone());
    new.owner = cx.owner_of_new();
    let agent = cx.agents()?.create(new).await?;
    cx.note(about(&agent));
    Ok(agent)
}

/// `PATCH /stored/agents/:storedAgentId`.
pub async fn update(cx: &Cx, id: &AgentId, patch: AgentPatch) -> Result<AgentRecord, Error> {
    let changed: Vec<&str> = [
        ("name", patch.name.is_some()),
        ("description", patch.description.is_some()),
        ("instructions", patch.instructions.is_some()),
        ("model", patch.model.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, is_changed)| is_changed.then_some(field))
    .collect();
    let note = |note: AuditNote| cx.note(note.with("changed", &*changed));
    note(AuditNote::default());
    let agent = cx.agents()?.update(id, patch).await?;
    note(about(&agent));
    Ok(agent)
}

fn about(agent: &AgentRecord) -> AuditNote {
    AuditNote::about("agent", agent.id.as_str(), Some(agent.name.clone()))
}

/// `DELETE /stored/agents/:storedAgentId`.
pub async fn delete(cx: &Cx, id: &AgentId) -> Result<Value, Error> {
    cx.agents()?.delete(id).await?;
    Ok(json!({ "success": true, "message": format!("Agent {id} deleted successfully") }))
}

/// Turns a body into what the host takes.
pub fn new_agent(body: CreateAgentBody) -> NewAgent {
    let mut new = NewAgent::default();
    new.description = body.description;
    new.id = body.id;
    new.instructions = body.instructions;
    new.model = body.model.map(join_model).unwrap_or_default();
    new.name = body.name;
    new
}

/// Turns a body into what the host takes.
pub fn agent_patch(body: PatchAgentBody) -> AgentPatch {
    let mut patch = AgentPatch::default();
    patch.description = body.description;
    patch.instructions = body.instructions;
    patch.model = body.model.map(join_model);
    patch.name = body.name;
    patch
}

fn join_model(Object(model): Object<ModelRef>) -> String {
    format!("{}/{}", model.provider, model.name)
}

fn split_model(model: &str) -> (&str, &str) {
    model.split_once('/').unwrap_or(("", model))
}

fn not_found(what: &str, id: &AgentId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("{what} with id {id} not found"),
    )
}
