//! What the record gets of one request: its beginning where that is wanted, and its end, also when nobody waits for it.

use std::sync::Arc;

use ee_core::{AuditAction, AuditEvent, AuditOutcome, AuditRide, AuditStage, Error};

use super::record::{Outcome, describe, log, record, verdict};
use crate::{Cx, Route};

/// An audited request that has been let through. Dropped before its end, it is recorded as aborted: whoever asked has gone
/// away, or the handler has.
#[derive(Debug)]
#[must_use]
pub struct Trail {
    action: AuditAction,
    cx: Cx,
    is_open: bool,
    /// The event of a change, on its way into the transaction of the change.
    ride: Option<AuditRide>,
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
        let resource_param = resource_param.map(str::to_owned);
        let ride = audit
            .wants_ride(action)
            .then(|| ride(cx, route, action, resource_param.clone()));
        if route.is_stream() || audit.wants_intent(action) {
            let mut intent = before_its_end(cx, route, action, resource_param.as_deref());
            intent.stage = AuditStage::Intent;
            audit.log(intent).await?;
        }
        Ok(Some(Self {
            action: action.clone(),
            cx: cx.clone(),
            is_open: true,
            ride,
            resource_param,
            route: Arc::clone(route),
        }))
    }

    /// Returns what the handler is to be called in the scope of.
    pub fn ride(&self) -> Option<AuditRide> {
        self.ride.clone()
    }

    /// Records how it ended, unless that went with the change. Fails when it is not kept.
    pub async fn end(mut self, outcome: Outcome<'_>) -> Result<(), Error> {
        self.is_open = false;
        let is_recorded = self.alight();
        if is_recorded && verdict(&self.route, &outcome) == AuditOutcome::Success {
            return Ok(());
        }
        record(&self.cx, &self.route, outcome).await
    }

    /// Tells the record of an event that went with its change, if one did.
    fn alight(&self) -> bool {
        let carried = self.ride.as_ref().and_then(AuditRide::take_carried);
        let is_carried = carried.is_some();
        if let Some(record) = carried {
            self.cx.server().audit.carried(record);
        }
        is_carried
    }

    /// Records that a stream has come to its end. Fails when it is not kept: whoever reads the answer is not to find its
    /// end then.
    pub async fn end_stream(mut self) -> Result<(), Error> {
        let event = self.describe_end(AuditOutcome::Success, None);
        self.is_open = false;
        log(&self.cx, event).await
    }

    fn describe_end(&self, verdict: AuditOutcome, reason: Option<&str>) -> AuditEvent {
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
        event
    }
}

/// Describes what is about to be done.
fn before_its_end(
    cx: &Cx,
    route: &Route,
    action: &AuditAction,
    resource_param: Option<&str>,
) -> AuditEvent {
    let outcome = Outcome {
        status: 0,
        reason: None,
        note: None,
        resource_param,
    };
    let what = (action.clone(), AuditOutcome::Success);
    let mut event = describe(cx, route, what, outcome);
    event.duration = None;
    event
}

fn ride(
    cx: &Cx,
    route: &Arc<Route>,
    action: &AuditAction,
    resource_param: Option<String>,
) -> AuditRide {
    let (cx, route, action) = (cx.clone(), Arc::clone(route), action.clone());
    AuditRide::new(move |about| {
        let mut event = before_its_end(&cx, &route, &action, resource_param.as_deref());
        // Of what is being made, or of its name, the store knows first.
        event.resource = match (event.resource, about) {
            (Some(named), Some(about)) if named.name.is_some() || named.id != about.id => {
                Some(named)
            }
            (_, Some(about)) => Some(about.clone()),
            (named, None) => named,
        };
        cx.server().audit.prepare(event)
    })
}

impl Drop for Trail {
    fn drop(&mut self) {
        if self.is_open {
            self.alight();
            let event = self.describe_end(AuditOutcome::Failure, Some("aborted before its end"));
            self.cx.server().audit.log_later(event);
        }
    }
}
