use std::collections::BTreeMap;

use axum::{Json, extract::FromRequestParts, response::Response};
use ee_core::{Error, RunId, WorkflowId, storage::RunStatus};
use ee_server::{Cx, Reply, runs, workflows};
use futures_core::Stream;
use futures_util::StreamExt as _;
use http::request::Parts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, PageQuery, json_reply, stream_response};
use crate::{AuthContext, HttpError, JsonBody, PathParams, QueryParams, extract::invalid};

/// A request about a workflow, and about the run that its query names.
pub(super) struct Asked {
    cx: Cx,
    id: WorkflowId,
    run: Option<RunId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunQuery {
    run_id: Option<RunId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let AuthContext(cx) = AuthContext::from_request_parts(parts, state).await?;
        let PathParams(id) = PathParams::from_request_parts(parts, state).await?;
        let QueryParams(query) = QueryParams::<RunQuery>::from_request_parts(parts, state).await?;
        Ok(Self {
            cx,
            id,
            run: query.run_id,
        })
    }
}

impl Asked {
    fn run(&self) -> Result<&RunId, HttpError> {
        let missing = || invalid("Invalid query parameters", "runId", "is required");
        self.run.as_ref().ok_or_else(missing)
    }
}

/// Query of the list of runs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    from_date: Option<Timestamp>,
    to_date: Option<Timestamp>,
    status: Option<RunStatus>,
    page: Option<u32>,
    per_page: Option<u32>,
    limit: Option<u32>,
    offset: Option<u32>,
}

/// Query of one run.
#[derive(Debug, Default, Deserialize)]
pub(super) struct DetailQuery {
    fields: Option<String>,
}

pub(super) async fn list(
    AuthContext(cx): AuthContext,
) -> Answer<BTreeMap<WorkflowId, workflows::WorkflowDetail>> {
    Ok(Json(workflows::list(&cx).await?))
}

pub(super) async fn run_counts(
    AuthContext(cx): AuthContext,
) -> Answer<BTreeMap<WorkflowId, workflows::RunCounts>> {
    Ok(Json(workflows::run_counts(&cx).await?))
}

pub(super) async fn get(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
) -> Answer<workflows::WorkflowDetail> {
    Ok(Json(workflows::detail(&cx, &id).await?))
}

pub(super) async fn create(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<workflows::CreateWorkflowBody>,
) -> Result<Response, HttpError> {
    reply(workflows::create(&cx, body).await)
}

pub(super) async fn delete(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
) -> Answer<Value> {
    Ok(Json(workflows::delete(&cx, &id).await?))
}

pub(super) async fn create_run(
    asked: Asked,
    JsonBody(_): JsonBody<Option<runs::CreateRunBody>>,
) -> Result<Response, HttpError> {
    reply(runs::create(&asked.cx, &asked.id, asked.run).await)
}

pub(super) async fn start(
    asked: Asked,
    JsonBody(body): JsonBody<runs::StartRunBody>,
) -> Result<Response, HttpError> {
    reply(runs::start(&asked.cx, &asked.id, asked.run()?, body).await)
}

pub(super) async fn start_async(
    asked: Asked,
    JsonBody(body): JsonBody<runs::StartRunBody>,
) -> Result<Response, HttpError> {
    reply(runs::start_and_wait(&asked.cx, &asked.id, asked.run, body).await)
}

pub(super) async fn stream(
    asked: Asked,
    JsonBody(body): JsonBody<runs::StartRunBody>,
) -> Result<Response, HttpError> {
    let reply = runs::stream(&asked.cx, &asked.id, asked.run, body).await?;
    let mut response = records(reply.body);
    if let Some(note) = reply.note {
        response.extensions_mut().insert(note);
    }
    Ok(response)
}

pub(super) async fn observe(asked: Asked) -> Result<Response, HttpError> {
    let stream = runs::observe(&asked.cx, &asked.id, asked.run()?).await?;
    Ok(records(stream))
}

/// Writes records, each of which ends with the record separator U+001E.
fn records(stream: impl Stream<Item = String> + Send + 'static) -> Response {
    let separated = stream.map(|record| record + "\u{1e}");
    stream_response("text/plain; charset=utf-8", separated)
}

pub(super) async fn restart(asked: Asked) -> Result<Response, HttpError> {
    reply(runs::restart(&asked.cx, &asked.id, asked.run()?).await)
}

pub(super) async fn restart_async(asked: Asked) -> Result<Response, HttpError> {
    reply(runs::restart_and_wait(&asked.cx, &asked.id, asked.run()?).await)
}

pub(super) async fn list_runs(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Answer<runs::Runs> {
    let size = query.per_page.or(query.limit).unwrap_or(50);
    let number = query
        .page
        .unwrap_or_else(|| query.offset.unwrap_or(0) / size.max(1));
    let page = PageQuery {
        page: Some(number),
        per_page: Some(size),
    }
    .page(size)?;
    let wanted = runs::RunsQuery {
        from: query.from_date,
        to: query.to_date,
        status: query.status,
    };
    Ok(Json(runs::list(&cx, &id, &wanted, page).await?))
}

pub(super) async fn get_run(
    AuthContext(cx): AuthContext,
    PathParams((workflow, run)): PathParams<(WorkflowId, RunId)>,
    QueryParams(query): QueryParams<DetailQuery>,
) -> Answer<Value> {
    Ok(Json(
        runs::detail(&cx, &workflow, &run, query.fields.as_deref()).await?,
    ))
}

pub(super) async fn cancel(
    AuthContext(cx): AuthContext,
    PathParams((workflow, run)): PathParams<(WorkflowId, RunId)>,
) -> Result<Response, HttpError> {
    reply(runs::cancel(&cx, &workflow, &run).await)
}

pub(super) async fn delete_run(
    AuthContext(cx): AuthContext,
    PathParams((workflow, run)): PathParams<(WorkflowId, RunId)>,
) -> Result<Response, HttpError> {
    reply(runs::delete(&cx, &workflow, &run).await)
}

fn reply<T: Serialize>(result: Result<Reply<T>, Error>) -> Result<Response, HttpError> {
    Ok(json_reply(result?))
}
