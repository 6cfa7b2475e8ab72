//! The headers of every answer.

use ee_server::{RequestId, Surface};
use http::{HeaderMap, HeaderName, HeaderValue, header};

const API_CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const PAGE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Headers of a page's answer and two more, so that a map with room for them never grows.
const MOST: usize = 14;
/// Headers of an answer to a program.
const USUAL: usize = 8;

/// Starts an answer to a program, with room for what [`finish`] and the router add.
pub(crate) fn json() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(USUAL);
    headers.insert(header::CONTENT_TYPE, JSON);
    headers
}

/// Adds what the security parameters ask for, where the handler has not set it, and the request's id.
pub(crate) fn finish(
    headers: &mut HeaderMap,
    surface: Surface,
    is_https: bool,
    request_id: RequestId,
) {
    if surface == Surface::Page {
        headers.reserve(MOST);
    }
    let mut set = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    set(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    match surface {
        Surface::Api => {
            set(header::CONTENT_SECURITY_POLICY, API_CSP);
            set(header::VARY, HeaderValue::from_static("origin, cookie"));
        }
        Surface::Page => {
            set(header::CONTENT_SECURITY_POLICY, PAGE_CSP);
            set(header::VARY, HeaderValue::from_static("hx-request, cookie"));
            set(
                header::REFERRER_POLICY,
                HeaderValue::from_static("same-origin"),
            );
            set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
            set(OPENER_POLICY, HeaderValue::from_static("same-origin"));
            set(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
            let off =
                "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
            set(PERMISSIONS_POLICY, HeaderValue::from_static(off));
        }
    }
    if is_https {
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        set(header::STRICT_TRANSPORT_SECURITY, two_years);
    }
    identify(headers, request_id);
}

/// Tells the request's id, whatever the handler says of it.
pub(crate) fn identify(headers: &mut HeaderMap, request_id: RequestId) {
    let mut text = [0; RequestId::MAX_CHARS];
    let length = request_id.write(&mut text);
    let text = text.get(..length).unwrap_or_default();
    if let Ok(value) = HeaderValue::from_bytes(text) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Tells whether the answer comes from a guard, all of whose answers have an id.
pub(crate) fn is_identified(headers: &HeaderMap) -> bool {
    headers.contains_key(REQUEST_ID)
}
