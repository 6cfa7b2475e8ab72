//! Streams: one connection each, tied together by batons.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rusqlite::{
    Connection, ToSql, ffi,
    types::{ToSqlOutput, ValueRef},
};

use super::protocol::{
    Batch, BatchResult, Column, PipelineAnswer, PipelineRequest, ProtocolError, Stmt, StmtResult,
    StreamRequest, StreamResponse, StreamResult, Value,
};

/// How long a stream waits for its next request.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Streams {
    next: AtomicU64,
    open: Mutex<HashMap<String, (Connection, Instant)>>,
    path: PathBuf,
    /// Connections that no stream has.
    spare: Mutex<Vec<Connection>>,
    /// Held by a pipeline that is a stream of its own, so that such ones wait in a queue and not for SQLite.
    turn: Mutex<()>,
}

impl Streams {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            next: AtomicU64::new(1),
            open: Mutex::default(),
            path,
            spare: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Connection, Instant)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the requests of one pipeline. `None` when its stream is gone.
    pub(super) fn run(&self, request: PipelineRequest) -> Option<PipelineAnswer> {
        let is_alone = request.baton.is_none()
            && matches!(request.requests.last(), Some(StreamRequest::Close));
        let _turn = is_alone.then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner));
        let conn = match &request.baton {
            Some(baton) => {
                let mut open = self.lock();
                open.retain(|_, (_, used)| used.elapsed() < IDLE);
                open.remove(baton)?.0
            }
            None => self.connect(),
        };
        let mut is_closed = false;
        let mut results = Vec::new();
        for request in request.requests {
            results.push(match request {
                _ if is_closed => refused("the stream is closed", "STREAM_CLOSED"),
                StreamRequest::Batch { batch } => StreamResult::Ok {
                    response: StreamResponse::Batch {
                        result: run_batch(&conn, &batch),
                    },
                },
                StreamRequest::Close => {
                    is_closed = true;
                    StreamResult::Ok {
                        response: StreamResponse::Close,
                    }
                }
                StreamRequest::Execute { stmt } => match run_stmt(&conn, &stmt) {
                    Ok(result) => StreamResult::Ok {
                        response: StreamResponse::Execute { result },
                    },
                    Err(error) => StreamResult::Error { error },
                },
            });
        }
        let baton = if is_closed {
            // One in the midst of a transaction is dropped, which undoes it.
            if conn.is_autocommit() {
                self.spare().push(conn);
            }
            None
        } else {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let baton = format!("baton-{number}");
            self.lock().insert(baton.clone(), (conn, Instant::now()));
            Some(baton)
        };
        Some(PipelineAnswer {
            baton,
            base_url: None,
            results,
        })
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Connection {
        // Others wait: two that switch a new file to its log at once are in each other's way.
        let mut spare = self.spare();
        if let Some(conn) = spare.pop() {
            return conn;
        }
        let conn = Connection::open(&self.path).expect("the file of a test can be opened");
        conn.busy_timeout(Duration::from_secs(5))
            .expect("a connection takes a timeout");
        conn.execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA foreign_keys = on; PRAGMA synchronous = off",
        )
        .expect("a connection takes its settings");
        conn
    }
}

fn run_batch(conn: &Connection, batch: &Batch) -> BatchResult {
    let mut done = BatchResult::default();
    for step in &batch.steps {
        let runs = step.condition.as_ref().is_none_or(|it| done.holds(it));
        let (result, error) = match runs.then(|| run_stmt(conn, &step.stmt)) {
            Some(Ok(result)) => (Some(result), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        done.step_results.push(result);
        done.step_errors.push(error);
    }
    done
}

fn run_stmt(conn: &Connection, stmt: &Stmt) -> Result<StmtResult, ProtocolError> {
    let run = || -> rusqlite::Result<StmtResult> {
        let mut prepared = conn.prepare_cached(&stmt.sql)?;
        let names = prepared.column_names();
        let cols: Vec<Column> = names
            .into_iter()
            .map(|name| Column { name: name.into() })
            .collect();
        let before = conn.total_changes();
        let mut rows = Vec::new();
        let mut found = prepared.query(rusqlite::params_from_iter(&stmt.args))?;
        while let Some(row) = found.next()? {
            let value = |index| row.get_ref(index).map(Value::from);
            let row: rusqlite::Result<Vec<Value>> = (0..cols.len()).map(value).collect();
            if stmt.want_rows {
                rows.push(row?);
            }
        }
        drop(found);
        let affected = conn.total_changes() - before;
        Ok(StmtResult {
            cols,
            rows,
            affected_row_count: usize::try_from(affected).unwrap_or(usize::MAX),
            last_insert_rowid: Some(conn.last_insert_rowid().to_string()),
        })
    };
    run().map_err(|err| ProtocolError {
        code: Some(code(&err)),
        message: format!("SQLite error: {err}"),
    })
}

fn refused(message: &str, code: &str) -> StreamResult {
    StreamResult::Error {
        error: ProtocolError {
            message: message.to_owned(),
            code: Some(code.to_owned()),
        },
    }
}

fn code(err: &rusqlite::Error) -> String {
    let extended = err.sqlite_error().map(|err| err.extended_code);
    let name = match extended {
        Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => "SQLITE_CONSTRAINT_PRIMARYKEY",
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE) => "SQLITE_CONSTRAINT_UNIQUE",
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => "SQLITE_CONSTRAINT_FOREIGNKEY",
        Some(ffi::SQLITE_CONSTRAINT_NOTNULL) => "SQLITE_CONSTRAINT_NOTNULL",
        Some(code) if code & 0xff == ffi::SQLITE_BUSY => "SQLITE_BUSY",
        Some(code) if code & 0xff == ffi::SQLITE_CONSTRAINT => "SQLITE_CONSTRAINT",
        _ => "SQLITE_ERROR",
    };
    name.to_owned()
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::Value as Sql;

        let owned = match self {
            Self::Blob { base64 } => {
                let text = base64.trim_end_matches('=');
                let bytes = STANDARD_NO_PAD.decode(text);
                Sql::Blob(bytes.map_err(|err| rusqlite::Error::ToSqlConversionFailure(err.into()))?)
            }
            Self::Float { value } => Sql::Real(*value),
            Self::Integer { value } => {
                let number = value.parse();
                Sql::Integer(number.map_err(|err: std::num::ParseIntError| {
                    rusqlite::Error::ToSqlConversionFailure(err.into())
                })?)
            }
            Self::Null => Sql::Null,
            Self::Text { value } => Sql::Text(value.clone()),
        };
        Ok(ToSqlOutput::Owned(owned))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Blob(bytes) => Self::Blob {
                base64: STANDARD_NO_PAD.encode(bytes),
            },
            ValueRef::Integer(number) => Self::Integer {
                value: number.to_string(),
            },
            ValueRef::Null => Self::Null,
            ValueRef::Real(value) => Self::Float { value },
            ValueRef::Text(text) => Self::Text {
                value: String::from_utf8_lossy(text).into_owned(),
            },
        }
    }
}
