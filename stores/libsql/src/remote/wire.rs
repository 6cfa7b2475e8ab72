//! The JSON of Hrana over HTTP, as far as it is used here.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ee_sql::{Done, Row, Statement, Value};
use serde::{Deserialize, Serialize};

use crate::remote::RemoteError;

/// Servers write blobs with padding and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Body of `POST /v2/pipeline`.
#[derive(Debug, Serialize)]
pub(crate) struct Pipeline<'a> {
    pub(crate) baton: Option<&'a str>,
    pub(crate) requests: Vec<Request<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Request<'a> {
    Batch { batch: Steps<'a> },
    Close,
}

/// Steps that run one after the other, each if its condition holds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Steps<'a> {
    pub(crate) steps: Vec<Step<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Step<'a> {
    condition: Option<Condition>,
    stmt: Stmt<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Condition {
    Not { cond: Box<Self> },
    Ok { step: usize },
}

#[derive(Debug, Serialize)]
struct Stmt<'a> {
    sql: &'a str,
    args: Vec<Arg>,
    want_rows: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Arg {
    Blob { base64: String },
    Float { value: f64 },
    Integer { value: String },
    Null,
    Text { value: String },
}

impl<'a> Steps<'a> {
    /// Adds a statement that runs if the one before it went well. Returns its place.
    pub(crate) fn then(&mut self, sql: &'a str, params: &[Value]) -> usize {
        let before = self.steps.len().checked_sub(1);
        self.push(before.map(|step| Condition::Ok { step }), sql, params)
    }

    /// Adds a statement that runs if the step did not go well.
    pub(crate) fn unless(&mut self, step: usize, sql: &'a str) -> usize {
        let cond = Box::new(Condition::Ok { step });
        self.push(Some(Condition::Not { cond }), sql, &[])
    }

    fn push(&mut self, condition: Option<Condition>, sql: &'a str, params: &[Value]) -> usize {
        let stmt = Stmt {
            sql,
            args: params.iter().map(Arg::from).collect(),
            want_rows: true,
        };
        self.steps.push(Step { condition, stmt });
        self.steps.len() - 1
    }

    pub(crate) fn statement(&mut self, statement: &'a Statement) -> usize {
        self.then(&statement.sql, &statement.params)
    }
}

impl From<&Value> for Arg {
    fn from(value: &Value) -> Self {
        match value {
            Value::Blob(bytes) => Self::Blob {
                base64: BASE64.encode(bytes),
            },
            Value::Integer(number) => Self::Integer {
                value: number.to_string(),
            },
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text {
                value: text.clone(),
            },
        }
    }
}

impl TryFrom<Arg> for Value {
    type Error = RemoteError;

    fn try_from(arg: Arg) -> Result<Self, RemoteError> {
        Ok(match arg {
            Arg::Blob { base64 } => {
                let bytes = BASE64.decode(base64).map_err(|_| RemoteError::Malformed)?;
                Self::Blob(bytes)
            }
            // No column of ours holds one.
            Arg::Float { .. } => return Err(RemoteError::Malformed),
            Arg::Integer { value } => {
                Self::Integer(value.parse().map_err(|_| RemoteError::Malformed)?)
            }
            Arg::Null => Self::Null,
            Arg::Text { value } => Self::Text(value),
        })
    }
}

/// Answer to a pipeline.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) baton: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) results: Vec<Outcome>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Outcome {
    Error { error: Refused },
    Ok { response: Response },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    code: Option<String>,
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Response {
    Batch { result: StepsDone },
    Close {},
}

#[derive(Debug, Deserialize)]
pub(crate) struct StepsDone {
    step_results: Vec<Option<StmtDone>>,
    step_errors: Vec<Option<Refused>>,
}

#[derive(Debug, Deserialize)]
struct StmtDone {
    affected_row_count: u64,
    rows: Vec<Vec<Arg>>,
}

impl Answer {
    /// Returns what became of the first request, which is a batch.
    pub(crate) fn steps(&mut self) -> Result<StepsDone, RemoteError> {
        if self.results.is_empty() {
            return Err(RemoteError::Malformed);
        }
        match self.results.swap_remove(0) {
            Outcome::Ok {
                response: Response::Batch { result },
            } => Ok(result),
            Outcome::Ok { .. } => Err(RemoteError::Malformed),
            Outcome::Error { error } => Err(error.into()),
        }
    }
}

impl From<Refused> for RemoteError {
    fn from(refused: Refused) -> Self {
        Self::statement(refused.code, &refused.message)
    }
}

impl StepsDone {
    /// Tells whether a step was run and failed.
    pub(crate) fn has_failed(&self, step: usize) -> bool {
        matches!(self.step_errors.get(step), Some(Some(_)))
    }

    /// Returns what a step has done. Fails with its error, or with that of the first step that failed.
    pub(crate) fn take(&mut self, step: usize) -> Result<Done, RemoteError> {
        let done = self.step_results.get_mut(step).and_then(Option::take);
        let Some(done) = done else {
            let first = self.step_errors.iter_mut().find_map(Option::take);
            return Err(first.map_or(RemoteError::Malformed, Into::into));
        };
        let mut rows = Vec::with_capacity(done.rows.len());
        for row in done.rows {
            let values: Result<Vec<Value>, _> = row.into_iter().map(Value::try_from).collect();
            rows.push(Row::from(values?));
        }
        // A statement with `RETURNING` has changed what it returns, whatever the server counts.
        let changed = done.affected_row_count.max(rows.len() as u64);
        Ok(Done { changed, rows })
    }
}
