//! Extractors. Each fails closed with an error of the wire.

use std::{sync::Arc, time::Duration};

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use ee_core::{Issue, Permission, User};
use ee_server::Cx;
use http::{HeaderMap, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::HttpError;

/// Longest time that a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The request as use cases see it (`useAuthCapabilities` of the specification).
#[derive(Clone, Debug)]
pub struct AuthContext(pub Cx);

impl<S: Sync> FromRequestParts<S> for AuthContext {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, HttpError> {
        parts
            .extensions
            .get::<Cx>()
            .cloned()
            .map(Self)
            .ok_or_else(unguarded)
    }
}

/// The user who asks (`useCurrentUser`). 401 without one.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub Arc<User>);

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let AuthContext(cx) = AuthContext::from_request_parts(parts, state).await?;
        Ok(Self(Arc::clone(cx.user()?)))
    }
}

/// What the caller may do (`usePermissions`).
#[derive(Clone, Debug)]
pub struct Permissions(Cx);

impl Permissions {
    /// Tells whether the caller may do this with the whole resource.
    pub fn allows(&self, permission: &Permission) -> bool {
        self.0.allows(permission)
    }

    /// Tells whether the caller may do this with one thing.
    pub fn allows_on(&self, permission: &Permission, id: &str) -> bool {
        self.0.allows_on(permission, id)
    }
}

impl<S: Sync> FromRequestParts<S> for Permissions {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        AuthContext::from_request_parts(parts, state)
            .await
            .map(|AuthContext(cx)| Self(cx))
    }
}

/// The parameters of the path.
#[derive(Clone, Debug)]
pub struct PathParams<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(err) => Err(invalid("Invalid path parameters", "path", &err.body_text())),
        }
    }
}

/// The parameters of the query. Unknown ones are refused where the type says so.
#[derive(Clone, Debug)]
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, HttpError> {
        let query = parts.uri.query().unwrap_or_default();
        match serde_urlencoded::from_str(query) {
            Ok(value) => Ok(Self(value)),
            Err(err) => Err(invalid(
                "Invalid query parameters",
                "query",
                &without_value(&err.to_string()),
            )),
        }
    }
}

/// The version of what is to be changed, out of `If-Match` (RFC 9110 §13.1.1). A change that names none is refused: it
/// could undo what somebody else has changed meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct IfMatch(pub u64);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, HttpError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(HttpError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition_required",
                "If-Match with the version is required",
            ));
        };
        let text = value.to_str().unwrap_or_default().trim();
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let version = text.and_then(|text| text.parse().ok());
        version.map(Self).ok_or_else(|| {
            invalid(
                "Invalid header",
                "If-Match",
                "must be one version in quotes, such as \"3\"",
            )
        })
    }
}

/// A body that is a JSON object. An absent body counts as `null`, so `Option<T>` takes it.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, HttpError> {
        let is_json = is_json(request.headers());
        let bytes = body(request).await?;
        if bytes.is_empty() {
            return parse(b"null")
                .map_err(|_| invalid(INVALID_BODY, "root", "a JSON body is required"));
        }
        if !is_json {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(HttpError::new(
                status,
                "unsupported_media_type",
                "Content type must be application/json",
            ));
        }
        parse(&bytes)
    }
}

/// A body of form fields (`application/x-www-form-urlencoded`).
#[derive(Clone, Debug)]
pub struct FormBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for FormBody<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, HttpError> {
        let is_form = content_type(request.headers()) == Some("application/x-www-form-urlencoded");
        let bytes = body(request).await?;
        if !is_form && !bytes.is_empty() {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(HttpError::new(
                status,
                "unsupported_media_type",
                "Content type must be a form",
            ));
        }
        match serde_urlencoded::from_bytes(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(err) => Err(invalid(
                INVALID_BODY,
                "form",
                &without_value(&err.to_string()),
            )),
        }
    }
}

const INVALID_BODY: &str = "Invalid request body";

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<JsonBody<T>, HttpError> {
    // Derived structs also take their fields as a list, in an order that nobody has promised.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(invalid(
            INVALID_BODY,
            "root",
            "must be an object, not a list",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => value,
        Err(err) => {
            let path = err.path().to_string();
            let field = match err.inner().classify() {
                serde_json::error::Category::Data if path == "." => "root".to_owned(),
                serde_json::error::Category::Data => path,
                _ => "body".to_owned(),
            };
            let message = without_value(&err.inner().to_string());
            return Err(invalid(INVALID_BODY, &field, &message));
        }
    };
    json.end()
        .map_err(|err| invalid(INVALID_BODY, "body", &err.to_string()))?;
    Ok(JsonBody(value))
}

/// Leaves the value out of a message of serde: it may be a secret in the wrong place, and answers are written down.
fn without_value(message: &str) -> String {
    for kind in ["invalid type", "invalid value", "unknown variant"] {
        let Some(rest) = message.strip_prefix(kind) else {
            continue;
        };
        // What was expected is ours and stands last; the value may hold anything.
        return match rest.rsplit_once(", expected ") {
            Some((_, expected)) => format!("{kind}, expected {expected}"),
            None => kind.to_owned(),
        };
    }
    message.to_owned()
}

async fn body(request: Request) -> Result<Bytes, HttpError> {
    let limit = request.extensions().get::<Cx>().map_or(0, Cx::body_limit);
    let collect = Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(BODY_TIME, collect).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Err(HttpError::new(
                status,
                "body_too_large",
                "Request body too large",
            ))
        }
        Ok(Err(_)) => Err(invalid(
            INVALID_BODY,
            "body",
            "the body did not arrive whole",
        )),
        Err(_) => Err(HttpError::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The body took too long to arrive",
        )),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|kind| {
        kind.eq_ignore_ascii_case("application/json")
            || (kind.starts_with("application/") && kind.ends_with("+json"))
    })
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

pub(crate) fn invalid(label: &'static str, field: &str, message: &str) -> HttpError {
    let issue = Issue {
        field: field.to_owned(),
        message: message.to_owned(),
    };
    HttpError::new(StatusCode::BAD_REQUEST, "invalid", label).with_issues(vec![issue])
}

fn unguarded() -> HttpError {
    let mut error = HttpError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal server error",
    );
    error.cause = Some("an extractor stands on a route without a guard".to_owned());
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_what_was_expected_and_not_what_came() {
        for (message, told) in [
            (
                "invalid type: string \"s3cret, expected nothing\", expected a boolean at line 1 column 9",
                "invalid type, expected a boolean at line 1 column 9",
            ),
            (
                "unknown variant `s3cret`, expected one of `a`, `b`",
                "unknown variant, expected one of `a`, `b`",
            ),
            ("invalid value: s3cret", "invalid value"),
            (
                "unknown field `a`, expected `b`",
                "unknown field `a`, expected `b`",
            ),
            ("missing field `a`", "missing field `a`"),
        ] {
            assert_eq!(without_value(message), told);
        }
    }
}
