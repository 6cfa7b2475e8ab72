//! `mastra-ee audit tail`.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use ee::{
    AuditFilter, AuditQuery,
    audit::{export::hide_content, format::native},
    storage::AuditEntry,
};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{
    event,
    keeper::Keeper,
    line::{self, Reader},
    search,
};
use crate::args::{TailArgs, Wanted};

/// How often it is looked for what has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many events are read at once.
const BATCH: u32 = 500;

/// How far the logs were read, by name.
type Ends = BTreeMap<String, u64>;

pub(super) async fn run(keeper: &Keeper, args: &TailArgs) -> Result<()> {
    let wanted = Wanted {
        filter: args.filter.clone(),
        ..Wanted::default()
    };
    let filter = search::search(&wanted, keeper.clock.now())?.filter;
    let interrupts = args.follow.then(|| signal(SignalKind::interrupt()));
    let interrupts = interrupts.transpose().context("cannot wait for Ctrl C")?;
    let mut ends = ends(keeper).await?;
    let last = last(keeper, &filter, args.lines, &ends).await?;
    let asked = args.filter.as_deref().unwrap_or_default();
    keeper.record_reading("tail", asked).await?;
    let reader = print(keeper, last)?;
    let Some(mut interrupts) = interrupts.filter(|_| reader == Reader::There) else {
        return Ok(());
    };
    loop {
        if follow(keeper, &filter, &mut ends).await? == Reader::Gone {
            return Ok(());
        }
        select! {
            _ = interrupts.recv() => return Ok(()),
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// Returns where the logs end.
async fn ends(keeper: &Keeper) -> Result<Ends> {
    let mut ends = Ends::new();
    for partition in keeper.logs().partitions().await? {
        let size = keeper.logs().head(&partition).await?.size();
        ends.insert(partition, size);
    }
    Ok(ends)
}

/// Returns the last events that fit, in the order of their numbers.
async fn last(
    keeper: &Keeper,
    filter: &AuditFilter,
    count: u32,
    ends: &Ends,
) -> Result<Vec<AuditEntry>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let query = AuditQuery::newest(filter.clone(), count);
    let mut entries = keeper.search().search(&query).await?;
    // What has come since is told when it is followed.
    entries.retain(|entry| {
        ends.get(&entry.partition)
            .is_some_and(|end| entry.seq <= *end)
    });
    entries.sort_by(|one, other| (&one.partition, one.seq).cmp(&(&other.partition, other.seq)));
    Ok(entries)
}

/// Prints what has come.
async fn follow(keeper: &Keeper, filter: &AuditFilter, ends: &mut Ends) -> Result<Reader> {
    for partition in keeper.logs().partitions().await? {
        let end = ends.entry(partition.clone()).or_default();
        loop {
            let mut entries = keeper.logs().feed(&partition, *end, BATCH).await?;
            let Some(last) = entries.last() else {
                break;
            };
            *end = last.seq;
            entries.retain(|entry| filter.matches(&entry.record.event));
            if print(keeper, entries)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
    }
    Ok(Reader::There)
}

fn print(keeper: &Keeper, entries: Vec<AuditEntry>) -> Result<Reader> {
    let mut lines = Vec::with_capacity(entries.len());
    for mut entry in entries {
        hide_content(&mut entry)?;
        lines.push(if keeper.is_json {
            native(&entry).to_string()
        } else {
            event::row(&entry)
        });
    }
    line::write(&lines)
}
