use axum::{Json, response::Response};
use ee_core::{AgentId, ThreadId};
use ee_server::threads;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, PageQuery, json_reply};
use crate::{AuthContext, HttpError, JsonBody, PathParams, QueryParams};

/// Query of the list of conversations.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    agent_id: Option<AgentId>,
    resource_id: Option<String>,
    page: Option<u32>,
    per_page: Option<u32>,
}

pub(super) async fn list(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<ListQuery>,
) -> Answer<threads::Threads> {
    let page = PageQuery {
        page: query.page,
        per_page: query.per_page,
    }
    .page(100)?;
    Ok(Json(
        threads::list(&cx, query.agent_id, query.resource_id, page).await?,
    ))
}

pub(super) async fn create(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<threads::CreateThreadBody>,
) -> Result<Response, HttpError> {
    Ok(json_reply(threads::create(&cx, body).await?))
}

pub(super) async fn get(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<ThreadId>,
) -> Answer<threads::ThreadBody> {
    Ok(Json(threads::get(&cx, &id).await?.into()))
}

pub(super) async fn update(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<ThreadId>,
    JsonBody(body): JsonBody<threads::PatchThreadBody>,
) -> Answer<threads::ThreadBody> {
    Ok(Json(threads::update(&cx, &id, body).await?))
}

pub(super) async fn delete(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<ThreadId>,
) -> Answer<Value> {
    Ok(Json(threads::delete(&cx, &id).await?))
}

pub(super) async fn messages(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<ThreadId>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Answer<threads::Messages> {
    Ok(Json(threads::messages(&cx, &id, query.page(40)?).await?))
}

pub(super) async fn status() -> Json<Value> {
    Json(json!({ "result": true, "memoryType": "local" }))
}
