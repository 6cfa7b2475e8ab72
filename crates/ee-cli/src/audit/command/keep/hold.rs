//! `mastra-ee audit hold`.

use std::sync::Arc;

use anyhow::Result;
use ee::{
    ErrorKind,
    audit::retention::{Holds, NewHold},
    storage::AuditHold,
};
use serde_json::{Value, json};

use crate::{
    admin::output::{Table, moment},
    args::HoldCommand,
    audit::command::{
        keeper::{Keeper, operator},
        search,
    },
};

pub(in super::super) async fn hold(keeper: &Keeper, command: &HoldCommand) -> Result<()> {
    let holds = Holds::new(
        Arc::clone(&keeper.stores.audit.retention),
        keeper.logger()?,
        Arc::clone(&keeper.clock),
    );
    let actor = operator();
    match command {
        HoldCommand::Create(args) => {
            search::filter(Some(&args.filter), keeper.clock.now())?;
            let new = NewHold::new(&args.id, &args.filter, &args.reason, &args.owner);
            let hold = match holds.create(&actor, new).await {
                Err(err) if err.kind() == ErrorKind::Conflict => {
                    anyhow::bail!("there is a hold `{}` already: choose another name", args.id)
                }
                created => created?,
            };
            keeper.show(&view(&hold), |_| {
                format!("hold `{}` has begun: what fits it stays", hold.id)
            })
        }
        HoldCommand::List { .. } => {
            let holds = holds.list().await?;
            let items: Vec<Value> = holds.iter().map(view).collect();
            keeper.show(&json!({ "items": items }), |_| table(&holds))
        }
        HoldCommand::Release { id, .. } => {
            let hold = match holds.release(&actor, id).await {
                Err(err) if err.kind() == ErrorKind::NotFound => {
                    anyhow::bail!("there is no hold `{id}`: `mastra-ee audit hold list` names them")
                }
                released => released?,
            };
            keeper.show(&view(&hold), |_| format!("hold `{id}` has ended"))
        }
    }
}

fn view(hold: &AuditHold) -> Value {
    json!({
        "id": hold.id,
        "filter": hold.filter,
        "reason": hold.reason,
        "owner": hold.owner,
        "createdAt": hold.created_at,
    })
}

fn table(holds: &[AuditHold]) -> String {
    let rows = holds.iter().map(|hold| {
        [
            hold.id.clone(),
            moment(hold.created_at),
            hold.owner.clone(),
            hold.filter.clone(),
            hold.reason.clone(),
        ]
    });
    Table::new(["ID", "SINCE", "OWNER", "FILTER", "REASON"], rows).to_string()
}
