//! `mastra-ee audit archive` and `mastra-ee audit prune`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use ee::audit::retention::{Archiver, RetentionReport};
use serde_json::json;

use super::draw;
use crate::{
    args::{ArchiveArgs, PruneArgs},
    audit::{
        command::keeper::{Keeper, operator},
        open, retention,
    },
    bar::Bar,
};

/// What became of the logs, by name.
type Reports = BTreeMap<String, RetentionReport>;

/// Archives events whose time is over, and removes them then.
pub(in super::super) async fn prune(keeper: &Keeper, args: &PruneArgs) -> Result<()> {
    let archiver = archiver(keeper)?;
    let actor = operator();
    let mut reports = Reports::new();
    for partition in keeper.logs().partitions().await? {
        let mut bar = Bar::new();
        let mut tell = |progress| draw(&mut bar, progress, &partition);
        let report = if args.dry_run {
            archiver.plan(&partition, &mut tell).await
        } else {
            archiver.prune(&partition, &actor, &mut tell).await
        };
        drop(bar);
        let report = report.with_context(|| format!("log `{partition}`"))?;
        reports.insert(partition, report);
    }
    let answer = json!({ "isDryRun": args.dry_run, "logs": reports });
    keeper.show(&answer, |_| pruned(&reports, args.dry_run))
}

/// Copies events to the archive and leaves them where they are.
pub(in super::super) async fn archive(keeper: &Keeper, args: &ArchiveArgs) -> Result<()> {
    let partition = open::PARTITION;
    let first = args.from.unwrap_or(1);
    let last = match args.to {
        Some(last) => last,
        None => signed(keeper, partition).await?,
    };
    if args.dry_run {
        let count = (last + 1).saturating_sub(first);
        let answer = json!({ "isDryRun": true, "from": first, "to": last, "count": count });
        return keeper.show(&answer, |_| {
            format!(
                "events {first} to {last} of log `{partition}` would be archived, {count} at most"
            )
        });
    }
    let archiver = archiver(keeper)?;
    let mut bar = Bar::new();
    let mut tell = |progress| draw(&mut bar, progress, partition);
    let actor = operator();
    let report = archiver
        .archive(partition, first..=last, &actor, &mut tell)
        .await;
    drop(bar);
    let reports = Reports::from([(partition.to_owned(), report?)]);
    let answer = json!({ "isDryRun": false, "logs": reports });
    keeper.show(&answer, |_| reports.values().map(files).collect())
}

/// Returns up to where a log is signed, or where it ends when a checkpoint is about to be signed.
async fn signed(keeper: &Keeper, partition: &str) -> Result<u64> {
    match keeper.proofs().last_checkpoint(partition).await? {
        Some((size, _)) => Ok(size),
        None => Ok(keeper.logs().head(partition).await?.size()),
    }
}

fn archiver(keeper: &Keeper) -> Result<Archiver> {
    let stores = &keeper.stores.audit;
    retention::archiver(&keeper.loaded, stores, &keeper.clock, keeper.sealer()?)
}

fn pruned(reports: &Reports, is_dry_run: bool) -> String {
    let mut lines = Vec::new();
    for (partition, report) in reports {
        let RetentionReport {
            due, held, pruned, ..
        } = report;
        lines.push(if *due == 0 {
            format!("{partition}: no event has had its time that may go")
        } else if is_dry_run {
            format!(
                "{partition}: the time of {due} events is over, they would be archived and removed"
            )
        } else {
            format!("{partition}: the time of {due} events was over, {pruned} are removed")
        });
        if *held > 0 {
            lines.push(format!("  {held} stay because of a hold"));
        }
        if report.is_blocked {
            lines.push(
                "  more stay until a sink has taken them: `mastra-ee audit sinks`".to_owned(),
            );
        }
        lines.push(files(report));
    }
    lines.join("\n")
}

fn files(report: &RetentionReport) -> String {
    let lines = report.files.iter().map(|file| {
        let (first, last, count) = (file.first, file.last, file.count);
        format!(
            "  {}: {count} events from {first} to {last}\n",
            file.path.display()
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_do_is_told_as_well() {
        let reports = Reports::from([("default".to_owned(), RetentionReport::default())]);

        assert!(pruned(&reports, false).contains("no event has had its time"));
    }

    #[test]
    fn what_stays_and_why_is_told() {
        let mut report = RetentionReport::default();
        report.due = 5;
        report.held = 2;
        report.is_blocked = true;
        let reports = Reports::from([("default".to_owned(), report)]);

        let said = pruned(&reports, true);

        for words in [
            "of 5 events is over",
            "2 stay because of a hold",
            "until a sink",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }
}
