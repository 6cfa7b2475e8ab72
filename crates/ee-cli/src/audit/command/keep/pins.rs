//! `mastra-ee audit pins`.

use anyhow::{Result, bail};
use ee::{AuditAction, AuditResource, audit::integrity::Pins};
use serde_json::json;

use crate::{
    args::PinsCommand,
    audit::{command::keeper::Keeper, open},
};

/// Forgets how far this machine has seen a log go, once somebody knows why it is another one now.
pub(in super::super) async fn pins(keeper: &Keeper, command: &PinsCommand) -> Result<()> {
    let PinsCommand::Forget { partition, .. } = command;
    let partition = partition.as_deref().unwrap_or(open::PARTITION);
    let pins = Pins::new(open::pins_dir(&keeper.loaded));
    let seen = match pins.find(partition) {
        Ok(None) => {
            bail!("this machine has not seen the log `{partition}`: there is nothing to forget")
        }
        Ok(Some(pin)) => Some(pin.size),
        // One that cannot be read is what somebody may want to be rid of.
        Err(_) => None,
    };
    let size = keeper.logs().head(partition).await?.size();
    let told = [
        ("log", partition.into()),
        ("size", size.into()),
        ("seen", json!(seen)),
    ];
    let mut event = keeper.act(AuditAction::AUDIT_ROLLBACK, told);
    event.reason = Some("the operator goes on from what is there".to_owned());
    event.resource = Some(AuditResource::new("audit-log", partition));
    keeper.record(event).await?;
    pins.forget(partition)?;
    let answer = json!({ "partition": partition, "seen": seen, "size": size });
    keeper.show(&answer, |_| {
        format!("the log `{partition}` goes on from what is there, {size} events")
    })
}
