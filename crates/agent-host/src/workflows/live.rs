use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use ee_core::{
    Error, ErrorKind, RunId,
    host::RunEvent,
    storage::{RunRecord, RunStatus},
};
use futures_core::stream::BoxStream;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

/// Events that a slow listener may lag behind: two for each of 50 steps and those of the run.
const EVENTS: usize = 128;

/// The runs that somebody works on or listens to. An entry lives as long as somebody holds it.
#[derive(Debug, Default)]
pub(super) struct LiveRuns(Arc<Mutex<HashMap<RunId, Weak<LiveRun>>>>);

/// What this process knows of a run beyond the store.
#[derive(Debug)]
pub(super) struct LiveRun {
    all: Weak<Mutex<HashMap<RunId, Weak<Self>>>>,
    id: RunId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    claimed: Option<Signals>,
    events: broadcast::Sender<Arc<RunEvent>>,
    /// The run as it was last announced by this process.
    record: Option<RunRecord>,
}

/// Between whoever holds the claim and whoever wants the run to stop.
#[derive(Clone, Debug, Default)]
struct Signals {
    cancel: CancellationToken,
    released: CancellationToken,
}

/// The right to change a run, until it is dropped. There is one at a time.
#[derive(Debug)]
pub(super) struct Claim {
    live: Arc<LiveRun>,
    signals: Signals,
}

/// A place among the listeners and the run as it stood when it was taken.
#[derive(Debug)]
pub(super) struct Listener {
    events: broadcast::Receiver<Arc<RunEvent>>,
    live: Arc<LiveRun>,
    pub(super) record: Option<RunRecord>,
}

impl LiveRuns {
    /// Returns what is known of a run, shared with everybody who holds it.
    pub(super) fn open(&self, id: &RunId) -> Arc<LiveRun> {
        let mut all = lock(&self.0);
        if let Some(live) = all.get(id).and_then(Weak::upgrade) {
            return live;
        }
        let live = Arc::new(LiveRun {
            all: Arc::downgrade(&self.0),
            id: id.clone(),
            state: Mutex::new(State {
                claimed: None,
                events: broadcast::Sender::new(EVENTS),
                record: None,
            }),
        });
        all.insert(id.clone(), Arc::downgrade(&live));
        live
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        lock(&self.0).len()
    }
}

impl LiveRun {
    /// Takes the right to change the run. Fails with [`ErrorKind::Conflict`] while somebody has it.
    pub(super) fn claim(self: &Arc<Self>) -> Result<Claim, Error> {
        let mut state = lock(&self.state);
        if state.claimed.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("the run `{}` is at work", self.id),
            ));
        }
        let signals = Signals::default();
        state.claimed = Some(signals.clone());
        Ok(Claim {
            live: self.clone(),
            signals,
        })
    }

    /// Tells whoever holds the claim to stop; the returned signal comes when he has let go. `None`
    /// when nobody holds it.
    pub(super) fn cancel(&self) -> Option<CancellationToken> {
        let signals = lock(&self.state).claimed.clone()?;
        signals.cancel.cancel();
        Some(signals.released)
    }

    /// Tells whether somebody holds the claim.
    pub(super) fn is_claimed(&self) -> bool {
        lock(&self.state).claimed.is_some()
    }

    /// Listens from now on: no event is missed or doubled between the record and the first event.
    pub(super) fn listen(self: &Arc<Self>) -> Listener {
        let state = lock(&self.state);
        Listener {
            events: state.events.subscribe(),
            live: self.clone(),
            record: state.record.clone(),
        }
    }
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        let Some(all) = self.all.upgrade() else {
            return;
        };
        let mut all = lock(&all);
        // Somebody may have opened the run anew since the last holder let go.
        if all
            .get(&self.id)
            .is_some_and(|live| live.strong_count() == 0)
        {
            all.remove(&self.id);
        }
    }
}

impl Claim {
    /// Comes when somebody cancels the run.
    pub(super) const fn cancelled(&self) -> &CancellationToken {
        &self.signals.cancel
    }

    /// Returns a place among the listeners.
    pub(super) fn listen(&self) -> Listener {
        self.live.listen()
    }

    /// Announces a change that the store has.
    pub(super) fn announce(&self, record: &RunRecord, event: RunEvent) {
        let mut state = lock(&self.live.state);
        state.record = Some(record.clone());
        // Nobody has to listen.
        let _ = state.events.send(Arc::new(event));
    }

    /// Announces the end of the run. Whoever hears of it finds the run free.
    pub(super) fn finish(self, record: RunRecord) {
        let mut state = lock(&self.live.state);
        state.record = Some(record.clone());
        state.claimed = None;
        let _ = state.events.send(Arc::new(RunEvent::Finished(record)));
        drop(state);
        self.signals.released.cancel();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // After the end, the run may be claimed by somebody else already.
        if !self.signals.released.is_cancelled() {
            lock(&self.live.state).claimed = None;
            self.signals.released.cancel();
        }
    }
}

impl Listener {
    /// Returns the events that come, up to the end of the run.
    pub(super) fn events(mut self) -> BoxStream<'static, RunEvent> {
        Box::pin(async_stream::stream! {
            loop {
                match self.events.recv().await {
                    Ok(event) => {
                        let over = matches!(*event, RunEvent::Finished(_));
                        yield Arc::unwrap_or_clone(event);
                        if over {
                            return;
                        }
                    }
                    Err(RecvError::Lagged(_)) => {
                        // Begin anew with how it stands.
                        self = self.live.listen();
                        let Some(record) = self.record.clone() else { continue };
                        let over = is_over(record.status);
                        yield RunEvent::Started(record.clone());
                        if over {
                            yield RunEvent::Finished(record);
                            return;
                        }
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        })
    }
}

/// Tells whether nothing happens any more unless the run is started again.
pub(super) const fn is_over(status: RunStatus) -> bool {
    !matches!(status, RunStatus::Pending | RunStatus::Running)
}

/// What a mutex guards here is whole after every statement, also after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> RunId {
        RunId::new("run").unwrap()
    }

    #[test]
    fn an_entry_goes_with_its_last_holder() {
        let all = LiveRuns::default();

        let live = all.open(&id());
        let listener = all.open(&id()).listen();
        drop(live);
        let kept = all.len();
        drop(listener);

        assert_eq!((kept, all.len()), (1, 0));
    }

    #[test]
    fn a_run_is_claimed_once() {
        let all = LiveRuns::default();
        let live = all.open(&id());

        let claim = live.claim().unwrap();
        let second = live.claim().unwrap_err();
        drop(claim);

        assert_eq!(second.kind(), ErrorKind::Conflict);
        assert!(live.claim().is_ok());
    }

    #[test]
    fn only_a_claimed_run_can_be_stopped() {
        let all = LiveRuns::default();
        let live = all.open(&id());

        assert!(live.cancel().is_none());
        let claim = live.claim().unwrap();
        let released = live.cancel().unwrap();

        assert!(claim.cancelled().is_cancelled());
        assert!(!released.is_cancelled());
        drop(claim);
        assert!(released.is_cancelled());
        assert!(!live.is_claimed());
    }
}
