//! The way that every request takes: authenticate, authorise, act, record.

use std::{net::IpAddr, sync::Arc};

use ee_core::{
    ActorType, AuditAction, AuditActor, AuditContext, AuditEvent, AuditOutcome, AuditResource,
    Caller, Error, ErrorKind, RequestHead,
};
use http::{HeaderMap, Method};
use tracing::error;

use crate::{
    Access, AuthMode, Cx, RequestId, Route, Scope, Server,
    context::{CxParts, Held, unauthenticated},
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
        body_limit: if route.access.is_public() {
            MAX_STRANGERS_BODY_BYTES
        } else {
            MAX_BODY_BYTES
        },
        caller: Caller::Anonymous,
        client_ip: arrival.client_ip,
        held: Held::Nothing,
        now,
        request_id: arrival.request_id,
        server: Arc::clone(server),
        user_agent: None,
    };
    let decided = decide(&mut parts, route, arrival).await;
    if route.audit.is_some() || decided.is_err() {
        let head = RequestHead::new(arrival.headers, arrival.client_ip);
        parts.user_agent = head.user_agent().map(Into::into);
    }
    match decided {
        Ok(()) => Ok(Cx(Arc::new(parts))),
        Err(error) => Err(Box::new(Refusal {
            cx: Cx(Arc::new(parts)),
            error,
        })),
    }
}

async fn decide(parts: &mut CxParts, route: &Route, arrival: &Arrival<'_>) -> Result<(), Error> {
    let head = RequestHead::new(arrival.headers, arrival.client_ip);
    if is_unsafe(arrival.method) {
        csrf::check(arrival.headers, &parts.server.origins)?;
    }
    if route.access == Access::Open {
        return Ok(());
    }
    let server = Arc::clone(&parts.server);
    let AuthMode::On(auth) = &server.auth else {
        parts.held = Held::Everything;
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
    let held = licensed.permissions(&identity.user).await?;
    parts.held = held.map_or(Held::Everything, Held::Set);
    let Held::Set(set) = &parts.held else {
        return Ok(());
    };
    let allowed = match (scope, arrival.scope_param) {
        (Scope::All, _) => any_of.iter().any(|permission| set.allows(permission)),
        (Scope::Some, _) => any_of.iter().any(|permission| set.allows_some(permission)),
        (Scope::Param(_), Some(id)) => any_of
            .iter()
            .any(|permission| set.allows_on(permission, id)),
        // A template without the parameter that its access names never opens.
        (Scope::Param(_), None) => false,
    };
    if allowed {
        Ok(())
    } else {
        Err(missing(any_of))
    }
}

impl CxParts {
    /// Pages show what the caller may do also where the route itself asks for nothing. Who cannot be judged holds nothing.
    async fn hold(&mut self, licensed: &ee_core::Licensed<'_>, route: &Route) {
        if route.surface == crate::Surface::Api {
            return;
        }
        if let Caller::Known(identity) = &self.caller {
            self.held = match licensed.permissions(&identity.user).await {
                Ok(None) => Held::Everything,
                Ok(Some(set)) => Held::Set(set),
                Err(_) => Held::Nothing,
            };
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
