//! `mastra-ee store copy`: moves a deployment from one store to another.

use std::{fs, path::Path, process::ExitCode, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use ee::sql::{
    Database,
    copy::{Copied, Copier, Phase, Progress},
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    args::StoreCommand,
    bar::Bar,
    config::{StoreUrl, store_url},
    stores::{self, Stores},
};

/// `mastra-ee store copy`.
pub(crate) fn run(command: &StoreCommand) -> Result<ExitCode> {
    let StoreCommand::Copy { from, to, json } = command;
    let from = store_url(from).context("`--from`")?;
    let to = store_url(to).context("`--to`")?;
    ensure!(
        !is_same(&from, &to),
        "`--from` and `--to` are the same store"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        check_source(&from).await?;
        check_schema(&to, "--to").await?;
        let begun = Instant::now();
        let copied = copy(&from, &to).await?;
        let report = Report {
            copied,
            from,
            seconds: begun.elapsed().as_secs_f64(),
            to,
        };
        if *json {
            report.print_json()?;
        } else {
            report.print();
        }
        report.check()?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Tells whether two addresses certainly name one store. What they hide is found out when the target is marked.
fn is_same(from: &StoreUrl, to: &StoreUrl) -> bool {
    match (from, to) {
        (StoreUrl::Sqlite(from), StoreUrl::Sqlite(to)) => is_same_file(from, to),
        (StoreUrl::LibSql(from), StoreUrl::LibSql(to))
        | (StoreUrl::Postgres(from), StoreUrl::Postgres(to)) => {
            from.expose_secret() == to.expose_secret()
        }
        _ => false,
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let node = |path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
        if node(one).is_some_and(|one| node(other) == Some(one)) {
            return true;
        }
    }
    one == other
        || fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|it| it == one))
}

/// Refuses a source that is not there, before anything is created.
async fn check_source(url: &StoreUrl) -> Result<()> {
    let found = check_schema(url, "--from").await?;
    match url {
        StoreUrl::Sqlite(path) if !path.exists() => {
            bail!("`--from`: there is no database `{}`", path.display())
        }
        _ => ensure!(
            found > 0,
            "`--from`: {url} is an empty database, there is nothing to copy"
        ),
    }
    Ok(())
}

/// Returns the schema that a store has, and refuses one that this program does not know.
async fn check_schema(url: &StoreUrl, flag: &str) -> Result<i32> {
    let status = stores::schema(url).await;
    let status = status.with_context(|| format!("`{flag}`: cannot look at {url}"))?;
    let Some(status) = status else {
        bail!("`{flag}`: {url} keeps nothing behind its process and cannot be copied")
    };
    ensure!(
        status.found <= status.known,
        "`{flag}`: {url} was written by a newer version (schema {}, known up to {}): update this program",
        status.found,
        status.known
    );
    Ok(status.found)
}

/// Opens both, which brings their schema up to date, copies, and closes them.
async fn copy(from: &StoreUrl, to: &StoreUrl) -> Result<Copied> {
    let source = Stores::open_to_copy(from).await;
    let source = source.with_context(|| format!("`--from`: cannot open {from}"))?;
    let target = Stores::open_to_copy(to).await;
    let target = target.with_context(|| format!("`--to`: cannot open {to}"))?;
    let mut bar = Bar::new();
    let copied = match (source.database(), target.database()) {
        (Some(source), Some(target)) => copy_between(source, target, from, &mut bar).await,
        _ => bail!("memory cannot be copied"),
    };
    bar.clear();
    target.close().await;
    source.close().await;
    copied
}

async fn copy_between(
    source: &dyn Database,
    target: &dyn Database,
    from: &StoreUrl,
    bar: &mut Bar,
) -> Result<Copied> {
    let name = name(from)?;
    let copier = Copier::new(source, target, &name);
    Ok(copier.run(&mut |progress| show(bar, progress)).await?)
}

fn show(bar: &mut Bar, progress: Progress) {
    let verb = match progress.phase {
        Phase::Copy => "copying",
        _ => "comparing",
    };
    bar.show(verb, progress.done, progress.total, progress.table);
}

/// Names a source so that it has the same name the next time. Holds no secret.
fn name(url: &StoreUrl) -> Result<String> {
    let url = match url {
        StoreUrl::Sqlite(path) => StoreUrl::Sqlite(fs::canonicalize(path)?),
        other => other.clone(),
    };
    Ok(url.to_string())
}

/// What came of it.
struct Report {
    copied: Copied,
    from: StoreUrl,
    seconds: f64,
    to: StoreUrl,
}

impl Report {
    fn rows(&self) -> u64 {
        self.copied.tables.iter().map(|it| it.source.rows).sum()
    }

    fn print_json(&self) -> Result<()> {
        let tables = self.copied.tables.iter().map(|table| {
            json!({
                "table": table.name,
                "rows": table.source.rows,
                "digest": table.source.digest(),
                "isEqual": table.is_equal(),
                "target": { "rows": table.target.rows, "digest": table.target.digest() },
            })
        });
        let body = json!({
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "isEqual": self.copied.is_equal(),
            "isResumed": self.copied.is_resumed,
            "rows": self.rows(),
            "seconds": (self.seconds * 1_000.0).round() / 1_000.0,
            "tables": tables.collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&body)?);
        Ok(())
    }

    fn print(&self) {
        println!("from    {}", self.from);
        println!("to      {}", self.to);
        for table in &self.copied.tables {
            let digest: String = table.source.digest().chars().take(16).collect();
            let verdict = if table.is_equal() { "" } else { "  DIFFERS" };
            println!(
                "{:<20} {:>10} rows  {digest}{verdict}",
                table.name, table.source.rows
            );
        }
        let verdict = if self.copied.is_equal() {
            "both hold the same"
        } else {
            "they differ"
        };
        println!("{} rows in {:.1} s, {verdict}", self.rows(), self.seconds);
    }

    /// Fails and names the tables when the two stores differ.
    fn check(&self) -> Result<()> {
        let differing = self.copied.tables.iter().filter(|it| !it.is_equal());
        let names: Vec<String> = differing.map(|it| format!("`{}`", it.name)).collect();
        ensure!(
            names.is_empty(),
            "the two stores differ in {}: one of them was changed meanwhile; stop every server that uses them, empty the target and copy again",
            names.join(", ")
        );
        Ok(())
    }
}
