//! `mastra-ee explain`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use ee::{
    server::access::{self, ExplainBody, Explanation},
    storage::AccountStatus,
};

use super::operator::Operator;
use crate::{args::ExplainArgs, config::AuthKind};

/// Exits with 1 when it is denied.
pub(super) async fn run(operator: &Operator, args: &ExplainArgs) -> Result<ExitCode> {
    let explanation = explain(operator, args).await?;
    operator.show(&explanation, |it| {
        let verdict = if it.allowed { "allowed" } else { "denied" };
        format!("{verdict}: {}", it.reason)
    })?;
    Ok(if explanation.allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn explain(operator: &Operator, args: &ExplainArgs) -> Result<Explanation> {
    ensure!(
        operator.loaded.config.auth != AuthKind::None,
        "authentication is off here (`auth = \"none\"`): everybody may do everything"
    );
    let user = operator.user(&args.user).await?;
    let account = operator.stores.accounts.find(&user).await?;
    if account.is_some_and(|account| account.status == AccountStatus::Disabled)
        && operator.access()?.users.find(&user).await?.is_none()
    {
        return Ok(Explanation {
            allowed: false,
            decided_by: "nothing",
            reason: format!("account `{user}` is disabled: whoever has it is refused"),
            pattern: None,
            role: None,
            subject: None,
        });
    }
    let body = ExplainBody {
        user_id: Some(user),
        roles: None,
        permission: args.permission.clone(),
        resource_id: args.id.clone(),
    };
    Ok(access::explain(&operator.cx, body).await?)
}
