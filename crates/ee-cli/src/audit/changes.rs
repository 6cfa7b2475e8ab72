//! What is not the same as it was: the configuration since the last start, the licence since the last look.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use ee::{AuditAction, AuditLogger, AuditOutcome, Clock, LicenseGate};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::service::own;
use crate::private_file;

/// How often the licence is looked at.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Compares the configuration in effect, which has no secrets, with the one of the last start, and returns what is to be
/// recorded: each section with another value, by name.
pub(super) fn of_configuration(
    data: &Path,
    effective: &Value,
) -> Result<Option<(Vec<String>, Value)>> {
    let path = data.join("last-config.json");
    let before = private_file::read(&path)?;
    let text = serde_json::to_string(effective)?;
    if before.as_deref() == Some(&*text) {
        return Ok(None);
    }
    private_file::write(&path, &text)?;
    let Some(before) = before.and_then(|text| serde_json::from_str::<Value>(&text).ok()) else {
        return Ok(None);
    };
    let names = |value: &Value| -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    };
    let mut all = names(&before);
    all.extend(names(effective));
    all.sort_unstable();
    all.dedup();
    all.retain(|name| before.get(name) != effective.get(name));
    let told = json!({ "changed": all });
    Ok(Some((all, told)))
}

/// Records what the licence covers, now and whenever that is something else.
pub(super) async fn of_licence(
    gate: LicenseGate,
    logger: Arc<dyn AuditLogger>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let mut before = None;
    loop {
        let status = gate.status();
        let features: Vec<&str> = gate.features().iter().map(ee::Feature::as_str).collect();
        let now = json!({ "valid": status.info.valid, "keyIsSet": status.key_is_set, "features": features });
        if before.as_ref() != Some(&now) {
            let action = match before {
                None => AuditAction::LICENSE_LOADED,
                Some(_) => AuditAction::LICENSE_CHANGED,
            };
            let event = own(&*clock, action, AuditOutcome::Success, now.clone());
            match logger.log(event).await {
                Ok(()) => before = Some(now),
                Err(err) => error!(error = %err, "an audit event could not be written"),
            }
        }
        if shutdown
            .run_until_cancelled(sleep(LOOK_EVERY))
            .await
            .is_none()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_since_the_last_start_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let compare = |config: Value| of_configuration(dir.path(), &config).unwrap();

        assert_eq!(
            compare(json!({ "auth": "simple", "audit": { "a": 1 } })),
            None
        );
        assert_eq!(
            compare(json!({ "auth": "simple", "audit": { "a": 1 } })),
            None
        );
        let changed = compare(json!({ "auth": "simple", "audit": { "a": 2 }, "mail": 1 }));
        let names = ["audit".to_owned(), "mail".to_owned()];
        let told = json!({ "changed": names });
        assert_eq!(changed, Some((names.to_vec(), told)));
        std::fs::write(dir.path().join("last-config.json"), "no JSON").unwrap();
        assert_eq!(compare(json!({ "auth": "none" })), None);
    }
}
