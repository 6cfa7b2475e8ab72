use async_trait::async_trait;
use ee_core::{
    Error, RunId,
    storage::{Page, Paged, RunFilter, RunRecord, RunStore, StepRecord, StepStatus},
};
use jiff::Timestamp;

use crate::{Batch, Database, Json, Name, Row, SqlStore, Statement, store::paged};

const COLUMNS: &str = "SELECT id, workflow_id, owner, steps, created_at, status, input, output, \
    error, updated_at FROM ee_runs";

fn record(mut row: Row) -> Result<RunRecord, Error> {
    let (id, workflow_id, owner) = (row.take()?, row.take()?, row.take()?);
    let Json(steps) = row.take::<Json<_>>()?;
    let mut run = RunRecord::new(id, workflow_id, owner, steps, row.take()?);
    run.status = row.take::<Name<_>>()?.0;
    run.input = row.take::<Json<_>>()?.0;
    run.output = row.take::<Option<Json<_>>>()?.map(|Json(output)| output);
    run.error = row.take()?;
    run.updated_at = row.take()?;
    Ok(run)
}

fn bind(sql: &'static str, run: RunRecord) -> Result<Statement, Error> {
    let output = run.output.as_ref().map(|output| Json(output).value());
    Ok(Statement::new(sql)
        .bind(run.id)
        .bind(run.workflow_id)
        .bind(run.owner)
        .bind(Name(run.status).value()?)
        .bind(Json(&run.input).value()?)
        .bind(output.transpose()?)
        .bind(run.error)
        .bind(Json(&run.steps).value()?)
        .bind(run.created_at)
        .bind(run.updated_at))
}

/// Adds the conditions of a filter.
fn only(mut query: Statement, filter: &RunFilter) -> Result<Statement, Error> {
    query = query.and(" WHERE 1 = 1", [0_i64; 0]);
    if let Some(id) = &filter.workflow_id {
        query = query.and(" AND workflow_id = ?", [id]);
    }
    if let Some(status) = filter.status {
        query = query.and(" AND status = ?", [Name(status).value()?]);
    }
    if let Some(from) = filter.from {
        query = query.and(" AND created_at >= ?", [from]);
    }
    if let Some(to) = filter.to {
        query = query.and(" AND created_at <= ?", [to]);
    }
    Ok(query)
}

#[async_trait]
impl<D: Database> RunStore for SqlStore<D> {
    async fn create(&self, run: RunRecord) -> Result<(), Error> {
        let insert = bind(
            "INSERT INTO ee_runs (id, workflow_id, owner, status, input, output, error, steps, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            run,
        )?;
        let taken = "a run with this id exists already";
        self.insert("create a run", insert, taken).await
    }

    async fn find(&self, id: &RunId) -> Result<Option<RunRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE id = ?1")).bind(id);
        self.find_by("find a run", query, record).await
    }

    async fn list(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error> {
        let count = only(Statement::new("SELECT count(*) FROM ee_runs"), filter)?;
        let rows = only(Statement::new(COLUMNS), filter)?
            .and(" ORDER BY created_at DESC, id DESC", [0_i64; 0]);
        self.paged("list runs", count, paged(rows, page), record)
            .await
    }

    async fn update(&self, run: RunRecord) -> Result<bool, Error> {
        let update = bind(
            "UPDATE ee_runs SET workflow_id = ?2, owner = ?3, status = ?4, input = ?5, \
             output = ?6, error = ?7, steps = ?8, created_at = ?9, updated_at = ?10 WHERE id = ?1",
            run,
        )?;
        Ok(self.run("update a run", update).await? > 0)
    }

    async fn delete(&self, id: &RunId) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_runs WHERE id = ?1").bind(id);
        Ok(self.run("delete a run", delete).await? > 0)
    }

    async fn interrupt_running(&self, now: Timestamp) -> Result<u64, Error> {
        let query =
            Statement::new("SELECT id, steps, updated_at FROM ee_runs WHERE status = 'running'");
        let read = |mut row: Row| {
            let (id, Json(steps)) = (row.take()?, row.take::<Json<Vec<StepRecord>>>()?);
            Ok((id, steps, row.take()?))
        };
        let running: Vec<(RunId, _, Timestamp)> =
            self.rows("look for active runs", query, read).await?;
        let mut batch = Batch::default();
        for (id, steps, seen_at) in running {
            let steps: Vec<_> = steps.into_iter().map(begun_anew).collect();
            // Who moved in between is left alone.
            let interrupt = Statement::new(
                "UPDATE ee_runs SET status = 'interrupted', steps = ?2, updated_at = ?3 \
                 WHERE id = ?1 AND status = 'running' AND updated_at = ?4",
            );
            let steps = Json(steps).value()?;
            batch = batch.then(interrupt.bind(id).bind(steps).bind(now).bind(seen_at));
        }
        if batch.statements.is_empty() {
            return Ok(0);
        }
        let done = self.batch("interrupt runs", batch).await?;
        Ok(done.iter().flatten().map(|done| done.changed).sum())
    }
}

fn begun_anew(step: StepRecord) -> StepRecord {
    if step.status == StepStatus::Running {
        StepRecord::pending(step.id)
    } else {
        step
    }
}
