//! A log, a record of what is said of sinks, and a sink that does as it is told.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ee_audit::sink::{
    AuditSink, DeadLetter, DeliveryError, SinkHandle, SinkName, SinkOptions, SinkParts, SinkRunner,
    SinkState, SinkStore,
};
use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditFilter, AuditHead, AuditLogger, AuditOutcome, Error,
    ErrorKind,
    storage::{AuditEntry, AuditRecord, AuditStore},
};
use ee_testkit::TestClock;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const LOG: &str = "default";

/// An event with this action, at a fixed time.
pub(crate) fn event(action: &str) -> AuditEvent {
    let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
    let action = AuditAction::new(action).unwrap();
    AuditEvent::new(at, AuditActor::system(), action, AuditOutcome::Success)
}

pub(crate) fn entry(seq: u64, event: AuditEvent) -> AuditEntry {
    AuditEntry {
        received_at: event.timestamp,
        record: AuditRecord::new(event).unwrap(),
        partition: LOG.to_owned(),
        seq,
    }
}

pub(crate) fn entries(seqs: std::ops::RangeInclusive<u64>) -> Vec<AuditEntry> {
    seqs.map(|seq| entry(seq, event("agents.create"))).collect()
}

/// Logs in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryLog {
    pub(crate) is_down: AtomicBool,
    logs: Mutex<BTreeMap<String, Vec<AuditEntry>>>,
}

impl MemoryLog {
    pub(crate) fn of(events: u64) -> Arc<Self> {
        let log = Self::default();
        log.add(LOG, events);
        Arc::new(log)
    }

    pub(crate) fn add(&self, partition: &str, events: u64) {
        for _ in 0..events {
            self.push(partition, event("agents.create"));
        }
    }

    pub(crate) fn push(&self, partition: &str, event: AuditEvent) {
        let mut logs = self.logs.lock().unwrap();
        let log = logs.entry(partition.to_owned()).or_default();
        let mut entry = entry(log.len() as u64 + 1, event);
        partition.clone_into(&mut entry.partition);
        log.push(entry);
    }

    pub(crate) fn cut(&self, partition: &str, size: usize) {
        self.logs
            .lock()
            .unwrap()
            .get_mut(partition)
            .unwrap()
            .truncate(size);
    }

    pub(crate) fn id(&self, seq: usize) -> Uuid {
        self.logs.lock().unwrap()[LOG][seq - 1].record.event.id
    }

    pub(crate) fn size(&self) -> usize {
        self.logs.lock().unwrap()[LOG].len()
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the store is down"));
        }
        Ok(())
    }
}

#[async_trait]
impl AuditStore for MemoryLog {
    async fn append(&self, _: &str, _: Vec<AuditRecord>, _: Timestamp) -> Result<AuditHead, Error> {
        Err(Error::new(ErrorKind::Unsupported, "nobody writes here"))
    }

    async fn append_left(&self, _: &str, _: u32, _: Timestamp) -> Result<u32, Error> {
        Ok(0)
    }

    async fn head(&self, partition: &str) -> Result<AuditHead, Error> {
        self.check()?;
        let mut head = AuditHead::genesis(partition);
        for entry in self
            .logs
            .lock()
            .unwrap()
            .get(partition)
            .into_iter()
            .flatten()
        {
            head.push(entry.record.leaf());
        }
        Ok(head)
    }

    async fn partitions(&self) -> Result<Vec<String>, Error> {
        self.check()?;
        Ok(self.logs.lock().unwrap().keys().cloned().collect())
    }

    async fn find_event(&self, id: Uuid) -> Result<Option<AuditEntry>, Error> {
        self.check()?;
        let logs = self.logs.lock().unwrap();
        let mut all = logs.values().flatten();
        Ok(all.find(|entry| entry.record.event.id == id).cloned())
    }

    async fn feed(
        &self,
        partition: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.check()?;
        let logs = self.logs.lock().unwrap();
        let log = logs.get(partition).into_iter().flatten();
        let behind = log.filter(|entry| entry.seq > after);
        Ok(behind.take(limit as usize).cloned().collect())
    }
}

/// Keeps what is said of sinks, and adds it to a log where there is one.
#[derive(Debug, Default)]
pub(crate) struct Records {
    events: Mutex<Vec<AuditEvent>>,
    log: Option<Arc<MemoryLog>>,
}

impl Records {
    pub(crate) fn into(log: &Arc<MemoryLog>) -> Self {
        Self {
            events: Mutex::default(),
            log: Some(Arc::clone(log)),
        }
    }

    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        let events = self.events();
        events.iter().map(|it| it.action.to_string()).collect()
    }
}

#[async_trait]
impl AuditLogger for Records {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        if let Some(log) = &self.log {
            log.push(LOG, event.clone());
        }
        self.events.lock().unwrap().push(event);
        Ok(())
    }

    fn log_later(&self, event: AuditEvent) {
        self.events.lock().unwrap().push(event);
    }
}

/// Keeps the state of one sink in memory, and what was taken when it was saved.
#[derive(Debug, Default)]
pub(crate) struct MemoryState {
    pub(crate) is_full: AtomicBool,
    letters: Mutex<BTreeMap<Uuid, DeadLetter>>,
    state: Mutex<SinkState>,
}

impl MemoryState {
    pub(crate) fn state(&self) -> SinkState {
        self.state.lock().unwrap().clone()
    }

    pub(crate) fn position(&self) -> u64 {
        self.state().cursors.get(LOG).map_or(0, |cursor| cursor.seq)
    }

