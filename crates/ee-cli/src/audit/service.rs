//! The record while the server runs: what takes events, and what follows behind.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail};
use ee::{
    AuditAction, AuditActor, AuditEvent, AuditLogger, AuditOutcome, Clock,
    audit::{
        delivery::{OnFull, Recorder, RecorderParts},
        format::Product,
        integrity::{Evidence, PinCheck, Pins, Sealer, SigningKey},
        retention::Archiver,
        sink::{FileSinkStore, SinkContext, SinkHandle, SinkParts, SinkRunner},
        spool::{Spool, SpoolRecovery},
    },
    random_token,
    server::audit::AuditParts,
};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::error;

use super::{changes, clocks, daily, followers, open, orphans, retention};
use crate::{
    config::{Loaded, StoreUrl},
    parts, private_file,
    serve::create_private_dir,
    stores::AuditStores,
};

/// Everything that the record consists of while the server runs.
pub(crate) struct AuditService {
    clock: Arc<dyn Clock>,
    pub(crate) evidence: Evidence,
    followers: TaskTracker,
    pub(crate) recorder: Arc<Recorder>,
    sealer: Arc<Sealer>,
    shutdown: CancellationToken,
    pub(crate) signing: Vec<SigningKey>,
    pub(crate) sinks: Vec<SinkHandle>,
    pub(crate) spool: Option<Arc<Spool>>,
    writer: JoinHandle<()>,
    /// Ends the writer, after everything that writes.
    writer_shutdown: CancellationToken,
}

