//! The way that every request takes: authenticate, authorise, act, record.

mod asked_again;
mod on_behalf;
mod preview;
mod record;
mod renewal;
mod trail;
mod until_revoked;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use ee_core::{Authority, Caller, Error, ErrorKind, GrantSet, RequestHead, ResourceRef, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};

pub(crate) use asked_again::Kept;
pub use record::{AuditNote, Outcome, record};
pub use trail::Trail;

use crate::{
    Access, AuthMode, Cx, RequestId, Route, Scope, Server,
    access::explain_caller,
    context::{CxParts, unauthenticated},
    csrf,
    route::is_unsafe,
    visible::listed_outside,
};

/// How long after a sign-in dangerous acts are possible.
const STEP_UP_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Largest body of a request to a route for people who are known.
const MAX_BODY_BYTES: usize = 1_024 * 1_024;
/// Largest body of a request to a route for strangers.
const MAX_STRANGERS_BODY_BYTES: usize = 16 * 1_024;

/// A request that has found its route.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Where it comes from, as judged by the adapter.
    pub client_ip: Option<IpAddr>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its method, which need not be the one of the declaration.
    pub method: &'a Method,
    /// Its id.
    pub request_id: RequestId,
    /// Value of the path parameter that the route's [`Scope::Param`] names, decoded.
    pub scope_param: Option<&'a str>,
}

/// A request that is refused before its handler.
#[derive(Debug)]
pub struct Refusal {
    /// Who asked, for the record.
    pub cx: Cx,
    /// Why not.
    pub error: Error,
}

/// Lets a request through to the handler of its route, or says why not.
///
/// The order is fixed: cross-site check, identity (401), permission (403). A body is read only afterwards.
pub async fn admit(
    server: &Arc<Server>,
    route: &Route,
    arrival: &Arrival<'_>,
) -> Result<Cx, Box<Refusal>> {
    // Before anybody is judged: a change from now on is one that a stream hears of.
    let is_stream = route.is_stream();
    let changes = is_stream.then(|| server.count_changes()).flatten();
    let mut parts = CxParts::new(server, route, arrival);
    let head = RequestHead::new(arrival.headers, arrival.client_ip);
    let decided = decide(server, &mut parts, route, arrival, &head)
        .await
        .and_then(|()| check_step_up(&parts, route));
    if let AuthMode::On(auth) = &server.auth {
        parts.renewal = renewal::due(&auth.at(parts.now), &parts).await;
    }
    if decided.is_ok() && is_stream {
        parts.kept = Some(Box::new(Kept::new(route, arrival, changes)));
    }
    if route.audit.is_some() || parts.kept.is_some() || parts.renewal.is_some() || decided.is_err()
    {
        parts.user_agent = head.user_agent().map(Into::into);
    }
    let cx = Cx(Arc::new(parts));
    match decided {
        Ok(()) => Ok(cx),
        Err(error) => {
            // In a box: most requests are not refused, and their future stays small.
            let error = Box::pin(explained(&cx, route, arrival, error)).await;
            Err(Box::new(Refusal { cx, error }))
        }
    }
}

/// Tells those who may know why they were refused.
async fn explained(cx: &Cx, route: &Route, arrival: &Arrival<'_>, error: Error) -> Error {
    let (Access::Permission { any_of, .. }, Some(identity)) = (&route.access, cx.identity()) else {
        return error;
    };
    let Some(permission) = any_of.first() else {
        return error;
    };
    if error.kind() != ErrorKind::Forbidden || !cx.allows(&crate::permissions::ACCESS_READ) {
        return error;
    }
    let id = arrival.scope_param;
    match explain_caller(cx, &identity.user, permission, id).await {
        Ok(why) => {
            let message = format!("{} ({})", error.message(), why.reason);
            Error::new(ErrorKind::Forbidden, message)
        }
        // Without the reason it is a refusal all the same.
        Err(_) => error,
    }
}

/// Finds out who it is and judges whether he may. The one place for the first time and for every time after it.
async fn decide(
    server: &Server,
    parts: &mut CxParts,
    route: &Route,
    arrival: &Arrival<'_>,
    head: &RequestHead<'_>,
) -> Result<(), Error> {
    if is_unsafe(arrival.method) {
        csrf::check(arrival.headers, &server.origins)?;
    }
    if route.access == Access::Open {
        return Ok(());
    }
    let AuthMode::On(auth) = &server.auth else {
        parts.authority = Authority::everything();
        return Ok(());
    };
    let licensed = auth.at(parts.now);
    parts.caller = licensed.identify(head).await?;
    if let Caller::Known(identity) = &mut parts.caller {
        // In boxes: most requests ask for neither, and their future stays small.
        let headers = arrival.headers;
        if headers.contains_key(&on_behalf::NAME) {
            Box::pin(on_behalf::act(&licensed, identity, headers)).await?;
        }
        if headers.contains_key(&preview::NAME) {
            Box::pin(preview::narrow(&licensed, identity, headers)).await?;
        }
    }
    let Access::Permission { any_of, .. } = &route.access else {
        return match (&route.access, &parts.caller) {
            (Access::Public, _) | (_, Caller::Known(_)) => {
                parts.hold(&licensed, route).await;
                Ok(())
            }
            _ => Err(unauthenticated()),
        };
    };
    let Caller::Known(identity) = &parts.caller else {
        return Err(unauthenticated());
    };
    parts.authority = licensed.authority(identity).await?;
    if allows(
        &parts.authority,
        &route.access,
        arrival.scope_param,
        parts.now,
    ) || asked_outside(&licensed, parts, any_of, arrival.scope_param).await?
        || listed_outside(&licensed, parts, &route.access).await?
    {
        Ok(())
    } else {
        Err(missing(any_of))
    }
}

