//! Events on the local disk, until a store has them.
//!
//! A spool is a directory of its own:
//!
//! - `00000000000000000001.segment`, …: a header, and behind it one record after another, each with its length and a
//!   CRC-32C. Segments are only ever added to, and only by the process that has begun them.
//! - `*.quarantine`: segments with damaged bytes, put aside when everything else in them was acknowledged. Whoever has
//!   looked at them removes them.
//! - `cursor`: up to where everything is acknowledged. It is kept once a second: after a crash, what was acknowledged
//!   since is handed out again, and whoever takes it has to know an event that he has already.
//! - `reserve`: 4 MiB which are released when the disk is full, for the event that says so.
//! - `lock`: who owns the directory.
//!
//! What the promises are:
//!
//! - An event that [`append`](Spool::append) has answered with `Ok` is on the disk, and is handed out in its order by
//!   every [`next_batch`](Spool::next_batch) until it is acknowledged, over any crash.
//! - An event that was answered with an error is not handed out by this process. After a crash it may be, if the disk
//!   has failed: then nobody knows what of the last write it has kept.
//! - When the disk cannot be forced to keep a write, the system may forget the write and say of the next try that all
//!   is well. So there is no next try: the events of that write are answered with an error, nothing is added to that
//!   segment any more, and the next event begins another. Writes of the segment that were answered before stay good.
//! - Damaged bytes cost the events that they were, and no others: the search goes on behind them for the next whole
//!   record. No event is ever handed out that was not written so.

mod config;
mod directory;
mod error;
mod frame;
mod position;
mod queue;
mod reader;
mod recovery;
mod room;
mod segment;
mod state;
mod verify;
mod writer;

use std::{
    fmt,
    future::Future,
    path::Path,
    sync::{Arc, mpsc},
    thread::{Builder, JoinHandle},
};

use ee_core::storage::AuditRecord;
use tokio::sync::oneshot;

pub use config::{SpoolConfig, SpoolFsync};
pub use error::{SpoolError, SpoolOpenError};
pub use position::SpoolPosition;
pub use reader::SpoolBatch;
pub use recovery::{SpoolDamage, SpoolDamageKind, SpoolRecovery};
pub use state::SpoolStatus;
pub use verify::SpoolReport;

use directory::Directory;
use queue::{Queue, Request};
use reader::{Ask, Reader};
use room::{Room, Share};
use state::Shared;
use writer::Writer;

