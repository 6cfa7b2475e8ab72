//! A store with a record, seen by somebody who has the database and not the key.

use std::{fmt::Write as _, sync::Arc};

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource, Clock as _, Error,
    SystemClock,
    audit::integrity::{Evidence, Pins, Report, Sealer, SigningKey, verify_store},
    storage::{AuditProofStore, AuditRecord, AuditStore},
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::{PgCluster, PgTestDatabase};
use rusqlite::Connection;
use tempfile::TempDir;

pub(super) const LOG: &str = "default";
const DEPLOYMENT: &str = "mastra-ee";

/// Where the rows are, and how they are changed.
pub(super) enum Tables {
    Pg(PgTestDatabase),
    Sqlite(Connection),
}

impl Tables {
    /// Runs SQL, without the triggers that keep others from changing what is recorded.
    pub(super) async fn run(&self, sql: &str) {
        match self {
            Self::Pg(database) => {
                let sql = format!("SET session_replication_role = replica; {sql}");
                drop(database.query(&sql).await);
            }
            Self::Sqlite(file) => file.execute_batch(sql).unwrap(),
        }
    }

    /// Reads a list of texts: one column.
    async fn list(&self, column: &str, table: &str) -> Vec<String> {
        let text = match self {
            Self::Pg(database) => {
                let sql = format!("SELECT string_agg({column}, E'\\n') FROM {table}");
                database.query(&sql).await
            }
            Self::Sqlite(file) => {
                let sql = format!("SELECT group_concat({column}, char(10)) FROM {table}");
                file.query_row(&sql, [], |row| row.get(0)).unwrap()
            }
        };
        let text = text.unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Lets anything be changed, as whoever owns the file can.
    async fn unlock(&self) {
        let Self::Sqlite(file) = self else {
            return;
        };
        file.pragma_update(None, "synchronous", "OFF").unwrap();
        let names = self
            .list("name", "sqlite_master WHERE type = 'trigger'")
            .await;
        for name in names.iter().filter(|name| name.starts_with("ee_audit")) {
            self.run(&format!("DROP TRIGGER {name}")).await;
        }
    }

    /// Runs SQL that the database may refuse because it would make two rows one.
    pub(super) async fn attempt(&self, sql: &str) {
        match self {
            Self::Pg(_) => {
                let sql =
                    format!("DO $$ BEGIN {sql} EXCEPTION WHEN unique_violation THEN NULL; END $$");
                self.run(&sql).await;
            }
            Self::Sqlite(_) => {
                let sql = sql.replacen("UPDATE", "UPDATE OR IGNORE", 1);
                self.run(&sql).await;
            }
        }
    }

    /// Tells whether a table is the same as a copy of it.
    pub(super) async fn is_same(&self, table: &str, copy: &str) -> bool {
        let differing = format!("(SELECT * FROM {table} EXCEPT SELECT * FROM {copy}) AS differing");
        self.list("'row'", &differing).await.is_empty()
    }

    /// Reads every value of a column.
    pub(super) async fn cells(&self, column: Column) -> Vec<Cell> {
        let Column {
            table,
            name,
            kind,
            key,
        } = column;
        let shown = match (self, kind) {
            (_, Kind::Number) => format!("CAST({name} AS TEXT)"),
            (Self::Sqlite(_), _) => format!("hex({name})"),
            (Self::Pg(_), Kind::Bytes) => format!("encode({name}, 'hex')"),
            (Self::Pg(_), Kind::Text) => format!("encode(convert_to({name}, 'UTF8'), 'hex')"),
        };
        let shown = format!("{key} || ' ' || {shown}");
        let lines = self
            .list(&shown, &format!("{table} WHERE {name} IS NOT NULL"))
            .await;
        let cell = |line: &String| {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let bytes = match kind {
                Kind::Number => value.parse::<i64>().unwrap().to_be_bytes().to_vec(),
                Kind::Bytes | Kind::Text => bytes(value),
            };
            Cell {
                bytes,
                column,
                key: key.to_owned(),
            }
        };
        lines.iter().map(cell).collect()
    }

    /// Returns the statement that writes other bytes where a cell is.
    pub(super) fn write(&self, cell: &Cell, bytes: &[u8]) -> String {
        let Column {
            table,
            name,
            kind,
            key,
        } = cell.column;
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        let value = match (self, kind) {
            (_, Kind::Number) => i64::from_be_bytes(bytes.try_into().unwrap()).to_string(),
            (Self::Sqlite(_), Kind::Text) => format!("CAST(x'{hex}' AS TEXT)"),
            (_, Kind::Bytes) => self.blob(&hex),
            (Self::Pg(_), Kind::Text) => format!("convert_from(decode('{hex}', 'hex'), 'UTF8')"),
        };
        // Whole numbers are their own keys, so that an index finds them.
        let condition = match cell.key.parse::<i64>() {
            Ok(number) if key == "number" => format!("number = {number}"),
            _ => format!("{key} = '{}'", cell.key),
        };
        format!("UPDATE {table} SET {name} = {value} WHERE {condition};")
    }

    /// Writes bytes, such as an id.
    pub(super) fn blob(&self, hex: &str) -> String {
        match self {
            Self::Pg(_) => format!("decode('{hex}', 'hex')"),
            Self::Sqlite(_) => format!("x'{hex}'"),
        }
    }

    /// Tells whether texts may hold any bytes.
    pub(super) const fn takes_any_text(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
    digits
        .map(|it| u8::from_str_radix(it, 16).unwrap())
        .collect()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Bytes,
    Number,
    Text,
}

/// A column, and what tells its rows apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) key: &'static str,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) bytes: Vec<u8>,
    pub(super) column: Column,
    pub(super) key: String,
}

impl Cell {
    /// Returns which event it is of.
    pub(super) fn seq(&self) -> u64 {
        self.key.parse::<u64>().unwrap() & ((1 << 40) - 1)
    }

