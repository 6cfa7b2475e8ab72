//! New ids for the sessions of people who have other roles now than when they got the id that they have.

use ee_core::{AuditAction, AuditOutcome, Licensed, RolesMark};
use http::HeaderValue;
use tracing::warn;

use super::record::{AuditNote, Outcome, describe, log};
use crate::{Cx, Route, context::CxParts};

/// Returns the mark of the roles that the session needs another id for. Nobody is refused here: what he may do is judged
/// elsewhere, and where the roles are not known he keeps the id until they are.
pub(super) async fn due(licensed: &Licensed<'_>, parts: &CxParts) -> Option<RolesMark> {
    let identity = parts.caller.identity()?;
    let given_under = identity.session.as_ref()?.roles_mark?;
    let known = licensed
        .rbac()
        .and_then(|rbac| rbac.known_mark(&identity.user));
    let mark = match known {
        Some(mark) => mark,
        // In a box: most roles are remembered, and the future of a request stays small.
        None => Box::pin(licensed.roles_mark(&identity.user)).await.ok()??,
    };
    (mark != given_under).then_some(mark)
}

impl Cx {
    /// Tells whether the session that the request came by needs another id.
    pub fn needs_renewal(&self) -> bool {
        self.0.renewal.is_some()
    }

    /// Gives the session that the request came by another id if it needs one, and returns the cookies that hand it over:
    /// none when another request was sooner. The answer must reach nobody but the caller.
    pub async fn renew_session(&self, route: &Route) -> Vec<HeaderValue> {
        let session = self.identity().and_then(|it| it.session.as_ref());
        let licensed = self.licensed();
        let sessions = licensed.and_then(|licensed| licensed.sessions());
        let (Some(mark), Some(session), Some(sessions)) = (self.0.renewal, session, sessions)
        else {
            return Vec::new();
        };
        match sessions.renew(session, mark).await {
            Ok(Some(renewed)) => {
                record_renewed(self, route).await;
                sessions.headers(&renewed)
            }
            Ok(None) => Vec::new(),
            // It has the id that it had, and the next request tries again.
            Err(err) => {
                warn!(
                    request.id = %self.request_id(),
                    error.kind = err.kind().code(),
                    "cannot give a session another id"
                );
                Vec::new()
            }
        }
    }
}

async fn record_renewed(cx: &Cx, route: &Route) {
    let outcome = Outcome {
        status: 200,
        reason: None,
        note: Some(AuditNote::default().with("cause", "roles")),
        resource_param: None,
    };
    let what = (AuditAction::SESSION_REFRESH, AuditOutcome::Success);
    let mut event = describe(cx, route, what, outcome);
    // Those are of the request, which has an event of its own.
    (event.ai, event.reason) = (None, None);
    // It is in the log that it is not in the record, and the id before will be good for nothing all the same.
    let _ = log(cx, event).await;
}
