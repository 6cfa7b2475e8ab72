use async_trait::async_trait;
use ee_core::{
    Error, Resource, UserId, Visible, WorkflowId,
    storage::{Change, GrantRecord, Page, Paged, WorkflowRecord, WorkflowStore},
};

use crate::{
    Batch, Database, Json, Row, SqlStore, Statement,
    grants::disown,
    store::{paged, shown},
};

const COLUMNS: &str = "SELECT id, name, steps, created_at, description, input_schema, updated_at, \
    created_by FROM ee_workflows WHERE 1 = 1";
const ORDER: &str = " ORDER BY name, id";

fn record(mut row: Row) -> Result<WorkflowRecord, Error> {
    let (id, name, Json(steps)) = (row.take()?, row.take()?, row.take::<Json<_>>()?);
    let mut workflow = WorkflowRecord::new(id, name, steps, row.take()?);
    workflow.description = row.take()?;
    workflow.input_schema = row.take::<Option<Json<_>>>()?.map(|Json(schema)| schema);
    workflow.updated_at = row.take()?;
    workflow.created_by = row.take()?;
    Ok(workflow)
}

fn bind(sql: &'static str, workflow: WorkflowRecord) -> Result<Statement, Error> {
    let schema = workflow.input_schema.as_ref().map(|it| Json(it).value());
    Ok(Statement::new(sql)
        .bind(workflow.id)
        .bind(workflow.name)
        .bind(workflow.description)
        .bind(schema.transpose()?)
        .bind(Json(&workflow.steps).value()?)
        .bind(workflow.created_at)
        .bind(workflow.updated_at)
        .bind(workflow.created_by))
}

#[async_trait]
impl<D: Database> WorkflowStore for SqlStore<D> {
    async fn create(&self, workflow: WorkflowRecord, owner: Option<&UserId>) -> Result<(), Error> {
        let (kind, now) = (Resource::Workflows, workflow.created_at);
        let grant = owner.map(|it| GrantRecord::of_owner(it, kind, workflow.id.as_str(), now));
        let insert = bind(
            "INSERT INTO ee_workflows (id, name, description, input_schema, steps, created_at, \
             updated_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            workflow,
        )?;
        let mut batch = Batch::from(insert);
        if let Some(grant) = grant {
            batch = batch.granting(grant);
        }
        let taken = "a workflow with this id exists already";
        self.insert("create a workflow", batch, taken).await
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        let query = Statement::new(COLUMNS).and(" AND id = ?", [id]);
        self.find_by("find a workflow", query, record).await
    }

    async fn list(&self, visible: &Visible) -> Result<Vec<WorkflowRecord>, Error> {
        let query = shown(Statement::new(COLUMNS), visible).and(ORDER, [""; 0]);
        self.rows("list workflows", query, record).await
    }

    async fn page(&self, visible: &Visible, page: Page) -> Result<Paged<WorkflowRecord>, Error> {
        let count = Statement::new("SELECT count(*) FROM ee_workflows WHERE 1 = 1");
        let rows = shown(Statement::new(COLUMNS), visible).and(ORDER, [""; 0]);
        let (count, rows) = (shown(count, visible), paged(rows, page));
        self.paged("list workflows", count, rows, record).await
    }

    async fn update(&self, workflow: WorkflowRecord) -> Result<bool, Error> {
        let update = bind(
            "UPDATE ee_workflows SET name = ?2, description = ?3, input_schema = ?4, steps = ?5, \
             created_at = ?6, updated_at = ?7, created_by = ?8 WHERE id = ?1",
            workflow,
        )?;
        Ok(self.run("update a workflow", update).await? > 0)
    }

    async fn delete(&self, id: &WorkflowId) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_workflows WHERE id = ?1").bind(id);
        let runs = Statement::new("DELETE FROM ee_runs WHERE workflow_id = ?1").bind(id);
        let grants = disown(Resource::Workflows, id.as_str());
        // Whose the grants were is not told one by one.
        let batch = Batch::from(delete.must_change())
            .then(runs)
            .then(grants)
            .telling(Change::Everything);
        Ok(self.batch("delete a workflow", batch).await?.is_some())
    }
}
