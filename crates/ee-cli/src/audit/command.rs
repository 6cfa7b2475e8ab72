//! `mastra-ee audit`: the commands that look at the record, prove it and keep it.
//!
//! They work on the configured store beside a server that runs or not. Whoever may run them on the machine has the store,
//! so no permission is asked; who reads, copies or removes is recorded first, in the same log. `verify` alone writes
//! nothing: what it looks at stays as it was found.

mod event;
mod export;
mod find;
mod keep;
mod keeper;
mod keys;
mod line;
mod new_file;
mod proof;
mod query;
mod search;
mod show;
mod sinks;
mod stats;
mod tail;
mod verify;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use self::{keeper::Keeper, search::Unreadable};
use crate::{
    args::{AdminArgs, AuditCommand},
    logging, terminal,
};

/// What is exited with when the command line is wrong, or when something cannot be told.
const CANNOT_TELL: u8 = 2;

/// Runs one of the commands.
pub(crate) fn run(command: &AuditCommand) -> Result<ExitCode> {
    let can_tell = matches!(
        command,
        AuditCommand::Verify(_) | AuditCommand::VerifyProof(_)
    );
    match start(command) {
        // Whoever asks must not take a file that is not there for one that was changed.
        Err(err) if can_tell || err.is::<Unreadable>() => {
            terminal::error(&err);
            Ok(ExitCode::from(CANNOT_TELL))
        }
        done => done,
    }
}

fn start(command: &AuditCommand) -> Result<ExitCode> {
    logging::install_for_command()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(dispatch(command))
}

async fn dispatch(command: &AuditCommand) -> Result<ExitCode> {
    match command {
        AuditCommand::Keys(args) => keys::run(args).map(success),
        AuditCommand::Verify(args) => verify::run(args).await,
        AuditCommand::VerifyProof(args) => proof::verify(args),
        AuditCommand::Archive(args) => {
            kept(&args.admin, async |it| keep::archive(it, args).await).await
        }
        AuditCommand::Erase(args) => {
            kept(&args.admin, async |it| keep::erase(it, args).await).await
        }
        AuditCommand::Export(args) => {
            kept(&args.admin, async |it| export::run(it, args).await).await
        }
        AuditCommand::Hold(command) => {
            kept(command.admin(), async |it| keep::hold(it, command).await).await
        }
        AuditCommand::Pins(command) => {
            kept(command.admin(), async |it| keep::pins(it, command).await).await
        }
        AuditCommand::Proof(args) => kept(&args.admin, async |it| proof::run(it, args).await).await,
        AuditCommand::Prune(args) => {
            kept(&args.admin, async |it| keep::prune(it, args).await).await
        }
        AuditCommand::Query(args) => kept(&args.admin, async |it| query::run(it, args).await).await,
        AuditCommand::Show(args) => kept(&args.admin, async |it| show::run(it, args).await).await,
        AuditCommand::Sinks(args) => {
            kept(args.admin(), async |it| sinks::run(it, args).await).await
        }
        AuditCommand::Stats(args) => kept(&args.admin, async |it| stats::run(it, args).await).await,
        AuditCommand::Tail(args) => kept(&args.admin, async |it| tail::run(it, args).await).await,
    }
}

/// Opens the store, and closes it whatever comes of the work.
async fn kept(args: &AdminArgs, work: impl AsyncFnOnce(&Keeper) -> Result<()>) -> Result<ExitCode> {
    let keeper = Keeper::open(args).await?;
    let done = work(&keeper).await;
    keeper.close().await;
    done.map(success)
}

const fn success((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