    pub(crate) fn letters(&self) -> Vec<u64> {
        self.letters
            .lock()
            .unwrap()
            .values()
            .map(|it| it.seq)
            .collect()
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the disk is full"));
        }
        Ok(())
    }
}

#[async_trait]
impl SinkStore for MemoryState {
    async fn load(&self, _: &SinkName) -> Result<SinkState, Error> {
        Ok(self.state())
    }

    async fn save(&self, _: &SinkName, state: &SinkState) -> Result<(), Error> {
        self.check()?;
        *self.state.lock().unwrap() = state.clone();
        Ok(())
    }

    async fn put_dead_letter(&self, _: &SinkName, letter: &DeadLetter) -> Result<(), Error> {
        self.check()?;
        self.letters
            .lock()
            .unwrap()
            .insert(letter.id, letter.clone());
        Ok(())
    }

    async fn dead_letters(
        &self,
        _: &SinkName,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let letters = self.letters.lock().unwrap();
        let behind = letters
            .values()
            .filter(|it| after.is_none_or(|after| it.id > after));
        Ok(behind.take(limit as usize).cloned().collect())
    }

    async fn count_dead_letters(&self, _: &SinkName) -> Result<u64, Error> {
        Ok(self.letters.lock().unwrap().len() as u64)
    }

    async fn remove_dead_letters(&self, _: &SinkName, ids: &[Uuid]) -> Result<u64, Error> {
        let mut letters = self.letters.lock().unwrap();
        Ok(ids.iter().filter(|id| letters.remove(id).is_some()).count() as u64)
    }
}

/// What a sink does with a batch.
pub(crate) enum Reply {
    Hang,
    Is(Result<(), DeliveryError>),
}

type Script = dyn Fn(&[u64]) -> Reply + Send + Sync;

/// Does with a batch, which it knows by the numbers of its events, as it is told.
pub(crate) struct Scripted {
    calls: Mutex<Vec<(tokio::time::Instant, Vec<u64>)>>,
    script: Mutex<Box<Script>>,
    taken: Mutex<Vec<u64>>,
    pub(crate) tries: AtomicU64,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&[u64]) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            script: Mutex::new(Box::new(script)),
            taken: Mutex::default(),
            tries: AtomicU64::new(0),
        })
    }

    pub(crate) fn willing() -> Arc<Self> {
        Self::new(|_| Reply::Is(Ok(())))
    }

    pub(crate) fn failing(err: DeliveryError) -> Arc<Self> {
        Self::new(move |_| Reply::Is(Err(err.clone())))
    }

    pub(crate) fn behave(&self, script: impl Fn(&[u64]) -> Reply + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// Takes everything from here on.
    pub(crate) fn recover(&self) {
        self.behave(|_| Reply::Is(Ok(())));
    }

    /// The numbers of the events that it was asked to take, call by call.
    pub(crate) fn calls(&self) -> Vec<Vec<u64>> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|(_, seqs)| seqs.clone()).collect()
    }

    /// How long after the first call each of them came.
    pub(crate) fn times(&self) -> Vec<Duration> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|(at, _)| *at - calls[0].0).collect()
    }

    /// The numbers of the events that it has taken.
    pub(crate) fn taken(&self) -> Vec<u64> {
        self.taken.lock().unwrap().clone()
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl AuditSink for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let seqs: Vec<u64> = batch.iter().map(|entry| entry.seq).collect();
        let now = tokio::time::Instant::now();
        self.calls.lock().unwrap().push((now, seqs.clone()));
        self.tries.fetch_add(1, Ordering::SeqCst);
        let reply = self.script.lock().unwrap()(&seqs);
        match reply {
            Reply::Hang => pending().await,
            Reply::Is(result) => {
                let count = match &result {
                    Ok(()) => seqs.len(),
                    Err(err) => err.accepted(),
                };
                self.taken.lock().unwrap().extend(seqs.iter().take(count));
                result
            }
        }
    }
}

/// What a runner is put together from.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) filter: AuditFilter,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) options: SinkOptions,
    pub(crate) records: Arc<Records>,
    pub(crate) state: Arc<MemoryState>,
}

impl World {
    pub(crate) fn of(events: u64) -> Self {
        Self {
            clock: TestClock::default(),
            filter: AuditFilter::EVERYTHING,
            log: MemoryLog::of(events),
            options: SinkOptions::default(),
            records: Arc::default(),
            state: Arc::default(),
        }
    }

    pub(crate) fn parts(&self, sink: Arc<dyn AuditSink>) -> SinkParts {
        SinkParts {
            clock: Arc::new(self.clock.clone()),
            filter: self.filter.clone(),
            log: Arc::clone(&self.log) as _,
            logger: Arc::clone(&self.records) as _,
            name: SinkName::new("siem").unwrap(),
            options: self.options.clone(),
            sink,
            store: Arc::clone(&self.state) as _,
        }
    }

    pub(crate) async fn run(&self, sink: Arc<dyn AuditSink>) -> Running {
        let (runner, handle) = SinkRunner::open(self.parts(sink)).await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(runner.run(stop.clone()));
        Running { handle, stop, task }
    }
}

/// A runner at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) handle: SinkHandle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    // Soon, or after some hours of a clock that runs only while nothing is to be done.
    for (times, millis) in [(2_000, 1), (2_000, 10), (6_000, 1_000)] {
        for _ in 0..times {
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }
    panic!("it never was so that {what}");
}
