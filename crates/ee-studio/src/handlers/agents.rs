use axum::response::Response;
use ee_adapter_axum::{HttpError, PathParams, QueryParams};
use ee_core::{AgentId, Error, ErrorKind, ThreadId, storage::AgentRecord};
use ee_server::{agents, permissions as p};
use serde::Deserialize;

use super::{
    conversation::{self, Conversation},
    lists,
};
use crate::{
    layout::Section,
    pages::{AgentItem, AgentsPage, DeletePage, agents_page, delete_page as question},
    paths,
    visit::{Visit, see_other},
};

const MAX_QUERY_CHARS: usize = 200;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    page: Option<u32>,
    q: String,
}

pub(crate) async fn list(
    visit: Visit,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Response, HttpError> {
    let words: String = query.q.trim().chars().take(MAX_QUERY_CHARS).collect();
    let search = Some(words.clone()).filter(|words| !words.is_empty());
    let read = |page| agents::page(&visit.cx, search.clone(), page);
    let (found, pager) = lists::page(query.page, paths::AGENTS, &[("q", &words)], read).await?;
    let page = AgentsPage {
        agents: found.into_iter().map(item).collect(),
        pager,
        query: words,
        may_create: visit.cx.allows(&p::STORED_AGENTS_WRITE),
    };
    let content = agents_page(&page);
    Ok(visit.page("Agents", Section::Agents, content).await)
}

fn item(agent: AgentRecord) -> AgentItem {
    AgentItem {
        id: agent.id.into(),
        name: agent.name,
        description: agent.description.unwrap_or_default(),
        model: agent.model,
    }
}

pub(crate) async fn agent(
    visit: Visit,
    PathParams(id): PathParams<AgentId>,
) -> Result<Response, HttpError> {
    let agent = agents::find(&visit.cx, &id).await?;
    conversation::draw(&visit, &agent, Conversation::default()).await
}

pub(crate) async fn thread(
    visit: Visit,
    PathParams((id, thread)): PathParams<(AgentId, ThreadId)>,
) -> Result<Response, HttpError> {
    let cx = &visit.cx;
    if !conversation::may_read(cx, &thread) {
        let message = format!("Missing required permission: {}", p::MEMORY_READ);
        return Err(Error::new(ErrorKind::Forbidden, message).into());
    }
    let agent = agents::find(cx, &id).await?;
    let thread = conversation::find(cx, &id, &thread).await?;
    let shown = Conversation {
        messages: conversation::messages(cx, &thread, &agent.name).await?,
        thread: Some(thread.id),
        ..Conversation::default()
    };
    conversation::draw(&visit, &agent, shown).await
}

pub(crate) async fn delete_page(
    visit: Visit,
    PathParams(id): PathParams<AgentId>,
) -> Result<Response, HttpError> {
    let agent = agents::find(&visit.cx, &id).await?;
    let content = question(&DeletePage {
        kind: "agent".to_owned(),
        name: agent.name,
        consequence: "Nobody can talk to it any more, and workflows that ask it fail.".to_owned(),
        action: paths::delete_agent(id.as_str()),
        cancel_href: paths::agent(id.as_str()),
        error: None,
    });
    Ok(visit.page("Delete agent", Section::Agents, content).await)
}

pub(crate) async fn delete(
    visit: Visit,
    PathParams(id): PathParams<AgentId>,
) -> Result<Response, HttpError> {
    agents::delete(&visit.cx, &id).await?;
    Ok(see_other(paths::AGENTS))
}
