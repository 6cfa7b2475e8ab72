use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ee::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource, Clock, Error,
    audit::{
        delivery::Health,
        format::Product,
        integrity::{Checkpoint, SigningKey},
        query::Cursors,
        redact::{DigestKey, RedactionConfig, Redactor},
        sink::{
            AuditSink, DeadLetter, DeliveryError, SinkHandle, SinkName, SinkOptions, SinkParts,
            SinkRunner, SinkState, SinkStore,
        },
    },
    server::audit::AuditParts,
    storage::{AuditEntry, AuditProofStore, AuditRecord, AuditStore},
};
use uuid::Uuid;

use crate::{MemoryAudit, TestServer, TestStore};

/// The log that tests put events into.
pub(crate) const LOG: &str = "default";
/// Names the server in its checkpoints.
pub(crate) const DEPLOYMENT: &str = "tests";

/// Puts together what reading the record needs, over a store.
pub(crate) async fn parts(
    store: &Arc<TestStore>,
    clock: Arc<dyn Clock>,
    signer: &SigningKey,
) -> AuditParts {
    let secret = "a secret of the record, 32 bytes or more";
    let key = DigestKey::new("1", &secret.into()).unwrap();
    let again = SigningKey::parse(expose(signer).as_str()).unwrap();
    AuditParts {
        cursors: Cursors::new(&[secret.into()]).unwrap(),
        deployment: DEPLOYMENT.to_owned(),
        health: Arc::new(Health::default()),
        known: [signer.verifier().clone()].into_iter().collect(),
        logs: Arc::clone(store) as _,
        partition: LOG.to_owned(),
        product: Product::default(),
        proofs: Arc::clone(store) as _,
        redactor: Redactor::new(RedactionConfig::default(), Some(key)).unwrap(),
        refuses_when_full: true,
        search: Arc::clone(store) as _,
        signers: vec![again],
        sinks: vec![sink(store, clock).await],
        spool: None,
        table: Some(&ee::parquet::Parquet),
    }
}

fn expose(key: &SigningKey) -> String {
    use secrecy::ExposeSecret as _;

    key.to_secret().unwrap().expose_secret().to_owned()
}

async fn sink(store: &Arc<TestStore>, clock: Arc<dyn Clock>) -> SinkHandle {
    let parts = SinkParts {
        clock,
        filter: ee::AuditFilter::EVERYTHING,
        log: Arc::clone(store) as _,
        logger: Arc::new(MemoryAudit::default()),
        name: SinkName::new("siem").unwrap(),
        options: SinkOptions::default(),
        sink: Arc::new(Taker),
        store: Arc::new(SinkMemory::default()),
    };
    // Nobody runs it: tests look at what is said to it.
    let (_runner, handle) = SinkRunner::open(parts).await.unwrap();
    handle
}

impl TestServer {
    /// Describes an event of this moment.
    pub fn event(&self, action: &str, outcome: AuditOutcome) -> AuditEvent {
        let mut actor = AuditActor::new(ee::ActorType::User, "ada");
        actor.email = Some("ada@example.com".to_owned());
        let action = AuditAction::new(action).unwrap();
        let mut event = AuditEvent::new(self.clock.now(), actor, action, outcome);
        event.resource = Some(AuditResource::new("agent", "support"));
        event
    }

    /// Puts an event into the log and returns its id.
    pub async fn keep(&self, event: AuditEvent) -> String {
        let id = event.id.to_string();
        let record = AuditRecord::new(event).unwrap();
        let now = self.clock.now();
        AuditStore::append(&*self.store, LOG, vec![record], now)
            .await
            .unwrap();
        id
    }

    /// Puts so many events into the log, one second apart, and returns their ids.
    pub async fn keep_many(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            self.clock.advance(jiff::SignedDuration::from_secs(1));
            let event = self.event("agents.create", AuditOutcome::Success);
            ids.push(self.keep(event).await);
        }
        ids
    }

    /// Signs a checkpoint over the whole log.
    pub async fn seal(&self) {
        let (store, now) = (&*self.store, self.clock.now());
        let head = AuditStore::head(store, LOG).await.unwrap();
        let checkpoint = Checkpoint::new(DEPLOYMENT, &head, now).unwrap();
        let key = SigningKey::parse(expose(&self.signer).as_str()).unwrap();
        let note = checkpoint.sign(&[key]).unwrap();
        AuditProofStore::put_checkpoint(store, LOG, head.size(), &note, now)
            .await
            .unwrap();
    }
}

/// Takes every event.
#[derive(Debug)]
struct Taker;

#[async_trait]
impl AuditSink for Taker {
    fn kind(&self) -> &'static str {
        "taker"
    }

    async fn deliver(&self, _batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        Ok(())
    }
}

/// Keeps the state of a sink in memory; there are no dead letters.
#[derive(Debug, Default)]
struct SinkMemory(Mutex<SinkState>);

#[async_trait]
impl SinkStore for SinkMemory {
    async fn load(&self, _sink: &SinkName) -> Result<SinkState, Error> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    async fn save(&self, _sink: &SinkName, state: &SinkState) -> Result<(), Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state.clone();
        Ok(())
    }

    async fn put_dead_letter(&self, _sink: &SinkName, _letter: &DeadLetter) -> Result<(), Error> {
        Ok(())
    }

    async fn dead_letters(
        &self,
        _sink: &SinkName,
        _after: Option<Uuid>,
        _limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        Ok(Vec::new())
    }

    async fn count_dead_letters(&self, _sink: &SinkName) -> Result<u64, Error> {
        Ok(0)
    }

    async fn remove_dead_letters(&self, _sink: &SinkName, _ids: &[Uuid]) -> Result<u64, Error> {
        Ok(0)
    }
}
