//! Sends events once more.

use ee_core::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{SinkReplay, SinkRunner, SinkState, push::Pushed, runner::Halt};

impl SinkRunner {
    /// Delivers a batch of the first replay that was asked for. Tells whether there is any.
    pub(super) async fn replay(&mut self, stop: &CancellationToken) -> Result<bool, Halt> {
        let first = self.shared.state.lock().await.replays.first().cloned();
        match first {
            None => Ok(false),
            Some(SinkReplay::DeadLetters { after }) => self.replay_letters(after, stop).await,
            Some(SinkReplay::Events {
                partition,
                next,
                last,
            }) => self.replay_events(&partition, next, last, stop).await,
        }
    }

    async fn replay_events(
        &mut self,
        partition: &str,
        next: u64,
        last: u64,
        stop: &CancellationToken,
    ) -> Result<bool, Halt> {
        let limit = self.shared.options.batch_events;
        let after = next.saturating_sub(1);
        let mut entries = match self.shared.log.feed(partition, after, limit).await {
            Ok(entries) => entries,
            Err(err) => return self.not_read(&err, stop).await,
        };
        entries.retain(|entry| entry.seq <= last);
        let end = entries.last().map(|entry| entry.seq);
        entries.retain(|entry| self.filter.matches(&entry.record.event));
        let Pushed { done, halt, .. } = self.push(&entries, stop).await;
        let reached = match halt {
            // Nothing left: some may have been removed after their time.
            None => end.unwrap_or(last),
            Some(_) => match done.checked_sub(1).and_then(|at| entries.get(at)) {
                Some(entry) => entry.seq,
                None => after,
            },
        };
        self.save(stop, |state| {
            if reached >= last {
                state.replays.remove(0);
            } else if let Some(SinkReplay::Events { next, .. }) = state.replays.first_mut() {
                *next = reached + 1;
            }
        })
        .await?;
        halt.map_or(Ok(true), Err)
    }

    async fn replay_letters(
        &mut self,
        after: Option<Uuid>,
        stop: &CancellationToken,
    ) -> Result<bool, Halt> {
        let shared = self.shared.clone();
        let limit = shared.options.batch_events;
        let letters = match shared.store.dead_letters(&shared.name, after, limit).await {
            Ok(letters) => letters,
            Err(err) => return self.not_saved(&err, stop).await.map(|()| true),
        };
        let Some(last) = letters.last().map(|letter| letter.id) else {
            self.save(stop, |state| drop(state.replays.remove(0)))
                .await?;
            return Ok(true);
        };
        for letter in letters {
            if let Err(err) = self.replay_letter(letter.id, stop).await? {
                return self.not_read(&err, stop).await;
            }
        }
        self.save(stop, |state| go_on_after(state, last)).await?;
        Ok(true)
    }

    /// Delivers the event of a dead letter. One that is not in the log any more stays what it is.
    async fn replay_letter(
        &mut self,
        id: Uuid,
        stop: &CancellationToken,
    ) -> Result<Result<(), Error>, Halt> {
        let entry = match self.shared.log.find_event(id).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(Ok(())),
            Err(err) => return Ok(Err(err)),
        };
        let pushed = self.push(&[entry], stop).await;
        if pushed.done == 1 && pushed.given_up == 0 {
            let shared = self.shared.clone();
            while let Err(err) = shared.store.remove_dead_letters(&shared.name, &[id]).await {
                self.not_saved(&err, stop).await?;
            }
        }
        pushed.halt.map_or(Ok(Ok(())), Err)
    }
}

fn go_on_after(state: &mut SinkState, last: Uuid) {
    if let Some(SinkReplay::DeadLetters { after }) = state.replays.first_mut() {
        *after = Some(last);
    }
}
