//! `mastra-ee audit sinks replay`: sends events once more, beside a server that runs or not.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail, ensure};
use ee::{
    AuditAction, AuditFilter, AuditResource,
    audit::sink::{
        AuditSink, DeliveryError, DeliveryErrorKind, FileSinkStore, SinkName, SinkOptions,
        SinkStore as _,
    },
    storage::AuditEntry,
};
use serde::Serialize;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{open_sink, settings, state};
use crate::{
    args::ReplayArgs,
    audit::{command::keeper::Keeper, open},
    bar::Bar,
};

/// How often is tried what a receiver cannot take at the moment.
const TRIES: u32 = 4;

pub(super) async fn run(keeper: &Keeper, args: &ReplayArgs) -> Result<()> {
    let name = &args.sink.name;
    let settings = settings(keeper, name)?;
    let mut replay = Replay {
        delivery: Delivery {
            options: settings.options()?,
            report: Report::default(),
            sink: open_sink(settings)?,
        },
        filter: settings.filter(keeper.clock.now())?,
        keeper,
        name,
    };
    let done = match (args.from, args.to) {
        (Some(from), Some(to)) => {
            let partition = args.partition.as_deref().unwrap_or(open::PARTITION);
            replay.events(partition, from, to).await
        }
        _ => replay.dead_letters(&state(keeper)).await,
    };
    let report = replay.delivery.report;
    done?;
    keeper.show(&report, |report| {
        format!("the sink `{name}` has taken {} events", report.taken)
    })?;
    report.check()
}

/// Events that are sent once more.
struct Replay<'a> {
    delivery: Delivery,
    filter: AuditFilter,
    keeper: &'a Keeper,
    name: &'a SinkName,
}

