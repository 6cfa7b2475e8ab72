//! Gets events through a sink, one way or another.

use std::time::Duration;

use ee_core::storage::AuditEntry;
use tokio::{
    select,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    DeadLetter, DeliveryError, DeliveryErrorKind, SinkRunner, report::is_about_sinks, runner::Halt,
};

/// How often an event is tried that the receiver does not want.
const REFUSALS: u32 = 3;
/// How long after it did not want it.
const REFUSAL_PAUSE: Duration = Duration::from_millis(250);
/// How long a delivery under way may still take when the server stops.
const GRACE: Duration = Duration::from_secs(1);

/// What has become of events.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// How many from the front are done: taken, or among the dead letters.
    pub(super) done: usize,
    /// Why it ended before all were done.
    pub(super) halt: Option<Halt>,
    /// How many of them were given up.
    pub(super) given_up: usize,
    /// Those of them that the record has to tell of.
    letters: Vec<DeadLetter>,
}

/// Where it stands.
struct Progress {
    pushed: Pushed,
    /// How often the first one that is not done was refused alone.
    refusals: u32,
    /// How many are sent at once.
    window: usize,
}

impl SinkRunner {
    /// Delivers events of one log until all are done, however long that takes.
    pub(super) async fn push(
        &mut self,
        entries: &[AuditEntry],
        stop: &CancellationToken,
    ) -> Pushed {
        let mut progress = Progress {
            pushed: Pushed::default(),
            refusals: 0,
            window: if self.breaker.is_open() {
                1
            } else {
                usize::MAX
            },
        };
        while let Some((_, rest)) = entries.split_at_checked(progress.pushed.done)
            && !rest.is_empty()
        {
            let step = match self.halt(stop) {
                Ok(()) => self.step(rest, &mut progress, stop).await,
                Err(halt) => Err(halt),
            };
            if let Err(halt) = step {
                progress.pushed.halt = Some(halt);
                break;
            }
        }
        let letters = &progress.pushed.letters;
        self.shared.report_letters(letters).await;
        progress.pushed
    }

    async fn step(
        &mut self,
        rest: &[AuditEntry],
        progress: &mut Progress,
        stop: &CancellationToken,
    ) -> Result<(), Halt> {
        let size = self.fitting(rest, progress.window);
        let (batch, _) = rest.split_at(size);
        let Err(err) = self.attempt(batch, stop).await else {
            self.breaker.reset();
            self.shared.accepted(size);
            progress.pushed.done += size;
            progress.refusals = 0;
            progress.window = progress.window.saturating_mul(2);
            return Ok(());
        };
        // An error is about one event at least.
        let accepted = err.accepted().min(size.saturating_sub(1));
        if accepted > 0 {
            self.shared.accepted(accepted);
            progress.pushed.done += accepted;
            progress.refusals = 0;
        }
        let (_, left) = batch.split_at(accepted);
        match err.kind() {
            DeliveryErrorKind::Later => {
                let wait = self.breaker.failed(&self.shared.options, err.retry_after());
                if self.breaker.is_open() {
                    progress.window = 1;
                }
                self.shared.failing(err.to_string(), self.breaker.is_open());
                self.rest(wait, stop).await
            }
            DeliveryErrorKind::Refused => {
                self.breaker.reset();
                self.shared.working();
                if let [event] = left {
                    return self.refused(event, &err, progress, stop).await;
                }
                progress.window = left.len().div_ceil(2);
                Ok(())
            }
            DeliveryErrorKind::Unauthorised => Err(self.pause(err.to_string()).await),
        }
    }

    /// Tries an event again that is not wanted, or gives it up.
    async fn refused(
        &mut self,
        entry: &AuditEntry,
        err: &DeliveryError,
        progress: &mut Progress,
        stop: &CancellationToken,
    ) -> Result<(), Halt> {
        progress.refusals += 1;
        progress.window = 1;
        if progress.refusals < REFUSALS {
            return self.rest(REFUSAL_PAUSE, stop).await;
        }
        let now = self.shared.clock.now();
        let letter = DeadLetter::new(entry, err.to_string(), progress.refusals, now);
        self.keep(&letter, stop).await?;
        warn!(
            sink.name = %self.shared.name, audit.seq = letter.seq, reason = %err,
            "an audit sink does not want an event: it is among the dead letters"
        );
        progress.pushed.done += 1;
        progress.pushed.given_up += 1;
        progress.refusals = 0;
        if !is_about_sinks(&entry.record.event) {
            progress.pushed.letters.push(letter);
        }
        Ok(())
    }

    /// Keeps a dead letter, however long it takes: without it, the event would be lost to the sink.
    async fn keep(&mut self, letter: &DeadLetter, stop: &CancellationToken) -> Result<(), Halt> {
        let shared = self.shared.clone();
        while let Err(err) = shared.store.put_dead_letter(&shared.name, letter).await {
            self.not_saved(&err, stop).await?;
        }
        self.saved();
        Ok(())
    }

    /// Sends a batch once.
    async fn attempt(
        &self,
        batch: &[AuditEntry],
        stop: &CancellationToken,
    ) -> Result<(), DeliveryError> {
        let stopped = async {
            stop.cancelled().await;
            sleep(GRACE).await;
        };
        select! {
            result = timeout(self.shared.options.timeout, self.shared.sink.deliver(batch)) => {
                result.unwrap_or_else(|_| Err(DeliveryError::later("no answer in time")))
            }
            () = stopped => Err(DeliveryError::later("the server stopped before there was an answer")),
        }
    }

    /// Returns how many from the front make up a batch: one at least.
    fn fitting(&self, entries: &[AuditEntry], window: usize) -> usize {
        let mut bytes = 0;
        let fits = entries.iter().take(window).take_while(|entry| {
            let record = &entry.record;
            bytes += record.canonical.len() + record.personal.as_ref().map_or(0, String::len);
            bytes <= self.shared.options.batch_bytes
        });
        fits.count().max(1)
    }
}
