//! What the record says of a request.

use ee_core::{
    ActorKind, ActorType, AuditAction, AuditActor, AuditContext, AuditEvent, AuditOutcome,
    AuditResource, Error, ErrorKind, Identity,
};
use serde_json::{Map, Value};
use tracing::error;

use crate::{Cx, Route};

/// What a handler adds to the record of its request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditNote {
    /// Who acted, where the request itself does not show it (sign-in).
    pub actor: Option<AuditActor>,
    /// Why it failed, where the status does not show it (a browser is sent on).
    pub failure: Option<String>,
    /// What else is worth knowing.
    pub metadata: Map<String, Value>,
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
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
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

/// Records how a request ended: refusals always, successes and failures where the route says so. Fails when that is not
/// kept.
pub async fn record(cx: &Cx, route: &Route, outcome: Outcome<'_>) -> Result<(), Error> {
    let refused = matches!(outcome.status, 401 | 403);
    let action = match &route.audit {
        Some(action) => action.clone(),
        None if refused => AuditAction::ACCESS_DENIED,
        None => return Ok(()),
    };
    let verdict = verdict(route, &outcome);
    log(cx, describe(cx, route, (action, verdict), outcome)).await
}

/// Tells how an act ended.
pub(super) fn verdict(route: &Route, outcome: &Outcome<'_>) -> AuditOutcome {
    let note = outcome.note.as_ref();
    match outcome.status {
        // A sign-in with a wrong password has failed; it was not forbidden.
        401 if route.access.is_public() => AuditOutcome::Failure,
        401 | 403 => AuditOutcome::Denied,
        400.. => AuditOutcome::Failure,
        _ if note.is_some_and(|note| note.failure.is_some()) => AuditOutcome::Failure,
        _ => AuditOutcome::Success,
    }
}

/// Records that a stream was ended before its own end.
pub(super) async fn record_revoked(
    cx: &Cx,
    route: &Route,
    resource_param: Option<&str>,
    error: &Error,
) {
    let verdict = match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => AuditOutcome::Denied,
        _ => AuditOutcome::Failure,
    };
    let outcome = Outcome {
        // The head of the answer is gone.
        status: 200,
        reason: Some(error.message()),
        note: None,
        resource_param,
    };
    let what = (AuditAction::ACCESS_REVOKED, verdict);
    let mut event = describe(cx, route, what, outcome);
    event.timestamp = cx.0.server.clock.now();
    // It is in the log that it is not in the record, and the stream ends all the same.
    let _ = log(cx, event).await;
}

/// Describes how a request ended.
pub(super) fn describe(
    cx: &Cx,
    route: &Route,
    (action, verdict): (AuditAction, AuditOutcome),
    outcome: Outcome<'_>,
) -> AuditEvent {
    let parts = &cx.0;
    let told = parts.told().unwrap_or_default();
    let note = outcome.note.or(told.note).unwrap_or_default();
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
    if let Some(identity) = cx.identity() {
        add_means(&mut event.metadata, identity);
    }
    event.reason = outcome.reason.map(str::to_owned).or(note.failure);
    event.ai = told.ai.map(Box::new);
    event.reason = event.reason.or(told.failure);
    let elapsed = parts
        .server
        .clock
        .now()
        .duration_since(parts.now)
        .as_millis();
    event.duration = Some(u64::try_from(elapsed).unwrap_or(0));
    event.context = Some(Box::new(AuditContext::new(
        parts.request_id.to_string(),
        route.method.to_string(),
        route.path.clone(),
        outcome.status,
    )));
    event
}

pub(super) async fn log(cx: &Cx, event: AuditEvent) -> Result<(), Error> {
    let parts = &cx.0;
    parts.server.audit.log(event).await.inspect_err(|err| {
        error!(request.id = %parts.request_id, error = %err, "an audit event could not be written");
    })
}

fn actor(cx: &Cx) -> AuditActor {
    let Some(identity) = cx.identity() else {
        return AuditActor::anonymous();
    };
    let user = &identity.user;
    let mut actor = AuditActor::new(ActorType::User, user.id.as_str());
    actor.email.clone_from(&user.email);
    actor.name.clone_from(&user.name);
    actor.kind = Some(match identity.key {
        Some(_) => ActorKind::ApiKey,
        None => ActorKind::Human,
    });
    actor.credential_id = identity.key.as_ref().map(ToString::to_string);
    actor.roles = user.roles.iter().map(ToString::to_string).collect();
    actor
}

/// Names by what means the actor acted, where that was not he himself with all that he may do.
fn add_means(metadata: &mut Map<String, Value>, identity: &Identity) {
    let means = [
        ("keyId", identity.key.as_ref().map(ToString::to_string)),
        (
            "actedBy",
            identity.acted_by.as_ref().map(|it| it.id.to_string()),
        ),
        (
            "previewedRole",
            identity.previewed.as_ref().map(ToString::to_string),
        ),
    ];
    for (name, value) in means {
        if let Some(value) = value {
            metadata.insert(name.to_owned(), value.into());
        }
    }
}
