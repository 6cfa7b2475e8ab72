//! Refusals and failures as pages.

use async_trait::async_trait;
use axum::response::{IntoResponse as _, Response};
use ee_adapter_axum::{ErrorPages, FailedRequest, HttpError};
use ee_core::ErrorKind;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use maud::Markup;
use percent_encoding::percent_decode_str;

use crate::{
    layout::Section,
    pages::{
        ErrorPage, NotFound, PermissionDenied, SessionExpired, StepUp, error_page, not_found,
        permission_denied, session_expired, step_up,
    },
    paths,
    return_target::return_target,
    visit::{Visit, see_other, sentence},
};

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
const MISSING: &str = "Missing required permission: ";

/// Draws the pages of Studio for requests that were refused or failed. Hand it to
/// [`Corridor::build`](ee_adapter_axum::Corridor::build).
#[derive(Clone, Copy, Debug, Default)]
pub struct StudioPages;

#[async_trait]
impl ErrorPages for StudioPages {
    fn prefix(&self) -> &'static str {
        paths::BASE
    }

    async fn render(&self, failed: &FailedRequest<'_>) -> Response {
        let is_form = !matches!(*failed.method, Method::GET | Method::HEAD);
        let target = if is_form {
            paths::page_of_form(failed.target)
        } else {
            failed.target
        };
        let visit = Visit::new(failed.cx.clone(), failed.headers, target);
        let mut response = match failed.error.status {
            _ if failed.error.code == ErrorKind::StepUpRequired.code() => {
                return confirm(&visit, failed, target, is_form).await;
            }
            StatusCode::UNAUTHORIZED => return unauthenticated(&visit, failed, target, is_form),
            StatusCode::FORBIDDEN => denied(&visit, failed.error, target).await,
            StatusCode::NOT_FOUND => {
                let what = missing(failed.error, target).to_owned();
                let content = not_found(&NotFound { what });
                visit.page("Not found", section(target), content).await
            }
            _ => {
                let (title, content) = failure(failed, target);
                visit.page(title, section(target), content).await
            }
        };
        *response.status_mut() = failed.error.status;
        response
    }
}

/// Leads to the sign-in page and back again. A form cannot be led anywhere, and a part of a page has to be left whole.
fn unauthenticated(
    visit: &Visit,
    failed: &FailedRequest<'_>,
    target: &str,
    is_form: bool,
) -> Response {
    let redirect = return_target(failed.cx, target);
    let login = if failed.cx.has_stale_session() {
        paths::login_again(&redirect)
    } else {
        paths::login(&redirect)
    };
    let mut response = if is_part(failed) {
        lead(&login)
    } else if is_form {
        let content = session_expired(&SessionExpired {
            redirect,
            unsaved: true,
        });
        visit.bare("Session expired", content)
    } else {
        return see_other(&login);
    };
    challenge(&mut response, "Bearer");
    response
}

/// Asks somebody who is signed in to sign in again. It is a page and no redirect: whoever was led to the sign-in and back
/// by itself could go round in circles.
async fn confirm(
    visit: &Visit,
    failed: &FailedRequest<'_>,
    target: &str,
    is_form: bool,
) -> Response {
    let redirect = return_target(failed.cx, target);
    let mut response = if is_part(failed) {
        lead(&paths::step_up(&redirect))
    } else {
        let content = step_up(&StepUp {
            redirect,
            unsaved: is_form,
        });
        let title = "Confirm that it is you";
        visit.page(title, section(target), content).await
    };
    let asked = "Bearer error=\"insufficient_user_authentication\", max_age=\"600\"";
    challenge(&mut response, asked);
    response
}

/// Tells whether the script asks for a part of a page.
fn is_part(failed: &FailedRequest<'_>) -> bool {
    failed.headers.contains_key("hx-request")
}

/// Has the script leave the page.
fn lead(target: &str) -> Response {
    let location = HeaderValue::try_from(target).ok();
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    response
        .headers_mut()
        .extend(location.map(|location| (HX_REDIRECT, location)));
    response
}

