//! The headers of every answer.

use ee_server::Surface;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const API_CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const PAGE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
);
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds what the security parameters ask for, where the handler has not set it.
pub(crate) fn secure(headers: &mut HeaderMap, surface: Surface, is_https: bool) {
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
}