/// Keeps events on the local disk, until whoever takes them from there acknowledges them.
///
/// It has two threads of its own and needs no runtime. Dropping it writes what still waits, and blocks until that is
/// done.
pub struct Spool {
    /// `None` while it is dropped.
    asks: Option<mpsc::Sender<Ask>>,
    directory: Arc<Directory>,
    queue: Arc<Queue>,
    room: Room,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Spool {
    /// Opens a spool, and creates it if there is none. It tells what it has found there: whatever is damaged belongs
    /// into the record. Reads everything that is not acknowledged.
    pub fn open(config: SpoolConfig) -> Result<(Self, SpoolRecovery), SpoolOpenError> {
        config.check()?;
        let directory = Arc::new(Directory::open(&config.dir)?);
        let (state, next, recovery) = recovery::recover(&directory)?;
        let shared = Arc::new(Shared::new(state));
        let room = Room::new(&config, &directory);
        let writer = Writer::start(config, &directory, room.clone(), &shared, next);
        let writer = writer.map_err(|source| SpoolOpenError::Io {
            action: "begin a segment in",
            path: directory.path().to_owned(),
            source,
        })?;
        room.restore_reserve();
        let mut reader = Reader::new(&directory, room.clone(), &shared, &recovery.damaged);
        reader.look_ahead();
        let (asks, asked) = mpsc::channel();
        let mut spool = Self {
            asks: Some(asks),
            directory,
            queue: Arc::default(),
            room,
            shared,
            threads: Vec::new(),
        };
        let end = WriterEnd(Arc::clone(&spool.queue));
        spool.start("audit-spool-writer", move || end.serve(writer))?;
        spool.start("audit-spool-reader", move || reader.run(&asked))?;
        Ok((spool, recovery))
    }

    /// Looks through a spool without touching it. It may be in use.
    pub fn verify(dir: impl AsRef<Path>) -> Result<SpoolReport, SpoolOpenError> {
        verify::verify(dir.as_ref())
    }

    /// Keeps an event. It is on its way when this returns, and stays so when the future is dropped.
    ///
    /// Fails at once with [`SpoolError::Full`] when there is no room.
    pub fn append(
        &self,
        record: &AuditRecord,
    ) -> impl Future<Output = Result<(), SpoolError>> + Send + use<> {
        self.send(std::slice::from_ref(record), Share::Plain)
    }

    /// Keeps several events behind one another, and answers when all are kept. A crash before that may leave the first
    /// of them.
    pub fn append_all(
        &self,
        records: &[AuditRecord],
    ) -> impl Future<Output = Result<(), SpoolError>> + Send + use<> {
        self.send(records, Share::Plain)
    }

    /// Keeps an event although there is no room for others: the one that says so. 4 MiB are kept back for such.
    pub fn append_reserved(
        &self,
        record: &AuditRecord,
    ) -> impl Future<Output = Result<(), SpoolError>> + Send + use<> {
        self.send(std::slice::from_ref(record), Share::Reserved)
    }

    /// Returns the oldest events that are not acknowledged, up to so many and so many bytes, but one at least if there
    /// is any. The same ones again until they are acknowledged.
    pub async fn next_batch(
        &self,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<SpoolBatch, SpoolError> {
        self.ask(|reply| Ask::Batch {
            max_bytes,
            max_records,
            reply,
        })
        .await
    }

    /// Forgets everything up to a place that was handed out. On the disk it is so within a second.
    pub async fn acknowledge(&self, position: SpoolPosition) -> Result<(), SpoolError> {
        self.ask(|reply| Ask::Acknowledge { position, reply }).await
    }

    /// Waits until there is something that is not acknowledged.
    pub async fn readable(&self) {
        loop {
            let changed = self.shared.changed.notified();
            if !self.shared.lock().is_drained() {
                return;
            }
            changed.await;
        }
    }

    /// Tells how it is doing.
    pub fn status(&self) -> SpoolStatus {
        let mut status = self.shared.lock().status();
        status.is_full = self.room.is_full(status.bytes);
        status
    }

    fn send(
        &self,
        records: &[AuditRecord],
        share: Share,
    ) -> impl Future<Output = Result<(), SpoolError>> + Send + use<> {
        let queued = self.enqueue(records, share);
        async move {
            match queued? {
                Some(answer) => answer.await.unwrap_or(Err(SpoolError::Closed)),
                None => Ok(()),
            }
        }
    }

    fn enqueue(
        &self,
        records: &[AuditRecord],
        share: Share,
    ) -> Result<Option<oneshot::Receiver<Result<(), SpoolError>>>, SpoolError> {
        let Some(first) = records.first() else {
            return Ok(None);
        };
        let encoded: Result<_, _> = records.iter().map(frame::encode).collect();
        let is_reserved = share == Share::Reserved;
        let (request, answer) = Request::new(encoded?, first.event.timestamp, is_reserved);
        self.queue.push(request)?;
        Ok(Some(answer))
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, SpoolError>>) -> Ask,
    ) -> Result<T, SpoolError> {
        let (reply, answer) = oneshot::channel();
        let asks = self.asks.as_ref().ok_or(SpoolError::Closed)?;
        asks.send(ask(reply)).map_err(|_| SpoolError::Closed)?;
        answer.await.unwrap_or(Err(SpoolError::Closed))
    }

    fn start(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), SpoolOpenError> {
        let thread = Builder::new().name(name.to_owned()).spawn(work);
        self.threads
            .push(thread.map_err(|source| SpoolOpenError::Thread { source })?);
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.queue.close();
        self.asks = None;
        for thread in self.threads.drain(..) {
            // One that panicked has nothing left that could be done for it.
            let _ = thread.join();
        }
        let mut state = self.shared.lock();
        if state.is_drained() {
            let done: Vec<_> = state.segments.drain(..).collect();
            self.directory.retire(&done);
        }
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("dir", &self.directory.path())
            .finish_non_exhaustive()
    }
}

/// Has nobody wait for a writer that has ended, however it did.
struct WriterEnd(Arc<Queue>);

impl WriterEnd {
    fn serve(self, writer: Writer) {
        writer.run(&self.0);
    }
}

impl Drop for WriterEnd {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use ee_core::{ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome};

    use super::*;

    /// Makes an event with something personal in it.
    pub(super) fn record(number: i64) -> AuditRecord {
        let at = jiff::Timestamp::from_microsecond(1_767_225_600_000_000 + number).unwrap();
        let mut actor = AuditActor::new(ActorType::User, format!("user {number}"));
        actor.name = Some("Ada".to_owned());
        let action = AuditAction::AGENT_UPDATE;
        AuditRecord::new(AuditEvent::new(at, actor, action, AuditOutcome::Success)).unwrap()
    }

    #[tokio::test]
    async fn nobody_waits_for_threads_that_have_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(SpoolConfig::new(dir.path())).unwrap();
        spool.queue.close();
        spool.asks = None;

        let append = spool.append(&record(1)).await;
        let batch = spool.next_batch(1, 1).await;

        assert!(matches!(append, Err(SpoolError::Closed)));
        assert!(matches!(batch, Err(SpoolError::Closed)));
        assert!(spool.append_all(&[]).await.is_ok());
    }
}
