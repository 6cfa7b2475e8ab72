//! Handlers of the record.

use axum::{
    Json,
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
};
use ee_core::Error;
use ee_server::{
    Reply,
    audit::{self, Asked, EventId, SinkName},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;
use serde_json::Value;

use super::{Answer, json_reply, stream_response};
use crate::{AuthContext, HttpError, JsonBody, PathParams, QueryParams};

/// Where a browser goes on with a stream.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The parameters of a query: none of them is overlooked.
pub(super) struct Query(Asked);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let QueryParams(pairs) = QueryParams::from_request_parts(parts, state).await?;
        Ok(Self(Asked::new(pairs)))
    }
}

/// Says that what is wrong stands in the query.
fn in_query(err: Error) -> HttpError {
    let mut error = HttpError::from(err);
    if error.status == StatusCode::BAD_REQUEST {
        error.error = "Invalid query parameters".into();
    }
    error
}

fn answer<T>(result: Result<T, Error>) -> Answer<T> {
    result.map(Json).map_err(in_query)
}

fn reply<T: Serialize>(result: Result<Reply<T>, Error>) -> Result<Response, HttpError> {
    Ok(json_reply(result?))
}

pub(super) async fn events(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::AuditPage> {
    answer(audit::events(&cx, asked).await)
}

pub(super) async fn event(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<EventId>,
    Query(asked): Query,
) -> Answer<audit::AuditDetail> {
    answer(audit::event(&cx, id, asked).await)
}

pub(super) async fn proof(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<EventId>,
    Query(asked): Query,
) -> Result<Response, HttpError> {
    let text = audit::proof(&cx, id, asked).await.map_err(in_query)?;
    let named = format!("attachment; filename=\"{}.tlog-proof\"", id.text());
    Ok(named_file(text.into(), "text/plain; charset=utf-8", &named))
}

pub(super) async fn raw(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<EventId>,
    Query(asked): Query,
) -> Answer<audit::RawEvent> {
    answer(audit::raw(&cx, id, asked).await)
}

pub(super) async fn feed(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::AuditFeed> {
    answer(audit::feed(&cx, asked).await)
}

pub(super) async fn stream(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    // What is no text is no number either.
    let last = headers.get(LAST_EVENT_ID);
    let last = last.map(|value| value.to_str().unwrap_or_default());
    let blocks = audit::stream(&cx, asked, last).await.map_err(in_query)?;
    Ok(stream_response("text/event-stream", blocks))
}

pub(super) async fn histogram(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::AuditHistogram> {
    answer(audit::histogram(&cx, asked).await)
}

pub(super) async fn facets(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::AuditFacets> {
    answer(audit::facets(&cx, asked).await)
}

pub(super) async fn export(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Result<Response, HttpError> {
    let copy = audit::export(&cx, asked).await.map_err(in_query)?;
    // A piece that is an error breaks the connection off: nobody takes a part for the whole.
    let named = format!("attachment; filename=\"{}\"", copy.file_name);
    let body = Body::from_stream(copy.pieces);
    Ok(named_file(body, &copy.media_type, &named))
}

pub(super) async fn hash(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<audit::DigestBody>,
) -> Answer<audit::DigestView> {
    Ok(Json(audit::hash(&cx, &body)?))
}

pub(super) async fn status(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::AuditStatus> {
    answer(audit::status(&cx, asked).await)
}

pub(super) async fn sinks(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::SinksView> {
    answer(audit::sinks(&cx, asked).await)
}

pub(super) async fn test_sink(
    AuthContext(cx): AuthContext,
    PathParams(name): PathParams<SinkName>,
) -> Result<Response, HttpError> {
    reply(audit::test_sink(&cx, &name).await)
}

pub(super) async fn pause_sink(
    AuthContext(cx): AuthContext,
    PathParams(name): PathParams<SinkName>,
    JsonBody(body): JsonBody<audit::PauseBody>,
) -> Result<Response, HttpError> {
    reply(audit::pause_sink(&cx, &name, body).await)
}

pub(super) async fn resume_sink(
    AuthContext(cx): AuthContext,
    PathParams(name): PathParams<SinkName>,
) -> Result<Response, HttpError> {
    reply(audit::resume_sink(&cx, &name).await)
}

pub(super) async fn replay_sink(
    AuthContext(cx): AuthContext,
    PathParams(name): PathParams<SinkName>,
    JsonBody(body): JsonBody<audit::ReplayBody>,
) -> Result<Response, HttpError> {
    reply(audit::replay_sink(&cx, &name, body).await)
}

pub(super) async fn mastra_list(
    AuthContext(cx): AuthContext,
    Query(asked): Query,
) -> Answer<audit::MastraList> {
    answer(audit::mastra_list(&cx, asked).await)
}

pub(super) async fn mastra_event(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<EventId>,
    Query(asked): Query,
) -> Answer<Value> {
    answer(audit::mastra_event(&cx, id, asked).await)
}

/// Writes something that a browser keeps as a file.
fn named_file(body: Body, media_type: &str, named: &str) -> Response {
    let values = [
        (header::CONTENT_TYPE, HeaderValue::try_from(media_type)),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(named)),
    ];
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in values {
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-transform"),
    );
    response
}
