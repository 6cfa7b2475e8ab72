//! Errors as HTTP has them: the one place that picks a status.

use std::{borrow::Cow, num::NonZeroU32, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use ee_core::{Error, ErrorKind, Issue};
use ee_server::RequestId;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// Picks the status of an error.
pub const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Forbidden | ErrorKind::Unlicensed => StatusCode::FORBIDDEN,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Stale => StatusCode::PRECONDITION_FAILED,
        ErrorKind::StepUpRequired | ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error on its way to the client.
///
/// As a response it carries itself in the extensions; [`Guard`](crate::Guard) then writes the body, as JSON for a
/// program and as a page for a person.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpError {
    /// Stable, lower-case.
    pub code: &'static str,
    /// What went wrong.
    pub error: Cow<'static, str>,
    /// Which input was wrong.
    pub issues: Vec<Issue>,
    /// What exactly.
    pub message: Option<String>,
    /// After how many seconds another try makes sense.
    pub retry_after: Option<NonZeroU32>,
    /// The status.
    pub status: StatusCode,
    /// The chain of causes, for the log alone.
    pub(crate) cause: Option<String>,
}

impl HttpError {
    /// Describes an error that has no [`ErrorKind`].
    pub const fn new(status: StatusCode, code: &'static str, error: &'static str) -> Self {
        Self {
            code,
            error: Cow::Borrowed(error),
            issues: Vec::new(),
            message: None,
            retry_after: None,
            status,
            cause: None,
        }
    }

    /// Adds the wrong inputs.
    #[must_use]
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.issues = issues;
        self
    }

    /// Answers with a page that tells the person of the error already. [`Guard`](crate::Guard) records the error and
    /// leaves the page as it is, but for the status.
    pub fn drawn(self, mut page: Response) -> Response {
        *page.status_mut() = self.status;
        page.extensions_mut().insert(Drawn(self));
        page
    }

    /// Returns what went wrong, exactly where that is known.
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or(&self.error)
    }

    /// Writes the error as JSON (`reference` shapes: `error`, `message?`, `issues?`, with `code` and `requestId`).
    pub(crate) fn to_json(&self, request_id: RequestId) -> Response {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            error: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            message: Option<&'a str>,
            #[serde(skip_serializing_if = "<[Issue]>::is_empty")]
            issues: &'a [Issue],
            code: &'a str,
            request_id: String,
        }
        let body = Body {
            error: &self.error,
            message: self.message.as_deref(),
            issues: &self.issues,
            code: self.code,
            request_id: request_id.to_string(),
        };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = if self.code == ErrorKind::StepUpRequired.code() {
                "Bearer error=\"insufficient_user_authentication\", max_age=\"600\""
            } else {
                "Bearer"
            };
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        let unavailable = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(2);
        if let Some(seconds) = self.retry_after.map(NonZeroU32::get).or(unavailable) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An error that the answer tells of already.
#[derive(Clone, Debug)]
pub(crate) struct Drawn(pub(crate) HttpError);

impl From<Error> for HttpError {
    fn from(err: Error) -> Self {
        let status = status(err.kind());
        let mut http = Self {
            code: err.kind().code(),
            error: Cow::Borrowed(""),
            issues: err.issues().to_vec(),
            message: None,
            retry_after: err.retry_after().and_then(whole_seconds),
            status,
            cause: None,
        };
        match err.kind() {
            ErrorKind::Forbidden if err.message() != "Access denied" => {
                http.error = Cow::Borrowed("Forbidden");
                http.message = Some(err.message().to_owned());
            }
            ErrorKind::Unlicensed => {
                http.error = Cow::Borrowed("Forbidden");
                http.message = Some(err.message().to_owned());
            }
            ErrorKind::Invalid if !err.issues().is_empty() => {
                let named = err.message().starts_with("Invalid ");
                let label = if named {
                    err.message()
                } else {
                    "Invalid request body"
                };
                http.error = Cow::Owned(label.to_owned());
            }
            ErrorKind::Internal => {
                http.error = Cow::Borrowed("Internal server error");
                http.cause = Some(chain(&err));
            }
            ErrorKind::Unavailable => {
                http.error = Cow::Borrowed("Service unavailable");
                http.message = Some(err.message().to_owned());
                http.cause = Some(chain(&err));
            }
            _ => http.error = Cow::Owned(err.message().to_owned()),
        }
        http
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Rounds up: whoever comes a moment too early would be refused again.
fn whole_seconds(wait: Duration) -> Option<NonZeroU32> {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    NonZeroU32::new(u32::try_from(seconds).unwrap_or(u32::MAX))
}

fn chain(err: &Error) -> String {
    let mut text = err.to_string();
    let mut source = std::error::Error::source(err);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_when_to_come_again() {
        let header = |error: Error| {
            let response = HttpError::from(error).to_json(RequestId::new(1, 1));
            response.headers().get(header::RETRY_AFTER).cloned()
        };
        let limited = || Error::new(ErrorKind::RateLimited, "too many attempts");
        let wait = Duration::from_millis(1_001);

        assert_eq!(header(limited().with_retry_after(wait)).unwrap(), "2");
        assert_eq!(header(limited()), None);
        assert_eq!(
            header(Error::new(ErrorKind::Unavailable, "busy")).unwrap(),
            "2"
        );
    }
}
