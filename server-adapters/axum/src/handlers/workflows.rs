use std::collections::BTreeMap;

use axum::{Json, response::Response};
use ee_core::{RunId, WorkflowId, storage::RunStatus};
use ee_server::{runs, workflows};
use futures_util::StreamExt as _;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, PageQuery, json_reply, stream_response};
use crate::{AuthContext, HttpError, JsonBody, PathParams, QueryParams};

/// Query of everything that is about one run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunQuery {
    run_id: Option<RunId>,
}

impl RunQuery {
    fn required(self) -> Result<RunId, HttpError> {
        let missing = || {
            let issue = ee_core::Issue {
                field: "runId".to_owned(),
                message: "is required".to_owned(),
            };
            HttpError::new(
                StatusCode::BAD_REQUEST,
                "invalid",
                "Invalid query parameters",
            )
            .with_issues(vec![issue])
        };
        self.run_id.ok_or_else(missing)
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
    Ok(json_reply(workflows::create(&cx, body).await?))
}

pub(super) async fn delete(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
) -> Answer<Value> {
    Ok(Json(workflows::delete(&cx, &id).await?))
}

pub(super) async fn create_run(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
    JsonBody(_): JsonBody<Option<runs::CreateRunBody>>,
) -> Result<Response, HttpError> {
    Ok(json_reply(runs::create(&cx, &id, query.run_id).await?))
}

pub(super) async fn start(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
    JsonBody(body): JsonBody<runs::StartRunBody>,
) -> Result<Response, HttpError> {
    Ok(json_reply(
        runs::start(&cx, &id, &query.required()?, body).await?,
    ))
}

pub(super) async fn start_async(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
    JsonBody(body): JsonBody<runs::StartRunBody>,
) -> Result<Response, HttpError> {
    Ok(json_reply(
        runs::start_and_wait(&cx, &id, query.run_id, body).await?,
    ))
}

pub(super) async fn stream(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
    JsonBody(body): JsonBody<runs::StartRunBody>,
) -> Result<Response, HttpError> {
    let reply = runs::stream(&cx, &id, query.run_id, body).await?;
    let mut response = stream_response("text/plain; charset=utf-8", reply.body.map(separated));
    if let Some(note) = reply.note {
        response.extensions_mut().insert(note);
    }
    Ok(response)
}

pub(super) async fn observe(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
) -> Result<Response, HttpError> {
    let records = runs::observe(&cx, &id, &query.required()?).await?;
    Ok(stream_response(
        "text/plain; charset=utf-8",
        records.map(separated),
    ))
}

/// Records end with the record separator U+001E.
fn separated(mut record: String) -> String {
    record.push('\u{1e}');
    record
}

pub(super) async fn restart(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
) -> Result<Response, HttpError> {
    Ok(json_reply(
        runs::restart(&cx, &id, &query.required()?).await?,
    ))
}

pub(super) async fn restart_async(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<WorkflowId>,
    QueryParams(query): QueryParams<RunQuery>,
) -> Result<Response, HttpError> {
    Ok(json_reply(
        runs::restart_and_wait(&cx, &id, &query.required()?).await?,
    ))
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
    Ok(json_reply(runs::cancel(&cx, &workflow, &run).await?))
}

pub(super) async fn delete_run(
    AuthContext(cx): AuthContext,
    PathParams((workflow, run)): PathParams<(WorkflowId, RunId)>,
) -> Result<Response, HttpError> {
    Ok(json_reply(runs::delete(&cx, &workflow, &run).await?))
}
