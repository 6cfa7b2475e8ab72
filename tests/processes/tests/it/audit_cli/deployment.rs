//! A deployment with a record, and what is done to its file.

use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource, Clock as _,
    SystemClock,
    audit::integrity::{Pins, Sealed, Sealer, SigningKey},
    storage::{AuditIndex as _, AuditRecord, AuditStore as _},
    store_libsql::{SqliteConfig, SqliteFile, SqliteStore},
};
use jiff::Timestamp;
use processes::command;
use serde_json::Value;
use tempfile::TempDir;

/// The log that a server writes to, and what begins its name in checkpoints.
pub(super) const PARTITION: &str = "default";
pub(super) const DEPLOYMENT: &str = "mastra-ee";

/// A data directory with a store and a key, as a server makes them, and no server.
pub(super) struct Deployment {
    dir: TempDir,
}

/// What a command has said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    pub(super) fn json(&self) -> Value {
        let json = serde_json::from_str(&self.out);
        json.unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

impl Deployment {
    /// Has so many events, and a signed checkpoint over all of them.
    pub(super) async fn with(events: u64) -> Self {
        let deployment = Self {
            dir: TempDir::new().unwrap(),
        };
        let data = deployment.data();
        fs::create_dir_all(data.join("audit-pins")).unwrap();
        let key = SigningKey::generate(DEPLOYMENT).unwrap();
        key.save(&data.join("audit-signing.key")).unwrap();
        deployment.add(1..=events).await;
        deployment
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.data().join("mastra-ee.db")
    }

    pub(super) fn configure(&self, text: &str) {
        fs::write(self.data().join("mastra-ee.toml"), text).unwrap();
    }

    /// Adds events, and has a checkpoint signed if one is due.
    pub(super) async fn add(&self, numbers: RangeInclusive<u64>) -> bool {
        self.add_aged(numbers, Duration::ZERO).await
    }

    /// Adds events that came to the log so long ago.
    pub(super) async fn add_aged(&self, numbers: RangeInclusive<u64>, age: Duration) -> bool {
        let store = self.store();
        append(&store, numbers, age).await;
        while store.index_events(1_000).await.unwrap() > 0 {}
        let is_signed = self.seal(&store).await;
        store.database().close().await;
        is_signed
    }

    async fn seal(&self, store: &Arc<SqliteStore>) -> bool {
        let key = SigningKey::load(&self.data().join("audit-signing.key")).unwrap();
        let (logs, proofs) = (Arc::clone(store) as _, Arc::clone(store) as _);
        let clock = Arc::new(SystemClock);
        let sealer = Sealer::new(DEPLOYMENT, logs, proofs, vec![key], [], clock);
        let sealer = sealer.pins(Pins::new(self.data().join("audit-pins")));
        matches!(sealer.seal(PARTITION).await.unwrap(), Sealed::Signed { .. })
    }

    pub(super) fn store(&self) -> Arc<SqliteStore> {
        Arc::new(SqliteFile::open(SqliteConfig::new(self.database())).unwrap())
    }

    /// Returns a command that was not started.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&[&["audit"], args].concat());
        command
            .env("MASTRA_EE_DATA", self.data())
            .current_dir(self.dir.path());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Said {
        said(&self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed.
    pub(super) fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        said
    }

    /// Changes one letter of what was hashed of an event, in the file itself.
    pub(super) fn flip(&self, number: u64) {
        flip(&self.database(), &resource(number));
    }
}

/// Adds events that came to the log so long ago, and nothing that depends on them.
pub(super) async fn append(store: &SqliteStore, numbers: RangeInclusive<u64>, age: Duration) {
    let at = SystemClock.now() - age;
    let records = numbers.map(|number| AuditRecord::new(event(number, at)).unwrap());
    let added = store.append(PARTITION, records.collect(), at).await;
    added.unwrap();
}

pub(super) fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// Changes one letter of what was hashed of an event with this resource, wherever that stands in a file.
pub(super) fn flip(path: &Path, resource: &str) {
    let mut bytes = fs::read(path).unwrap();
    let mut flipped = 0;
    // In a copy, what was hashed is a text within a text.
    for quote in ["\"", "\\\""] {
        let text = format!("{quote}resource{quote}:{{{quote}id{quote}:{quote}{resource}");
        let at = bytes
            .windows(text.len())
            .position(|window| window == text.as_bytes());
        if let Some(at) = at {
            bytes[at + text.len() - 1] ^= 1;
            flipped += 1;
        }
    }
    assert!(flipped > 0, "{resource} is not in {}", path.display());
    fs::write(path, bytes).unwrap();
}

/// Names the agent of an event, in as many letters for each.
pub(super) fn resource(number: u64) -> String {
    format!("agent-{number:06}")
}

/// Every third event is a refusal.
fn event(number: u64, at: Timestamp) -> AuditEvent {
    let mut actor = AuditActor::new(ActorType::User, format!("u{}", number % 4));
    actor.email = Some(format!("u{}@example.com", number % 4));
    let outcome = match number % 3 {
        0 => AuditOutcome::Denied,
        _ => AuditOutcome::Success,
    };
    let action = AuditAction::AGENT_UPDATE;
    let mut event = AuditEvent::new(at, actor, action, outcome);
    event.resource = Some(AuditResource::new("agent", resource(number)));
    event.reason = (outcome == AuditOutcome::Denied).then(|| "no role permits it".to_owned());
    event
}
