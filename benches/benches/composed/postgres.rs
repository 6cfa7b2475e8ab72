//! A PostgreSQL server of the benches' own.

use std::io::{Read as _, stdin};

use anyhow::Result;
use ee_testkit::PgCluster;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    databases: usize,
}

/// Fails and says what to install where there are no server programs.
pub(crate) fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let cluster = PgCluster::private();
    let databases: Vec<_> = (0..args.databases)
        .map(|_| runtime.block_on(cluster.database()))
        .collect();
    let urls: Vec<String> = databases.iter().map(|database| database.url()).collect();
    println!("{}", serde_json::to_string(&urls)?);
    stdin().read_to_end(&mut Vec::new())?;
    // The databases go with their server.
    drop(cluster);
    Ok(())
}