    /// Returns its bytes with one bit of one of them changed.
    pub(super) fn flipped(&self, at: usize, bit: u64, takes_any_text: bool) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let is_text = self.column.kind == Kind::Text;
        let bits = if is_text && !takes_any_text { 7 } else { 8 };
        let mut bit = bit % bits;
        // A text of PostgreSQL has no NUL.
        if is_text && bytes[at] == 1 << bit {
            bit = (bit + 1) % 7;
        }
        bytes[at] ^= 1 << bit;
        bytes
    }
}

/// A store, its rows, and what it is verified with.
pub(super) struct Stage {
    evidence: Evidence,
    logs: Arc<dyn AuditStore>,
    proofs: Arc<dyn AuditProofStore>,
    sealer: Sealer,
    dir: TempDir,
    pub(super) tables: Tables,
}

impl Stage {
    /// An empty one in a file.
    pub(super) async fn sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("ee.db");
        let store = Arc::new(SqliteFile::open(SqliteConfig::new(&path)).unwrap());
        let tables = Tables::Sqlite(Connection::open(&path).unwrap());
        Self::new(dir, tables, Arc::clone(&store) as _, store).await
    }

    /// An empty one on PostgreSQL.
    pub(super) async fn pg() -> Self {
        let database = PgCluster::shared().database().await;
        let store = PgDatabase::connect(PgConfig::new(database.url())).await;
        let store = Arc::new(store.unwrap());
        let dir = TempDir::new().unwrap();
        Self::new(dir, Tables::Pg(database), Arc::clone(&store) as _, store).await
    }

    async fn new(
        dir: TempDir,
        tables: Tables,
        logs: Arc<dyn AuditStore>,
        proofs: Arc<dyn AuditProofStore>,
    ) -> Self {
        let key = SigningKey::generate(DEPLOYMENT).unwrap();
        let clock = Arc::new(SystemClock);
        let sealer = Sealer::new(
            DEPLOYMENT,
            Arc::clone(&logs),
            Arc::clone(&proofs),
            vec![key],
            [],
            clock,
        );
        tables.unlock().await;
        Self {
            evidence: sealer.evidence(),
            logs,
            proofs,
            sealer,
            dir,
            tables,
        }
    }

    /// Adds events up to this number, and has them signed.
    pub(super) async fn grow(&self, to: u64) {
        let from = self.logs.head(LOG).await.unwrap().size() + 1;
        let records = (from..=to).map(|number| AuditRecord::new(event(number)).unwrap());
        let added = self.logs.append(LOG, records.collect(), SystemClock.now());
        added.await.unwrap();
        self.sealer.seal(LOG).await.unwrap();
    }

    /// Remembers how far the log is now.
    pub(super) async fn pin(&mut self) {
        let pins = Pins::new(self.dir.path());
        pins.put(&self.logs.head(LOG).await.unwrap()).await.unwrap();
        self.evidence.pins.extend(pins.find(LOG).unwrap());
    }

    /// Fails when the store cannot be read as the log that it should be.
    pub(super) async fn verify(&self) -> Result<Report, Error> {
        let (logs, proofs) = (&*self.logs, &*self.proofs);
        let mut progress = |_| {};
        let verified = verify_store(logs, proofs, LOG, &self.evidence, 0, &mut progress);
        verified.await
    }
}

fn event(number: u64) -> AuditEvent {
    let mut actor = AuditActor::new(ActorType::User, format!("u{}", number % 7));
    actor.email = Some(format!("u{}@example.com", number % 7));
    let outcome = match number % 3 {
        0 => AuditOutcome::Denied,
        _ => AuditOutcome::Success,
    };
    let mut event = AuditEvent::new(SystemClock.now(), actor, AuditAction::AGENT_UPDATE, outcome);
    event.resource = Some(AuditResource::new("agent", format!("agent-{number:06}")));
    event
}
