//! Whether the server can do its work.

use ee_core::{Error, ErrorKind, Visible};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Cx, audit::AuditParts};

/// That the server can do its work, and how the record is meanwhile.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Readiness {
    /// How the record is; absent where the server keeps none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<RecordState>,
    /// Always `ready`: what is not is an error.
    pub status: &'static str,
}

/// How the record is.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordState {
    /// Events wait, or some were lost by a policy that permits that, or the last verification has found damage.
    Failing,
    /// Every event gets to where it belongs.
    Well,
}

/// `GET /health/ready`: asks the stores that the server cannot do without, and whether acts can be recorded.
///
/// Fails with what the store fails with, and with [`ErrorKind::Unavailable`] when acts are refused because their events
/// find no room on this machine: another server may have some.
pub async fn ready(cx: &Cx) -> Result<Readiness, Error> {
    if let Some(agents) = &cx.server().agents {
        agents.list(&Visible::EVERYTHING).await?;
    }
    let audit = cx.server().record.as_ref().map(record).transpose()?;
    Ok(Readiness {
        audit,
        status: "ready",
    })
}

fn record(parts: &AuditParts) -> Result<RecordState, Error> {
    let spool = parts.spool.as_ref().map(|it| it.status());
    let is_stuck = spool.is_some_and(|it| it.is_full || it.is_failing);
    if is_stuck && parts.refuses_when_full {
        let message = "the audit record cannot be written";
        return Err(Error::new(ErrorKind::Unavailable, message));
    }
    let health = parts.health.report();
    let is_damaged = health.verification.is_some_and(|it| !it.is_ok);
    Ok(if is_stuck || is_damaged || !health.is_well {
        RecordState::Failing
    } else {
        RecordState::Well
    })
}
