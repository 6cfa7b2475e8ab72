use axum::response::Response;
use ee_adapter_axum::{HttpError, QueryParams};
use ee_core::{RequestHead, add_cookies};
use ee_server::auth;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;

use super::noted;
use crate::{
    pages::{SessionExpired, SignedOut, session_expired, signed_out},
    paths,
    return_target::return_target,
    visit::{Visit, see_other},
};

pub(crate) async fn logout(visit: Visit, headers: HeaderMap) -> Result<Response, HttpError> {
    let head = RequestHead::new(&headers, visit.cx.client_ip());
    let reply = auth::logout(&visit.cx, &head).await?;
    let mut response = match reply.body.redirect_to {
        Some(href) => at_provider(&visit, href),
        None => see_other(paths::LOGIN),
    };
    let forget = HeaderValue::from_static("\"cookies\", \"storage\"");
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("clear-site-data"), forget);
    add_cookies(headers, reply.cookies);
    Ok(noted(response, reply.note))
}

/// The browser goes on by itself: unlike a redirect, that is no target of the form.
fn at_provider(visit: &Visit, href: String) -> Response {
    let refresh = HeaderValue::try_from(format!("0; url={href}"));
    let content = signed_out(&SignedOut {
        provider_href: href,
    });
    let mut response = visit.bare("Signed out", content);
    if let Ok(refresh) = refresh {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExpiredQuery {
    redirect: String,
}

pub(crate) async fn expired(
    visit: Visit,
    QueryParams(query): QueryParams<ExpiredQuery>,
) -> Response {
    let redirect = return_target(&visit.cx, &query.redirect);
    if visit.is_inside() {
        return see_other(if redirect.is_empty() {
            paths::BASE
        } else {
            &redirect
        });
    }
    let content = session_expired(&SessionExpired {
        redirect,
        unsaved: false,
    });
    visit.bare("Session expired", content)
}
