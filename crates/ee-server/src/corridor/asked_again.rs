//! What a caller is judged by again, long after he was let through.

use std::fmt;

use bytes::Bytes;
use ee_core::{Authority, Error, ErrorKind, RequestHead, Session};
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use zeroize::Zeroize as _;

use super::{Arrival, CxParts, allows, decide};
use crate::{Cx, Route, Scope, context::unauthenticated};

/// Of a request what decides whether its caller may make it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// How many changes had been counted before the caller was judged.
    changes: Option<u64>,
    method: Method,
    route: Route,
    scope_param: Option<String>,
    shown: Shown,
}

impl Kept {
    pub(super) fn new(route: &Route, arrival: &Arrival<'_>, changes: Option<u64>) -> Self {
        Self {
            changes,
            method: arrival.method.clone(),
            route: route.clone(),
            scope_param: arrival.scope_param.map(str::to_owned),
            shown: Shown::new(arrival.headers),
        }
    }

    pub(super) const fn route(&self) -> &Route {
        &self.route
    }

    /// Returns the id of the thing that the route is about.
    pub(super) fn resource_param(&self) -> Option<&str> {
        let (_, named) = self.route.resource?;
        let scope = self.route.access.scope();
        let is_same = matches!(scope, Some(Scope::Param(param)) if param == named);
        self.scope_param.as_deref().filter(|_| is_same)
    }
}

/// How a caller was judged last.
#[derive(Debug)]
pub(super) struct Judged {
    authority: Authority,
    changes: Option<u64>,
    /// When the credentials end by themselves, as far as that is known.
    ends_at: Option<Timestamp>,
    /// Whether everything else that ends them is counted as a change.
    is_told: bool,
    /// The session as it was then; since then it may have got another id.
    session: Option<Box<Session>>,
}

impl Judged {
    /// Returns how the caller was judged when he was let through.
    pub(super) fn first(cx: &Cx, kept: &Kept) -> Self {
        Self::of(&cx.0, kept.changes)
    }

    /// Judges the caller again, by all that he has shown. It is not a use of his session or key.
    ///
    /// Fails as [`admit`](super::admit) does.
    pub(super) async fn again(&self, cx: &Cx, kept: &Kept) -> Result<Self, Error> {
        let server = cx.server();
        let changes = server.count_changes();
        let arrival = Arrival {
            client_ip: cx.client_ip(),
            headers: &kept.shown.headers,
            method: &kept.method,
            request_id: cx.request_id(),
            scope_param: kept.scope_param.as_deref(),
        };
        let head = RequestHead::new(arrival.headers, arrival.client_ip);
        let head = head.repeated(self.session.as_deref());
        let mut parts = CxParts::new(server, &kept.route, &arrival);
        decide(server, &mut parts, &kept.route, &arrival, &head).await?;
        let user = |parts: &CxParts| parts.caller.identity().map(|it| it.user.id.clone());
        if user(&parts) != user(&cx.0) {
            return Err(unauthenticated());
        }
        Ok(Self::of(&parts, changes))
    }

    fn of(parts: &CxParts, changes: Option<u64>) -> Self {
        let identity = parts.caller.identity();
        let session = identity.and_then(|it| it.session.as_ref());
        let key = identity.and_then(|it| it.key.as_ref());
        Self {
            authority: parts.authority.clone(),
            changes,
            ends_at: match session {
                Some(session) => Some(session.expires_at),
                None => identity.and_then(|it| it.ends_at),
            },
            is_told: changes.is_some() && (session.is_some() || key.is_some()),
            session: session.cloned().map(Box::new),
        }
    }

    /// Tells whether something has changed since.
    pub(super) fn is_overtaken(&self, cx: &Cx) -> bool {
        self.changes != cx.server().count_changes()
    }

    /// Tells whether time alone may have changed the judgement.
    pub(super) fn is_stale(&self, cx: &Cx, kept: &Kept) -> bool {
        let now = cx.server().clock.now();
        let id = kept.scope_param.as_deref();
        !self.is_told
            || self.ends_at.is_some_and(|end| end <= now)
            || !allows(&self.authority, &kept.route.access, id, now)
    }
}

/// Tells whether a failure to judge says nothing about the caller.
pub(super) fn is_doubt(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal)
}

/// Headers, with the credentials among them. Their values stand in one place, which is wiped in the end.
struct Shown {
    headers: HeaderMap,
    values: Bytes,
}

impl Shown {
    fn new(headers: &HeaderMap) -> Self {
        let length = headers.values().map(HeaderValue::len).sum();
        // All at once: a buffer that grows leaves copies behind.
        let mut values = Vec::with_capacity(length);
        for value in headers.values() {
            values.extend_from_slice(value.as_bytes());
        }
        let values = Bytes::from(values);
        let mut copies = HeaderMap::with_capacity(headers.len());
        let mut from = 0;
        for (name, value) in headers {
            let to = from + value.len();
            if let Ok(mut copy) = HeaderValue::from_maybe_shared(values.slice(from..to)) {
                copy.set_sensitive(true);
                copies.append(name, copy);
            }
            from = to;
        }
        Self {
            headers: copies,
            values,
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.headers.clear();
        if let Ok(mut values) = std::mem::take(&mut self.values).try_into_mut() {
            values.as_mut().zeroize();
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_kept_as_they_are_and_not_shown() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("x-empty", ""),
            ("x", "\u{e9}"),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(name, value);
        }

        let shown = Shown::new(&headers);

        assert_eq!(shown.headers, headers);
        let text = format!("{shown:?} {:?}", shown.headers);
        assert!(!text.contains("a=1") && !text.contains("b=2"), "{text}");
    }

    #[test]
    fn nothing_else_holds_the_place_of_the_values() {
        let mut headers = HeaderMap::new();
        headers.append("authorization", HeaderValue::from_static("Bearer secret"));
        let mut shown = Shown::new(&headers);

        shown.headers.clear();

        assert!(std::mem::take(&mut shown.values).try_into_mut().is_ok());
    }
}
