//! `mastra-ee migrate`: the schema of the store.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{
    args::MigrateCommand,
    config::{SessionKind, load},
    stores::{self, Stores},
};

/// `mastra-ee migrate status|up`.
pub(crate) fn run(command: &MigrateCommand) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        match command {
            MigrateCommand::Status { settings, json } => {
                let loaded = load(settings)?;
                let Some(schema) = stores::schema(&loaded.store).await? else {
                    println!("{} has no schema", loaded.store);
                    return Ok(ExitCode::SUCCESS);
                };
                if *json {
                    let body = json!({
                        "store": loaded.store.to_string(),
                        "found": schema.found,
                        "known": schema.known,
                        "isCurrent": schema.found == schema.known,
                    });
                    println!("{}", serde_json::to_string_pretty(&body)?);
                } else {
                    let word = match schema.found.cmp(&schema.known) {
                        std::cmp::Ordering::Equal => "is up to date",
                        std::cmp::Ordering::Greater => "is of a newer version: update this program",
                        std::cmp::Ordering::Less if schema.found == 0 => "is not there yet",
                        std::cmp::Ordering::Less => "is old: `mastra-ee migrate up` renews it",
                    };
                    println!("store   {}", loaded.store);
                    println!("schema  {} of {}, {word}", schema.found, schema.known);
                }
                Ok(if schema.found == schema.known {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                })
            }
            MigrateCommand::Up(settings) => {
                let loaded = load(settings)?;
                let before = stores::schema(&loaded.store).await?;
                let store = Stores::open(&loaded.store, SessionKind::Store).await?;
                store.close().await;
                if let Some(before) = before {
                    println!("schema  {} -> {}", before.found, before.known);
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}
