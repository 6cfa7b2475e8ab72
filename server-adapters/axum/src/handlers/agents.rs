use axum::{Json, response::Response};
use ee_core::AgentId;
use ee_server::{agents, chat};

use super::{Answer, PageQuery, event_stream, json_bytes};
use crate::{AuthContext, HttpError, JsonBody, PathParams, QueryParams};

pub(super) async fn list(AuthContext(cx): AuthContext) -> Result<Response, HttpError> {
    Ok(json_bytes(agents::list(&cx).await?))
}

pub(super) async fn get(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
) -> Answer<agents::AgentDetail> {
    Ok(Json(agents::detail(&cx, &id).await?))
}

pub(super) async fn generate(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
    JsonBody(body): JsonBody<chat::ChatBody>,
) -> Answer<chat::ChatAnswer> {
    let request = chat::request(&cx, id, body)?;
    Ok(Json(chat::generate(&cx, request).await?))
}

pub(super) async fn stream(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
    JsonBody(body): JsonBody<chat::ChatBody>,
) -> Result<Response, HttpError> {
    let request = chat::request(&cx, id, body)?;
    Ok(event_stream(chat::stream(&cx, request).await?))
}

pub(super) async fn list_stored(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<PageQuery>,
) -> Answer<agents::StoredAgents> {
    Ok(Json(agents::list_stored(&cx, query.page(100)?).await?))
}

pub(super) async fn get_stored(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
) -> Answer<agents::StoredAgent> {
    Ok(Json(agents::stored(&cx, &id).await?))
}

pub(super) async fn create(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<agents::CreateAgentBody>,
) -> Answer<agents::StoredAgent> {
    let new = agents::new_agent(body);
    Ok(Json(agents::create(&cx, new).await?.into()))
}

pub(super) async fn update(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
    JsonBody(body): JsonBody<agents::PatchAgentBody>,
) -> Answer<agents::StoredAgent> {
    let patch = agents::agent_patch(body);
    Ok(Json(agents::update(&cx, &id, patch).await?.into()))
}

pub(super) async fn delete(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
) -> Answer<serde_json::Value> {
    Ok(Json(agents::delete(&cx, &id).await?))
}
