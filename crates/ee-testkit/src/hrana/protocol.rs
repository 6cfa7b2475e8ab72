//! The JSON of the protocol.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
pub(super) struct PipelineRequest {
    pub(super) baton: Option<String>,
    pub(super) requests: Vec<StreamRequest>,
}

#[derive(Debug, Serialize)]
pub(super) struct PipelineAnswer {
    pub(super) baton: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) results: Vec<StreamResult>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum StreamRequest {
    Batch { batch: Batch },
    Close,
    Execute { stmt: Stmt },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum StreamResult {
    Error { error: ProtocolError },
    Ok { response: StreamResponse },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum StreamResponse {
    Batch { result: BatchResult },
    Close,
    Execute { result: StmtResult },
}

#[derive(Debug, Deserialize)]
pub(super) struct Batch {
    pub(super) steps: Vec<BatchStep>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BatchStep {
    #[serde(default)]
    pub(super) condition: Option<Condition>,
    pub(super) stmt: Stmt,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Condition {
    And { conds: Vec<Self> },
    Error { step: usize },
    Not { cond: Box<Self> },
    Ok { step: usize },
    Or { conds: Vec<Self> },
}

#[derive(Debug, Deserialize)]
pub(super) struct Stmt {
    pub(super) sql: String,
    #[serde(default)]
    pub(super) args: Vec<Value>,
    #[serde(default)]
    pub(super) want_rows: bool,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct BatchResult {
    pub(super) step_results: Vec<Option<StmtResult>>,
    pub(super) step_errors: Vec<Option<ProtocolError>>,
}

#[derive(Debug, Serialize)]
pub(super) struct StmtResult {
    pub(super) cols: Vec<Column>,
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) affected_row_count: usize,
    pub(super) last_insert_rowid: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ProtocolError {
    pub(super) message: String,
    pub(super) code: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Value {
    Blob { base64: String },
    Float { value: f64 },
    Integer { value: String },
    Null,
    Text { value: String },
}

impl BatchResult {
    /// Tells whether a step shall run after those that are done.
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::And { conds } => conds.iter().all(|cond| self.holds(cond)),
            Condition::Error { step } => matches!(self.step_errors.get(*step), Some(Some(_))),
            Condition::Not { cond } => !self.holds(cond),
            Condition::Ok { step } => matches!(self.step_results.get(*step), Some(Some(_))),
            Condition::Or { conds } => conds.iter().any(|cond| self.holds(cond)),
        }
    }
}