/// Tells whether a permission of the route is among what somebody may do. Routes that ask for none are no matter here.
fn allows(authority: &Authority, access: &Access, id: Option<&str>, now: Timestamp) -> bool {
    let Access::Permission { any_of, scope } = access else {
        return true;
    };
    match (scope, id) {
        (Scope::All, _) => any_of.iter().any(|it| authority.allows(it, now)),
        (Scope::Some, _) => any_of.iter().any(|it| authority.allows_some(it)),
        (Scope::Param(_), Some(id)) => any_of.iter().any(|it| authority.allows_on(it, id, now)),
        // A template without the parameter that its access names never opens.
        (Scope::Param(_), None) => false,
    }
}

/// Returns the value of a header that asks for something. Fails with [`ErrorKind::Invalid`] when it comes twice.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Error> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("the header `{name}` may come once"),
        ));
    }
    Ok(value)
}

/// Fails with [`ErrorKind::StepUpRequired`] for a dangerous act in a session that began too long ago. Credentials that
/// came with the request itself are as fresh as can be.
fn check_step_up(parts: &CxParts, route: &Route) -> Result<(), Error> {
    let session = parts.caller.identity().and_then(|it| it.session.as_ref());
    let Some(session) = session.filter(|_| route.needs_step_up) else {
        return Ok(());
    };
    let age = parts.now.duration_since(session.created_at);
    // A clock that was set back makes no session young.
    if age.is_negative() || age > STEP_UP_WINDOW {
        let message = "sign in again to do this: your sign-in is more than ten minutes ago";
        return Err(Error::new(ErrorKind::StepUpRequired, message));
    }
    Ok(())
}

/// Asks a provider of grants that can only be asked about one thing at a time, where nothing else has decided.
async fn asked_outside(
    licensed: &ee_core::Licensed<'_>,
    parts: &CxParts,
    any_of: &[ee_core::Permission],
    id: Option<&str>,
) -> Result<bool, Error> {
    let (Some(acl), Some(id), Some(identity)) = (licensed.acl(), id, parts.caller.identity())
    else {
        return Ok(false);
    };
    if acl.grants(&identity.user).await?.is_some() {
        return Ok(false);
    }
    for permission in any_of {
        let Some(action) = permission.action() else {
            continue;
        };
        let resource = ResourceRef {
            kind: GrantSet::kind_of(permission.resource()).to_owned(),
            id: id.to_owned(),
        };
        if parts.authority.decide(permission, Some(id), parts.now) == Verdict::Missing
            && acl.can_access(&identity.user, &resource, action).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

impl CxParts {
    /// Describes a request of which nobody knows yet who makes it.
    fn new(server: &Arc<Server>, route: &Route, arrival: &Arrival<'_>) -> Self {
        Self {
            authority: Authority::nothing(),
            body_limit: if route.access.is_public() {
                MAX_STRANGERS_BODY_BYTES
            } else {
                MAX_BODY_BYTES
            },
            caller: Caller::Anonymous,
            client_ip: arrival.client_ip,
            kept: None,
            now: server.clock.now(),
            renewal: None,
            request_id: arrival.request_id,
            server: Arc::clone(server),
            told: Mutex::default(),
            user_agent: None,
        }
    }

    /// Pages show what the caller may do also where the route itself asks for nothing. Who cannot be judged holds nothing.
    async fn hold(&mut self, licensed: &ee_core::Licensed<'_>, route: &Route) {
        if route.surface == crate::Surface::Api {
            return;
        }
        if let Caller::Known(identity) = &self.caller {
            let authority = licensed.authority(identity).await;
            self.authority = authority.unwrap_or_else(|_| Authority::nothing());
        }
    }
}

fn missing(any_of: &[ee_core::Permission]) -> Error {
    let names: Vec<String> = any_of.iter().map(ToString::to_string).collect();
    Error::new(
        ErrorKind::Forbidden,
        format!("Missing required permission: {}", names.join(" or ")),
    )
}