impl Replay<'_> {
    /// Sends the events of a log from one number to another that the sink wants.
    async fn events(&mut self, partition: &str, from: u64, to: u64) -> Result<()> {
        ensure!(from <= to, "`--from` is behind `--to`");
        let logs = self.keeper.logs();
        let end = logs.head(partition).await?.size();
        ensure!(
            to <= end,
            "`--to` is behind the end of the log `{partition}`, which is {end}"
        );
        self.record(&[
            ("firstSeq", from.into()),
            ("lastSeq", to.into()),
            ("partition", partition.into()),
        ])
        .await?;
        let limit = self.delivery.options.batch_events;
        let mut bar = Bar::new();
        let mut after = from - 1;
        while after < to {
            let mut entries = logs.feed(partition, after, limit).await?;
            entries.retain(|entry| entry.seq <= to);
            let Some(last) = entries.last().map(|entry| entry.seq) else {
                break;
            };
            entries.retain(|entry| self.filter.matches(&entry.record.event));
            if let Err(Halt { at, cause }) = self.delivery.deliver(&entries).await {
                bail!(
                    "the sink `{}` takes nothing more: {cause}; go on later with `--from {at}`",
                    self.name
                );
            }
            after = last;
            bar.show("sending", after + 1 - from, to + 1 - from, partition);
        }
        Ok(())
    }

    /// Sends the events of all dead letters; those that are taken are no dead letters any more.
    async fn dead_letters(&mut self, store: &FileSinkStore) -> Result<()> {
        let total = store.count_dead_letters(self.name).await?;
        self.record(&[("deadLetters", true.into())]).await?;
        let limit = self.delivery.options.batch_events;
        let mut bar = Bar::new();
        let (mut after, mut done): (Option<Uuid>, u64) = (None, 0);
        loop {
            let letters = store.dead_letters(self.name, after, limit).await?;
            let Some(last) = letters.last().map(|letter| letter.id) else {
                return Ok(());
            };
            for letter in letters {
                // One whose event was removed after its time stays what it is.
                if let Some(entry) = self.keeper.logs().find_event(letter.id).await? {
                    let taken = self.delivery.report.taken;
                    if let Err(Halt { cause, .. }) = self.delivery.deliver(&[entry]).await {
                        bail!("the sink `{}` takes nothing more: {cause}", self.name);
                    }
                    if self.delivery.report.taken > taken {
                        store.remove_dead_letters(self.name, &[letter.id]).await?;
                    }
                }
                done += 1;
                bar.show("sending", done, total, "dead letters");
            }
            after = Some(last);
        }
    }

    async fn record(&self, told: &[(&'static str, serde_json::Value)]) -> Result<()> {
        let told = told.iter().cloned();
        let mut event = self.keeper.act(AuditAction::AUDIT_SINK_REPLAY, told);
        event.resource = Some(AuditResource::new("audit-sink", self.name.as_str()));
        self.keeper.record(event).await
    }
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Report {
    taken: u64,
    refused: Vec<Refused>,
}

/// An event that the receiver does not want.
#[derive(Debug, Serialize)]
struct Refused {
    seq: u64,
    reason: String,
}

impl Report {
    /// Fails when the receiver did not want something.
    fn check(&self) -> Result<()> {
        let Some(first) = self.refused.first() else {
            return Ok(());
        };
        let (count, Refused { seq, reason }) = (self.refused.len(), first);
        bail!("it has refused {count} events, the first of them number {seq}: {reason}")
    }
}

/// Why nothing more is sent.
#[derive(Debug)]
struct Halt {
    /// Number of the first event that was not taken.
    at: u64,
    cause: DeliveryError,
}

/// Gets events through a sink.
#[derive(Debug)]
struct Delivery {
    options: SinkOptions,
    report: Report,
    sink: Arc<dyn AuditSink>,
}

impl Delivery {
    /// Delivers events of one log. One that is refused alone is passed over.
    async fn deliver(&mut self, entries: &[AuditEntry]) -> Result<(), Halt> {
        let (mut rest, mut window, mut failures) = (entries, usize::MAX, 0);
        while let Some(first) = rest.first() {
            let (batch, _) = rest.split_at(self.fitting(rest, window));
            let Err(err) = self.attempt(batch).await else {
                self.took(batch.len(), &mut rest);
                (window, failures) = (window.saturating_mul(2), 0);
                continue;
            };
            // An error is about one event at least.
            let accepted = err.accepted().min(batch.len().saturating_sub(1));
            let left = batch.len() - accepted;
            let seq = rest.get(accepted).map_or(first.seq, |entry| entry.seq);
            self.took(accepted, &mut rest);
            match err.kind() {
                DeliveryErrorKind::Refused if left == 1 => {
                    let reason = err.to_string();
                    self.report.refused.push(Refused { seq, reason });
                    rest = rest.get(1..).unwrap_or_default();
                }
                DeliveryErrorKind::Refused => window = left.div_ceil(2),
                DeliveryErrorKind::Later if failures + 1 < TRIES => {
                    failures += 1;
                    sleep(self.pause(&err, failures)).await;
                }
                DeliveryErrorKind::Later | DeliveryErrorKind::Unauthorised => {
                    return Err(Halt {
                        at: seq,
                        cause: err,
                    });
                }
            }
        }
        Ok(())
    }

    fn took(&mut self, count: usize, rest: &mut &[AuditEntry]) {
        self.report.taken += count as u64;
        *rest = rest.get(count..).unwrap_or_default();
    }

    async fn attempt(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let delivered = timeout(self.options.timeout, self.sink.deliver(batch)).await;
        delivered.unwrap_or_else(|_| Err(DeliveryError::later("no answer in time")))
    }

    /// Returns how many from the front make up a batch: one at least.
    fn fitting(&self, entries: &[AuditEntry], window: usize) -> usize {
        let mut bytes = 0;
        let fits = entries.iter().take(window).take_while(|entry| {
            let record = &entry.record;
            bytes += record.canonical.len() + record.personal.as_ref().map_or(0, String::len);
            bytes <= self.options.batch_bytes
        });
        fits.count().max(1)
    }

    /// Returns how long to wait: as long as the receiver says, or twice as long each time.
    fn pause(&self, err: &DeliveryError, failures: u32) -> Duration {
        let own = self.options.retry_min.saturating_mul(1 << failures.min(16));
        let wait = err.retry_after().unwrap_or(own);
        wait.min(self.options.retry_max)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ee::async_trait;

    use super::*;
    use crate::audit::command::event::tests::hostile;

    /// Does not want event 3, and is away a few times at event 5.
    #[derive(Debug)]
    struct Picky {
        away: Mutex<u32>,
        got: Mutex<Vec<u64>>,
    }

    #[async_trait]
    impl AuditSink for Picky {
        fn kind(&self) -> &'static str {
            "picky"
        }

        async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
            let seqs: Vec<u64> = batch.iter().map(|entry| entry.seq).collect();
            if seqs.contains(&3) {
                return Err(DeliveryError::refused("not this one"));
            }
            let mut away = self.away.lock().unwrap();
            if *away > 0
                && let Some(at) = seqs.iter().position(|seq| *seq == 5)
            {
                *away -= 1;
                self.got.lock().unwrap().extend(&seqs[..at]);
                return Err(DeliveryError::later("busy").after(at));
            }
            self.got.lock().unwrap().extend(seqs);
            Ok(())
        }
    }

    async fn delivered(away: u32) -> (Result<(), Halt>, Report, Vec<u64>) {
        let sink = Arc::new(Picky {
            away: Mutex::new(away),
            got: Mutex::default(),
        });
        let mut options = SinkOptions::default();
        options.retry_min = Duration::from_millis(1);
        let mut delivery = Delivery {
            options,
            report: Report::default(),
            sink: Arc::clone(&sink) as _,
        };
        let entries: Vec<AuditEntry> = (1..=8).map(|seq| AuditEntry { seq, ..hostile() }).collect();
        let done = delivery.deliver(&entries).await;
        let got = sink.got.lock().unwrap().clone();
        (done, delivery.report, got)
    }

    #[tokio::test]
    async fn what_is_refused_is_told_and_holds_up_nothing() {
        let (done, report, got) = delivered(2).await;

        assert!(done.is_ok());
        assert_eq!(got, [1, 2, 4, 5, 6, 7, 8]);
        assert_eq!(report.taken, 7);
        let refused: Vec<u64> = report.refused.iter().map(|it| it.seq).collect();
        assert_eq!(refused, [3]);
        let err = report.check().unwrap_err().to_string();
        assert!(err.contains("number 3: not this one"), "{err}");
    }

    #[tokio::test]
    async fn who_stays_away_is_told_where_to_go_on() {
        let (done, report, got) = delivered(u32::MAX).await;

        let halt = done.unwrap_err();
        assert_eq!((halt.at, halt.cause.to_string().as_str()), (5, "busy"));
        assert_eq!(report.taken, 3);
        assert_eq!(got, [1, 2, 4]);
    }
}
