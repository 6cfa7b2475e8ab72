//! `mastra-ee audit verify`.

mod copy;
mod findings;
mod spool;
mod store;
pub(super) mod trust;

use std::process::ExitCode;

use anyhow::Result;

use crate::{admin::output::print, args::VerifyArgs, config::load};

/// Looks at a store, a copy or a spool and changes nothing there. The code to exit with says what was found.
pub(super) async fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let loaded = load(&args.admin.settings)?;
    let findings = match (&args.export, &args.spool) {
        (Some(file), _) => copy::verify(&loaded, args, file)?,
        (None, Some(dir)) => spool::verify(&loaded, dir.as_deref())?,
        (None, None) => store::verify(&loaded, args).await?,
    };
    if args.admin.json {
        print(&serde_json::to_string_pretty(&findings)?)?;
    } else {
        print(findings.to_string().trim_end())?;
    }
    Ok(ExitCode::from(findings.outcome().exit_code()))
}
