use axum::{
    Json,
    response::{IntoResponse, Response},
};
use ee_core::{RequestHead, RoleId, add_cookies};
use ee_server::{Destination, Reply, auth, sso};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{Answer, json, json_reply};
use crate::{AuthContext, HttpError, JsonBody, PathParams, QueryParams};

pub(super) async fn capabilities(AuthContext(cx): AuthContext) -> Result<Response, HttpError> {
    Ok(json(&auth::capabilities(&cx).await?))
}

pub(super) async fn me(AuthContext(cx): AuthContext) -> Answer<Option<auth::Me>> {
    Ok(Json(auth::me(&cx).await?))
}

pub(super) async fn sign_in(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
    JsonBody(body): JsonBody<auth::SignInBody>,
) -> Response {
    let head = RequestHead::new(&headers, cx.client_ip());
    signed_in(auth::sign_in(&cx, &head, &body).await)
}

pub(super) async fn sign_up(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
    JsonBody(body): JsonBody<auth::SignUpBody>,
) -> Response {
    let head = RequestHead::new(&headers, cx.client_ip());
    signed_in(auth::sign_up(&cx, &head, &body).await)
}

pub(super) async fn second_factor(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
    JsonBody(body): JsonBody<auth::SecondFactorBody>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, cx.client_ip());
    Ok(step(auth::second_factor(&cx, &head, &body).await?))
}

/// What is not at its end yet is accepted, and no more.
fn step(reply: Reply<auth::SignInStep>) -> Response {
    let is_done = matches!(reply.body, auth::SignInStep::Done(_));
    let mut response = json_reply(reply);
    if !is_done {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    response
}

fn signed_in(result: Result<Reply<auth::SignInStep>, auth::SignInError>) -> Response {
    match result {
        Ok(reply) => step(reply),
        Err(failed) => {
            let mut response = HttpError::from(failed.error).into_response();
            response.extensions_mut().insert(failed.note);
            response
        }
    }
}

pub(super) async fn logout(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, cx.client_ip());
    let mut response = json_reply(auth::logout(&cx, &head).await?);
    let forget = HeaderValue::from_static("\"cookies\", \"storage\"");
    response
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), forget);
    Ok(response)
}

pub(super) async fn refresh(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, cx.client_ip());
    Ok(json_reply(auth::refresh(&cx, &head).await?))
}

/// Programs get JSON, a browser that navigates gets a redirect.
pub(super) async fn sso_login(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
    QueryParams(query): QueryParams<sso::StartQuery>,
) -> Result<Response, HttpError> {
    let reply = sso::start(&cx, &query).await?;
    let navigates = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    Ok(if navigates {
        redirect(reply.map(|login| Destination::Provider(login.url)))?
    } else {
        json_reply(reply)
    })
}

pub(super) async fn sso_callback(
    AuthContext(cx): AuthContext,
    headers: HeaderMap,
    QueryParams(query): QueryParams<sso::CallbackQuery>,
) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, cx.client_ip());
    redirect(sso::callback(&cx, &head, &query).await?)
}

pub(super) async fn role_permissions(
    AuthContext(cx): AuthContext,
    PathParams(role): PathParams<RoleId>,
) -> Answer<auth::RolePermissions> {
    Ok(Json(auth::role_permissions(&cx, role).await?))
}

pub(super) async fn permission_patterns() -> Json<auth::Patterns> {
    Json(auth::patterns())
}

fn redirect(reply: Reply<Destination>) -> Result<Response, HttpError> {
    let target = match &reply.body {
        Destination::Ours(path) => path.as_str(),
        Destination::Provider(url) => url.as_str(),
    };
    let location = HeaderValue::try_from(target).map_err(|_| {
        HttpError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal server error",
        )
    })?;
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    add_cookies(response.headers_mut(), reply.cookies);
    if let Some(note) = reply.note {
        response.extensions_mut().insert(note);
    }
    Ok(response)
}
