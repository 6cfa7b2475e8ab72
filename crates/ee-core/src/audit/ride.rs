//! An event that goes with the change that it describes, in one transaction.

use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::AuditResource;
use crate::{Error, storage::AuditRecord};

thread_local! {
    static CURRENT: RefCell<Option<AuditRide>> = const { RefCell::new(None) };
}

/// Makes the event when the change is about to be made: what it is about is known by then. A store may know best
/// which thing.
type Make = dyn Fn(Option<&AuditResource>) -> Result<AuditRecord, Error> + Send + Sync;

/// An event on its way to the transaction of the change that it describes (transactional outbox).
///
/// Whoever knows what is going on makes one and calls the use case in its [`scope`](Self::scope). A store that makes a
/// change asks for the [`current`](Self::current) one, keeps its [`record`](Self::record) in the same transaction, and says
/// [`carried`](Self::carried) when that is committed. The first change takes it; where none does, the event has to be
/// recorded another way.
#[derive(Clone)]
pub struct AuditRide(Arc<Shared>);

struct Shared {
    make: Box<Make>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_carried: bool,
    record: Option<(Option<AuditResource>, AuditRecord)>,
}

impl AuditRide {
    /// Takes what makes the event.
    pub fn new(
        make: impl Fn(Option<&AuditResource>) -> Result<AuditRecord, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            make: Box::new(make),
            state: Mutex::default(),
        }))
    }

    /// Lets everything that this future does find the ride. What it spawns does not.
    pub fn scope<F: Future>(self, act: F) -> impl Future<Output = F::Output> {
        let mut act = Box::pin(act);
        poll_fn(move |cx| {
            let _here = Here::enter(self.clone());
            act.as_mut().poll(cx)
        })
    }

    /// Returns the ride of what is being done, unless a change has carried it already.
    pub fn current() -> Option<Self> {
        let ride = CURRENT.with_borrow(Clone::clone)?;
        let is_carried = ride.state().is_carried;
        (!is_carried).then_some(ride)
    }

    /// Returns what is to be kept, with the thing that the change is about where the store says so. It is the same each time, so
    /// that a transaction may be tried again.
    ///
    /// Fails when the event cannot be made: then the change must not be made either.
    pub fn record(&self, about: Option<&AuditResource>) -> Result<AuditRecord, Error> {
        let mut state = self.state();
        if let Some((of, record)) = &state.record
            && of.as_ref() == about
        {
            return Ok(record.clone());
        }
        let record = (self.0.make)(about)?;
        state.record = Some((about.cloned(), record.clone()));
        Ok(record)
    }

    /// Says that the transaction with the event was committed.
    pub fn carried(&self) {
        self.state().is_carried = true;
    }

    /// Returns the event when a transaction has carried it.
    pub fn take_carried(&self) -> Option<AuditRecord> {
        let mut state = self.state();
        let taken = if state.is_carried {
            state.record.take()
        } else {
            None
        };
        taken.map(|(_, record)| record)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it is there, the ride is the current one.
struct Here {
    before: Option<AuditRide>,
}

impl Here {
    fn enter(ride: AuditRide) -> Self {
        let before = CURRENT.replace(Some(ride));
        Self { before }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

impl fmt::Debug for AuditRide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditRide").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::{AuditAction, AuditActor, AuditEvent, AuditOutcome};

    fn ride() -> AuditRide {
        AuditRide::new(|made| {
            let (action, outcome) = (AuditAction::ROLE_ASSIGN, AuditOutcome::Success);
            let now = jiff::Timestamp::UNIX_EPOCH;
            let mut event = AuditEvent::new(now, AuditActor::system(), action, outcome);
            event.resource = made.cloned();
            AuditRecord::new(event)
        })
    }

    /// Polls once.
    fn once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = Box::pin(future);
        match future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(Waker::noop()))
        {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn it_is_found_within_its_scope_alone_until_it_is_carried() {
        let ride = ride();
        let inner = ride.clone();
        let id = once(ride.clone().scope(async move {
            let found = AuditRide::current().unwrap();
            let record = found.record(None).unwrap();
            assert_eq!(found.record(None).unwrap(), record);
            assert!(inner.take_carried().is_none());
            let made = AuditResource::new("agent", "writer");
            assert_ne!(found.record(Some(&made)).unwrap(), record);
            let record = found.record(Some(&made)).unwrap();
            assert_eq!(record.event.resource, Some(made));
            found.carried();
            assert!(AuditRide::current().is_none());
            record.event.id
        }));

        assert!(AuditRide::current().is_none());
        assert_eq!(ride.take_carried().map(|record| record.event.id), id);
    }

    #[test]
    fn between_two_polls_nobody_else_finds_it() {
        let pending = ride().scope(std::future::pending::<()>());
        assert!(once(pending).is_none());
        assert!(AuditRide::current().is_none());

        let (outer, nested) = (ride(), ride());
        let act = async move {
            nested
                .scope(async { AuditRide::current().unwrap().carried() })
                .await;
            // That of the outer scope is still to be carried.
            AuditRide::current().is_some()
        };
        assert_eq!(once(outer.scope(act)), Some(true));
    }
}
