use async_trait::async_trait;
use ee_core::{
    Error, RunId,
    storage::{Page, Paged, RunFilter, RunRecord, RunStore, StepRecord, StepStatus},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params, params_from_iter};

use crate::{
    SqliteStore,
    columns::{Id, Json, Name, Time},
    store::{Slice, count, total},
};

const CREATE: &str = "INSERT INTO ee_runs \
    (id, workflow_id, owner, status, input, output, error, steps, created_at, updated_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const UPDATE: &str = "UPDATE ee_runs SET workflow_id = ?2, owner = ?3, status = ?4, input = ?5, \
    output = ?6, error = ?7, steps = ?8, created_at = ?9, updated_at = ?10 WHERE id = ?1";

/// Binds a run to either statement and returns how many rows it has changed.
fn save(conn: &Connection, sql: &str, run: &RunRecord) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params![
        run.id.as_str(),
        run.workflow_id.as_str(),
        run.owner.as_str(),
        Name(run.status),
        Json(&run.input),
        run.output.as_ref().map(Json),
        run.error,
        Json(&run.steps),
        Time(run.created_at),
        Time(run.updated_at),
    ])
}

const FIND: &str = "SELECT \
    id, workflow_id, owner, status, input, output, error, steps, created_at, updated_at \
    FROM ee_runs WHERE id = ?1";

fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let (Id(id), Id(workflow_id), Id(owner)) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (Json(steps), Time(created_at)) = (row.get(7)?, row.get(8)?);
    let mut run = RunRecord::new(id, workflow_id, owner, steps, created_at);
    run.status = row.get::<_, Name<_>>(3)?.0;
    run.input = row.get::<_, Json<_>>(4)?.0;
    run.output = row.get::<_, Option<Json<_>>>(5)?.map(|Json(output)| output);
    run.error = row.get(6)?;
    run.updated_at = row.get::<_, Time>(9)?.0;
    Ok(run)
}

const COUNT: &str = "SELECT count(*) FROM ee_runs";
const LIST: &str = "SELECT \
    id, workflow_id, owner, status, input, output, error, steps, created_at, updated_at \
    FROM ee_runs";
const NEWEST_FIRST: &str = " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?";

/// The conditions of a filter: fixed fragments, and what is bound to them in the same order.
struct Conditions(Vec<(&'static str, Box<dyn ToSql>)>);

impl Conditions {
    fn of(filter: &RunFilter) -> Self {
        let mut conditions: Vec<(_, Box<dyn ToSql>)> = Vec::new();
        if let Some(id) = &filter.workflow_id {
            conditions.push(("workflow_id = ?", Box::new(id.as_str().to_owned())));
        }
        if let Some(status) = filter.status {
            conditions.push(("status = ?", Box::new(Name(status))));
        }
        if let Some(from) = filter.from {
            conditions.push(("created_at >= ?", Box::new(Time(from))));
        }
        if let Some(to) = filter.to {
            conditions.push(("created_at <= ?", Box::new(Time(to))));
        }
        Self(conditions)
    }

    fn sql(&self, select: &str, rest: &str) -> String {
        let mut sql = select.to_owned();
        for (number, (fragment, _)) in self.0.iter().enumerate() {
            sql += if number == 0 { " WHERE " } else { " AND " };
            sql += fragment;
        }
        sql + rest
    }

    fn values(&self) -> impl Iterator<Item = &dyn ToSql> {
        self.0.iter().map(|(_, value)| &**value)
    }
}

fn list(conn: &Connection, filter: &RunFilter, page: Page) -> rusqlite::Result<Paged<RunRecord>> {
    let conditions = Conditions::of(filter);
    let Slice { limit, offset } = page.into();
    let slice: [&dyn ToSql; 2] = [&limit, &offset];

    let snapshot = conn.unchecked_transaction()?;
    let total = total(
        &snapshot,
        &conditions.sql(COUNT, ""),
        params_from_iter(conditions.values()),
    )?;
    let rows = snapshot
        .prepare_cached(&conditions.sql(LIST, NEWEST_FIRST))?
        .query_map(params_from_iter(conditions.values().chain(slice)), record)?
        .collect::<Result<_, _>>()?;
    Ok(Paged { rows, total })
}

const DELETE: &str = "DELETE FROM ee_runs WHERE id = ?1";

const RUNNING: &str = "SELECT id, steps FROM ee_runs WHERE status = 'running'";
const INTERRUPT: &str =
    "UPDATE ee_runs SET status = 'interrupted', steps = ?2, updated_at = ?3 WHERE id = ?1";

fn interrupt_running(conn: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let running: Vec<(String, Json<Vec<StepRecord>>)> = conn
        .prepare_cached(RUNNING)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut interrupt = conn.prepare_cached(INTERRUPT)?;
    for (id, Json(steps)) in &running {
        let steps: Vec<_> = steps.iter().cloned().map(begun_anew).collect();
        interrupt.execute(params![id, Json(steps), Time(now)])?;
    }
    Ok(running.len())
}

fn begun_anew(step: StepRecord) -> StepRecord {
    if step.status == StepStatus::Running {
        StepRecord::pending(step.id)
    } else {
        step
    }
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn create(&self, run: RunRecord) -> Result<(), Error> {
        self.write("create a run", move |conn| save(conn, CREATE, &run))
            .await
            .map(|_| ())
    }

    async fn find(&self, id: &RunId) -> Result<Option<RunRecord>, Error> {
        let id = id.clone();
        self.read("find a run", move |conn| {
            conn.prepare_cached(FIND)?
                .query_row([id.as_str()], record)
                .optional()
        })
        .await
    }

    async fn list(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error> {
        let filter = filter.clone();
        self.read("list runs", move |conn| list(conn, &filter, page))
            .await
    }

    async fn update(&self, run: RunRecord) -> Result<bool, Error> {
        self.write("update a run", move |conn| save(conn, UPDATE, &run))
            .await
            .map(|rows| rows > 0)
    }

    async fn delete(&self, id: &RunId) -> Result<bool, Error> {
        let id = id.clone();
        self.write("delete a run", move |conn| {
            conn.prepare_cached(DELETE)?.execute([id.as_str()])
        })
        .await
        .map(|rows| rows > 0)
    }

    async fn interrupt_running(&self, now: Timestamp) -> Result<u64, Error> {
        self.write("interrupt runs", move |conn| interrupt_running(conn, now))
            .await
            .map(count)
    }
}

#[cfg(test)]
mod tests {
    use ee_core::{WorkflowId, storage::RunStatus};

    use super::*;
    use crate::migrations::plan;

    #[test]
    fn every_listing_is_read_in_order_from_an_index() {
        for (workflow, status, index) in [
            (None, None, "ee_runs_by_time"),
            (Some("w"), None, "ee_runs_by_workflow (workflow_id=?"),
            (None, Some(RunStatus::Failed), "ee_runs_by_status (status=?"),
        ] {
            let mut filter = RunFilter::default();
            filter.workflow_id = workflow.map(|id| WorkflowId::new(id).unwrap());
            filter.status = status;
            for from in [None, Some(Timestamp::UNIX_EPOCH)] {
                filter.from = from;
                let plan = plan(&Conditions::of(&filter).sql(LIST, NEWEST_FIRST));
                assert!(plan.contains(index), "{filter:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
            }
        }
        assert!(plan(RUNNING).contains("ee_runs_by_status (status=?)"));
    }
}