fn challenge(response: &mut Response, text: &'static str) {
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let value = HeaderValue::from_static(text);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, value);
}

async fn denied(visit: &Visit, error: &HttpError, target: &str) -> Response {
    let text = error.text();
    if let Some(permission) = text.strip_prefix(MISSING) {
        let content = permission_denied(&PermissionDenied {
            resource: resource(permission, target),
            permission: permission.to_owned(),
            roles: visit.roles().await,
        });
        return visit
            .page("Permission denied", section(target), content)
            .await;
    }
    let title = if error.code == "unlicensed" {
        "Not covered by the licence"
    } else {
        "Request refused"
    };
    let content = error_page(&ErrorPage {
        status: error.status.as_u16(),
        title: title.to_owned(),
        message: sentence(text),
        request_id: visit.cx.request_id().to_string(),
        retry_href: None,
    });
    visit.page(title, section(target), content).await
}

fn failure(failed: &FailedRequest<'_>, target: &str) -> (&'static str, Markup) {
    let error = failed.error;
    let (title, message) = match error.status {
        StatusCode::INTERNAL_SERVER_ERROR => (
            "Something went wrong",
            "The server made a mistake. The log has the cause under the request id.".to_owned(),
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Not available",
            "Something that the server needs does not answer. Try again in a moment.".to_owned(),
        ),
        StatusCode::TOO_MANY_REQUESTS => ("Too many tries", sentence(error.text())),
        StatusCode::CONFLICT => ("Not possible right now", sentence(error.text())),
        StatusCode::BAD_REQUEST => ("Request not understood", with_issues(error)),
        _ => ("Request failed", sentence(error.text())),
    };
    let may_retry = matches!(error.status.as_u16(), 408 | 409 | 429 | 503);
    let content = error_page(&ErrorPage {
        status: error.status.as_u16(),
        title: title.to_owned(),
        message,
        request_id: failed.cx.request_id().to_string(),
        retry_href: may_retry.then(|| target.to_owned()),
    });
    (title, content)
}

fn with_issues(error: &HttpError) -> String {
    let mut text = sentence(error.text());
    for issue in &error.issues {
        text.push(' ');
        text.push_str(&sentence(&format!("{}: {}", issue.field, issue.message)));
    }
    text
}

/// The segments of a path below `/studio`, decoded.
fn segments(target: &str) -> Vec<String> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let below = path.strip_prefix(paths::BASE).unwrap_or_default();
    below
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect()
}

fn section(target: &str) -> Section {
    match segments(target).first().map(String::as_str) {
        Some("agents" | "new-agent") => Section::Agents,
        Some("workflows") => Section::Workflows,
        _ => Section::Other,
    }
}

/// Names for people what a permission was asked for.
fn resource(permission: &str, target: &str) -> String {
    let segments = segments(target);
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["agents", ..] if permission.starts_with("memory:") => "this conversation".to_owned(),
        ["agents", id, ..] => format!("the agent \u{201c}{id}\u{201d}"),
        ["workflows", id, ..] => format!("the workflow \u{201c}{id}\u{201d}"),
        ["new-agent"] => "creating agents".to_owned(),
        ["agents"] if permission.ends_with(":write") => "creating agents".to_owned(),
        ["agents"] => "agents".to_owned(),
        ["workflows"] => "workflows".to_owned(),
        _ => "this page".to_owned(),
    }
}

/// Names for people what was not found.
fn missing(error: &HttpError, target: &str) -> &'static str {
    let segments = segments(target);
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts.as_slice() {
        // The corridor says this of an address that it does not know.
        _ if error.text() == "Not found" => "",
        ["agents", _, "threads", ..] => "conversation",
        ["agents", _, ..] => "agent",
        ["workflows", _, "runs", _, ..] => "run",
        ["workflows", _, ..] => "workflow",
        _ => "",
    }
}
