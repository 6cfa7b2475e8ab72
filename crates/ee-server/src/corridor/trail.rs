//! What the record gets of one request: its beginning where that is wanted, and its end, also when nobody waits for it.

use std::sync::Arc;

use ee_core::{AuditAction, AuditOutcome, AuditStage, Error};

use super::record::{Outcome, describe, record};
use crate::{Cx, Route};

/// An audited request that has been let through. Dropped before its end, it is recorded as aborted: whoever asked has gone
/// away, or the handler has.
#[derive(Debug)]
#[must_use]
pub struct Trail {
    action: AuditAction,
    cx: Cx,
    is_open: bool,
    resource_param: Option<String>,
    route: Arc<Route>,
}

impl Trail {
    /// Begins, if the route is recorded at all. Where the record says so, and before every stream, it is told first what is
    /// about to be done.
    ///
    /// Fails when that cannot be recorded: then it must not be done.
    pub async fn begin(
        cx: &Cx,
        route: &Arc<Route>,
        resource_param: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let Some(action) = &route.audit else {
            return Ok(None);
        };
        let audit = &cx.server().audit;
        if route.is_stream() || audit.wants_intent(action) {
            let outcome = Outcome {
                status: 0,
                reason: None,
                note: None,
                resource_param,
            };
            let what = (action.clone(), AuditOutcome::Success);
            let mut intent = describe(cx, route, what, outcome);
            intent.stage = AuditStage::Intent;
            intent.duration = None;
            audit.log(intent).await?;
        }
        Ok(Some(Self {
            action: action.clone(),
            cx: cx.clone(),
            is_open: true,
            resource_param: resource_param.map(str::to_owned),
            route: Arc::clone(route),
        }))
    }

    /// Records how it ended. Fails when that is not kept.
    pub async fn end(mut self, outcome: Outcome<'_>) -> Result<(), Error> {
        self.is_open = false;
        record(&self.cx, &self.route, outcome).await
    }

    /// Records that a stream has come to its end, without anybody waiting for that.
    pub fn end_stream(mut self) {
        self.is_open = false;
        self.log_later(AuditOutcome::Success, None);
    }

    fn log_later(&self, verdict: AuditOutcome, reason: Option<&str>) {
        let outcome = Outcome {
            status: 200,
            reason,
            note: None,
            resource_param: self.resource_param.as_deref(),
        };
        let mut event = describe(
            &self.cx,
            &self.route,
            (self.action.clone(), verdict),
            outcome,
        );
        if event.reason.is_some() {
            event.outcome = AuditOutcome::Failure;
        }
        self.cx.server().audit.log_later(event);
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if self.is_open {
            self.log_later(AuditOutcome::Failure, Some("aborted before its end"));
        }
    }
}
