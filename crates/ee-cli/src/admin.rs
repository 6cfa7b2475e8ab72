//! The commands that manage access: users, roles, groups, grants, keys, sessions.
//!
//! They open the configured store and change it beside a server that runs or not, which notices at once. Whoever may run
//! them on the machine has the store, so no permission is asked. Everything else is what a server does: the same use
//! cases, the same shapes, the same lines of the record.

mod creation;
mod explain;
mod grants;
mod groups;
mod keys;
mod mapping;
mod names;
mod operator;
pub(crate) mod output;
mod password;
pub(crate) mod record;
mod recovery;
mod roles;
mod sessions;
mod users;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{args::AdminCommand, logging, terminal};

use operator::Operator;

pub(crate) use operator::check_store;

/// What `explain` exits with when it cannot tell.
const CANNOT_TELL: u8 = 2;

/// Runs one of the commands.
pub(crate) fn run(command: &AdminCommand) -> Result<ExitCode> {
    let done = start(command);
    match (command, done) {
        (AdminCommand::Explain(_), Err(err)) => {
            // A script that asks must not take a mistyped name for a no.
            terminal::error(&err);
            Ok(ExitCode::from(CANNOT_TELL))
        }
        (_, done) => done,
    }
}

fn start(command: &AdminCommand) -> Result<ExitCode> {
    logging::install_for_command()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let operator = Operator::open(command.admin(), command.may_begin()).await?;
        let done = dispatch(&operator, command).await;
        operator.close().await;
        done
    })
}

async fn dispatch(operator: &Operator, command: &AdminCommand) -> Result<ExitCode> {
    match command {
        AdminCommand::Explain(args) => return explain::run(operator, args).await,
        AdminCommand::Grants(command) => grants::run(operator, command).await,
        AdminCommand::Groups(command) => groups::run(operator, command).await,
        AdminCommand::Keys(command) => keys::run(operator, command).await,
        AdminCommand::Roles(command) => roles::run(operator, command).await,
        AdminCommand::Sessions(command) => sessions::run(operator, command).await,
        AdminCommand::Users(command) => users::run(operator, command).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
