//! The way that every request takes: authenticate, authorise, act, record.

use std::{net::IpAddr, sync::Arc};

use ee_core::{
    ActorType, AuditAction, AuditActor, AuditContext, AuditEvent, AuditOutcome, AuditResource,
    Authority, Caller, Error, ErrorKind, GrantSet, RequestHead, ResourceRef, Verdict,
};
use http::{HeaderMap, Method};
use tracing::error;

use crate::{
    Access, AuthMode, Cx, RequestId, Route, Scope, Server,
    access::explain_caller,
    context::{CxParts, unauthenticated},
    csrf,
    route::is_unsafe,
};

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
    let now = server.clock.now();
    let mut parts = CxParts {
        authority: Authority::nothing(),
        body_limit: if route.access.is_public() {
            MAX_STRANGERS_BODY_BYTES
        } else {
            MAX_BODY_BYTES
        },
        caller: Caller::Anonymous,
        client_ip: arrival.client_ip,
        now,
        request_id: arrival.request_id,
        server: Arc::clone(server),
        user_agent: None,
    };
    let decided = decide(server, &mut parts, route, arrival).await;
    if route.audit.is_some() || decided.is_err() {
        let head = RequestHead::new(arrival.headers, arrival.client_ip);
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

async fn decide(
    server: &Server,
    parts: &mut CxParts,
    route: &Route,
    arrival: &Arrival<'_>,
) -> Result<(), Error> {
    let head = RequestHead::new(arrival.headers, arrival.client_ip);
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
    parts.caller = licensed.identify(&head).await?;
    let Access::Permission { any_of, scope } = &route.access else {
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
    let (authority, now) = (&parts.authority, parts.now);
    let allowed = match (scope, arrival.scope_param) {
        (Scope::All, _) => any_of.iter().any(|it| authority.allows(it, now)),
        (Scope::Some, _) => any_of.iter().any(|it| authority.allows_some(it)),
        (Scope::Param(_), Some(id)) => any_of.iter().any(|it| authority.allows_on(it, id, now)),
        // A template without the parameter that its access names never opens.
        (Scope::Param(_), None) => false,
    };
    if allowed || asked_outside(&licensed, parts, any_of, arrival.scope_param).await? {
        Ok(())
    } else {
        Err(missing(any_of))
    }
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

/// What a handler adds to the record of its request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditNote {
    /// Who acted, where the request itself does not show it (sign-in).
    pub actor: Option<AuditActor>,
    /// Why it failed, where the status does not show it (a browser is sent on).
    pub failure: Option<String>,
    /// What else is worth knowing.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What was acted upon, where the path does not name it (creation).
    pub resource: Option<AuditResource>,
}

impl AuditNote {
    /// Names what was acted upon.
    pub fn about(kind: &'static str, id: impl Into<String>, name: Option<String>) -> Self {
        let mut resource = AuditResource::new(kind, id);
        resource.name = name;
        Self {
            resource: Some(resource),
            ..Self::default()
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }
}

/// How a request ended.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Status of the answer.
    pub status: u16,
    /// Why it was refused or failed, for the record.
    pub reason: Option<&'a str>,
    /// What the handler added.
    pub note: Option<AuditNote>,
    /// The path parameter that [`Route::resource`] names, decoded.
    pub resource_param: Option<&'a str>,
}

/// Records how a request ended: refusals always, successes and failures where the route says so.
pub async fn record(cx: &Cx, route: &Route, outcome: Outcome<'_>) {
    let refused = matches!(outcome.status, 401 | 403);
    let action = match &route.audit {
        Some(action) => action.clone(),
        None if refused => AuditAction::ACCESS_DENIED,
        None => return,
    };
    let parts = &cx.0;
    let note = outcome.note.unwrap_or_default();
    let verdict = match outcome.status {
        // A sign-in with a wrong password has failed; it was not forbidden.
        401 if route.access.is_public() => AuditOutcome::Failure,
        401 | 403 => AuditOutcome::Denied,
        400.. => AuditOutcome::Failure,
        _ if note.failure.is_some() => AuditOutcome::Failure,
        _ => AuditOutcome::Success,
    };
    let mut actor = note.actor.unwrap_or_else(|| actor(cx));
    actor.ip = parts.client_ip;
    actor.user_agent = parts.user_agent.as_deref().map(str::to_owned);
    let mut event = AuditEvent::new(parts.now, actor, action, verdict);
    event.resource = note.resource.or_else(|| {
        let (kind, _) = route.resource?;
        outcome
            .resource_param
            .map(|id| AuditResource::new(kind, id))
    });
    event.metadata = note.metadata;
    event.reason = outcome.reason.map(str::to_owned).or(note.failure);
    let elapsed = parts
        .server
        .clock
        .now()
        .duration_since(parts.now)
        .as_millis();
    event.duration = Some(u64::try_from(elapsed).unwrap_or(0));
    event.context = Some(AuditContext::new(
        parts.request_id.to_string(),
        route.method.to_string(),
        route.path.clone(),
        outcome.status,
    ));
    if let Err(err) = parts.server.audit.log(event).await {
        error!(request.id = %parts.request_id, error = %err, "an audit event could not be written");
    }
}

fn actor(cx: &Cx) -> AuditActor {
    let Some(identity) = cx.identity() else {
        return AuditActor::anonymous();
    };
    let mut actor = AuditActor::new(ActorType::User, identity.user.id.as_str());
    actor.email.clone_from(&identity.user.email);
    actor
}