impl AuditService {
    /// Opens everything, and has it run.
    ///
    /// Fails when the log is not what this machine has seen of it: somebody has to look first.
    pub(crate) async fn start(
        loaded: &Loaded,
        stores: &AuditStores,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self> {
        let signing = open::signing_keys(loaded, true)?;
        let is_kept = !matches!(loaded.store, StoreUrl::Memory);
        let pins = is_kept.then(|| Pins::new(open::pins_dir(loaded)));
        if let Some(pins) = &pins {
            create_private_dir(&open::pins_dir(loaded))?;
            check_pin(pins, stores).await?;
        }
        let (spool, recovery) = if is_kept {
            let (spool, recovery) =
                Spool::open(open::spool_config(loaded)).context("the audit spool")?;
            (Some(Arc::new(spool)), Some(recovery))
        } else {
            (None, None)
        };
        let instance = instance(&loaded.data)?;
        let (recorder, writer) = Recorder::new(RecorderParts {
            clock: Arc::clone(clock),
            console: Some(parts::audit(loaded)),
            instance: Some(instance.clone()),
            on_full: loaded.config.audit.spool.on_full,
            partition: open::PARTITION.to_owned(),
            policy: open::policy(loaded)?,
            redactor: open::redactor(loaded, &signing)?,
            spool: spool.clone(),
            store: Arc::clone(&stores.logs),
        });
        let recorder = Arc::new(recorder);
        let writer_shutdown = CancellationToken::new();
        let writer = tokio::spawn(writer.run(writer_shutdown.clone().cancelled_owned()));

        let (followers, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let sealer = Arc::new(sealer(loaded, stores, clock, pins.clone())?);
        let archiver = is_kept
            .then(|| retention::archiver(loaded, stores, clock, Arc::clone(&sealer)))
            .transpose()?;
        let mut evidence = Evidence::new(open::deployment(loaded), sealer.verifiers().clone());
        if let Some(pins) = &pins {
            evidence.pins.extend(pins.find(open::PARTITION)?);
        }
        let logger: Arc<dyn AuditLogger> = Arc::clone(&recorder) as _;
        let sinks = sinks(loaded, stores, clock, &logger, (&followers, &shutdown)).await?;
        let service = Self {
            clock: Arc::clone(clock),
            evidence,
            followers,
            recorder,
            sealer,
            shutdown,
            signing,
            sinks,
            spool,
            writer,
            writer_shutdown,
        };
        service.tell_start(recovery).await?;
        service.tell_changes(loaded).await?;
        service.follow(stores, archiver, instance);
        let gate = parts::license(loaded, Arc::clone(clock));
        let (logger, clock) = (service.logger(), Arc::clone(clock));
        let stopped = service.shutdown.clone();
        let licence = changes::of_licence(gate, logger, clock, stopped);
        service.followers.spawn(licence);
        Ok(service)
    }

    /// Returns what reading the record needs.
    pub(crate) fn parts(&self, loaded: &Loaded, stores: &AuditStores) -> Result<AuditParts> {
        Ok(AuditParts {
            cursors: open::cursors(&self.signing)?,
            deployment: open::deployment(loaded).to_owned(),
            health: Arc::clone(self.recorder.health()),
            known: self.evidence.keys.clone(),
            logs: Arc::clone(&stores.logs),
            partition: open::PARTITION.to_owned(),
            product: product(),
            proofs: Arc::clone(&stores.proofs),
            redactor: open::redactor(loaded, &self.signing)?,
            refuses_when_full: loaded.config.audit.spool.on_full == OnFull::Reject,
            search: Arc::clone(&stores.search),
            signers: open::signing_keys(loaded, false)?,
            sinks: self.sinks.clone(),
            spool: self.spool.clone(),
            table: open::TABLE,
        })
    }

    /// Says in a few words where events go.
    pub(crate) fn describe(&self) -> String {
        let spool = match self.spool {
            Some(_) => "spooled, signed",
            None => "in memory",
        };
        match self.sinks.len() {
            0 => spool.to_owned(),
            1 => format!("{spool}, 1 sink"),
            count => format!("{spool}, {count} sinks"),
        }
    }

    /// Returns what takes events.
    pub(crate) fn logger(&self) -> Arc<dyn AuditLogger> {
        Arc::clone(&self.recorder) as _
    }

    /// Records something that the server itself does.
    pub(crate) async fn log(&self, action: AuditAction, metadata: serde_json::Value) {
        let event = own(&*self.clock, action, AuditOutcome::Success, metadata);
        if let Err(err) = self.recorder.log(event).await {
            error!(error = %err, "an audit event could not be written");
        }
    }

    /// Ends what follows the log, has the rest stored for as long as the store takes it, and signs that.
    pub(crate) async fn stop(self) {
        self.log(AuditAction::AUDIT_STOPPED, json!({})).await;
        self.shutdown.cancel();
        self.followers.close();
        self.followers.wait().await;
        self.writer_shutdown.cancel();
        if let Err(err) = self.writer.await {
            error!(error = %err, "the writer of the record has failed");
        }
        followers::seal_rest(&self.sealer, open::PARTITION).await;
    }

    async fn tell_start(&self, recovery: Option<SpoolRecovery>) -> Result<()> {
        for damage in recovery.iter().flat_map(|it| &it.damaged) {
            error!(?damage, "a part of the audit spool cannot be read");
            let metadata =
                json!({ "segment": damage.segment, "start": damage.start, "end": damage.end });
            let action = AuditAction::AUDIT_SPOOL_CORRUPT;
            let event = own(&*self.clock, action, AuditOutcome::Failure, metadata);
            self.recorder.log(event).await?;
        }
        let sinks: Vec<&str> = self.sinks.iter().map(|sink| sink.name().as_str()).collect();
        // The whole key has the form of a secret, and the id is what a signature has.
        let id = |key: &SigningKey| {
            let key = key.verifier();
            format!("{} {:08x}", key.name(), key.id())
        };
        let keys: Vec<String> = self.signing.iter().map(id).collect();
        let metadata = json!({ "sinks": sinks, "signedBy": keys });
        let action = AuditAction::AUDIT_STARTED;
        let event = own(&*self.clock, action, AuditOutcome::Success, metadata);
        self.recorder
            .log(event)
            .await
            .context("the record cannot be written")
    }

    /// Records what is configured in another way than at the last start.
    async fn tell_changes(&self, loaded: &Loaded) -> Result<()> {
        let effective = serde_json::to_value(loaded.effective())?;
        let Some((changed, told)) = changes::of_configuration(&loaded.data, &effective)? else {
            return Ok(());
        };
        if changed.iter().any(|name| name == "audit") {
            self.log(AuditAction::AUDIT_POLICY_CHANGE, told.clone())
                .await;
        }
        self.log(AuditAction::SERVER_CONFIG, told).await;
        Ok(())
    }

    fn follow(&self, stores: &AuditStores, archiver: Option<Archiver>, instance: String) {
        let logger = self.logger();
        let clock = Arc::clone(&self.clock);
        let stopped = || self.shutdown.clone();
        self.followers.spawn(followers::seal(
            Arc::clone(&self.sealer),
            Arc::clone(&stores.logs),
            Arc::clone(&logger),
            Arc::clone(&clock),
            stopped(),
        ));
        self.followers
            .spawn(followers::index(Arc::clone(&stores.index), stopped()));
        self.followers.spawn(daily::run(
            daily::Parts {
                archiver,
                clock: Arc::clone(&clock),
                evidence: self.evidence.clone(),
                health: Arc::clone(self.recorder.health()),
                logger: Arc::clone(&logger),
                stores: stores.clone(),
            },
            stopped(),
        ));
        self.followers.spawn(clocks::compare(
            clocks::Parts {
                clock: Arc::clone(&clock),
                logger: Arc::clone(&logger),
                logs: Arc::clone(&stores.logs),
            },
            stopped(),
        ));
        self.followers.spawn(orphans::tell(
            orphans::Parts {
                clock,
                instance,
                logger,
                search: Arc::clone(&stores.search),
                spool: self.spool.clone(),
            },
            stopped(),
        ));
    }
}

/// Describes something that the server itself does.
pub(super) fn own(
    clock: &dyn Clock,
    action: AuditAction,
    outcome: AuditOutcome,
    metadata: serde_json::Value,
) -> AuditEvent {
    let mut event = AuditEvent::new(clock.now(), AuditActor::system(), action, outcome);
    if let serde_json::Value::Object(members) = metadata {
        event.metadata = members;
    }
    event
}

/// Refuses to go on with a log that has become shorter, or another one, since this machine saw it last.
async fn check_pin(pins: &Pins, stores: &AuditStores) -> Result<()> {
    let head = stores.logs.head(open::PARTITION).await?;
    let PinCheck::Rollback(seen) = pins.check(&head, &*stores.proofs).await? else {
        return Ok(());
    };
    bail!(
        "the record in the store is not the one that this machine has seen: it has {} events, and there were {}. Was an \
         old backup put back, or something cut off? `mastra-ee audit verify` says what is wrong; `mastra-ee audit pins \
         forget` goes on from what is there",
        head.size(),
        seen.size
    )
}

/// Returns what signs checkpoints.
pub(super) fn sealer(
    loaded: &Loaded,
    stores: &AuditStores,
    clock: &Arc<dyn Clock>,
    pins: Option<Pins>,
) -> Result<Sealer> {
    let mut sealer = Sealer::new(
        open::deployment(loaded),
        Arc::clone(&stores.logs),
        Arc::clone(&stores.proofs),
        open::signing_keys(loaded, true)?,
        open::known_keys(loaded)?,
        Arc::clone(clock),
    );
    if let Some(pins) = pins {
        sealer = sealer.pins(pins);
    }
    for anchor in open::anchors(loaded)? {
        sealer = sealer.anchor(anchor);
    }
    Ok(sealer)
}

async fn sinks(
    loaded: &Loaded,
    stores: &AuditStores,
    clock: &Arc<dyn Clock>,
    logger: &Arc<dyn AuditLogger>,
    (tasks, shutdown): (&TaskTracker, &CancellationToken),
) -> Result<Vec<SinkHandle>> {
    let settings = open::sinks(loaded);
    let dir = open::sink_state_dir(loaded);
    if !settings.is_empty() {
        create_private_dir(&dir)?;
    }
    let store = Arc::new(FileSinkStore::new(dir));
    let context = SinkContext {
        clock: Arc::clone(clock),
        product: product(),
    };
    let mut handles = Vec::new();
    for settings in settings {
        let name = || format!("`audit.sinks`: `{}`", settings.name);
        let parts = SinkParts {
            clock: Arc::clone(clock),
            filter: settings.filter(clock.now()).with_context(name)?,
            log: Arc::clone(&stores.logs),
            logger: Arc::clone(logger),
            name: settings.name.clone(),
            options: settings.options().with_context(name)?,
            sink: settings.to.open(&context).with_context(name)?,
            store: Arc::clone(&store) as _,
        };
        let (runner, handle) = SinkRunner::open(parts).await.with_context(name)?;
        tasks.spawn(runner.run(shutdown.clone()));
        handles.push(handle);
    }
    Ok(handles)
}

/// Returns what events are written by.
pub(crate) fn product() -> Product {
    Product {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Product::default()
    }
}

/// Returns what tells this server from others that write to the same log. It is the same after a restart.
fn instance(data: &Path) -> Result<String> {
    let path = data.join("instance-id");
    if private_file::read(&path)?.is_none() {
        let mut id = random_token()?;
        id.truncate(16);
        private_file::create(&path, &id)?;
    }
    let id = private_file::read(&path)?.unwrap_or_default();
    Ok(id.trim().to_owned())
}
