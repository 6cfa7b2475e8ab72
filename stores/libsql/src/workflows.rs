use async_trait::async_trait;
use ee_core::{
    Error, WorkflowId,
    storage::{WorkflowRecord, WorkflowStore},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    SqliteStore,
    columns::{Id, Json, Time},
};

const CREATE: &str = "INSERT INTO ee_workflows \
    (id, name, description, input_schema, steps, created_at, updated_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const UPDATE: &str = "UPDATE ee_workflows SET name = ?2, description = ?3, input_schema = ?4, \
    steps = ?5, created_at = ?6, updated_at = ?7 WHERE id = ?1";

/// Binds a workflow to either statement and returns how many rows it has changed.
fn save(conn: &Connection, sql: &str, workflow: &WorkflowRecord) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params![
        workflow.id.as_str(),
        workflow.name,
        workflow.description,
        workflow.input_schema.as_ref().map(Json),
        Json(&workflow.steps),
        Time(workflow.created_at),
        Time(workflow.updated_at),
    ])
}

const FIND: &str = "SELECT \
    id, name, description, input_schema, steps, created_at, updated_at \
    FROM ee_workflows WHERE id = ?1";
const LIST: &str = "SELECT \
    id, name, description, input_schema, steps, created_at, updated_at \
    FROM ee_workflows ORDER BY name, id";

fn record(row: &Row<'_>) -> rusqlite::Result<WorkflowRecord> {
    let (Id(id), Json(steps), Time(created_at)) = (row.get(0)?, row.get(4)?, row.get(5)?);
    let mut workflow = WorkflowRecord::new(id, row.get(1)?, steps, created_at);
    workflow.description = row.get(2)?;
    workflow.input_schema = row.get::<_, Option<Json<_>>>(3)?.map(|Json(schema)| schema);
    workflow.updated_at = row.get::<_, Time>(6)?.0;
    Ok(workflow)
}

const DELETE: &str = "DELETE FROM ee_workflows WHERE id = ?1";
const DELETE_RUNS: &str = "DELETE FROM ee_runs WHERE workflow_id = ?1";

fn delete(conn: &Connection, id: &WorkflowId) -> rusqlite::Result<bool> {
    if conn.prepare_cached(DELETE)?.execute([id.as_str()])? == 0 {
        return Ok(false);
    }
    conn.prepare_cached(DELETE_RUNS)?.execute([id.as_str()])?;
    Ok(true)
}

#[async_trait]
impl WorkflowStore for SqliteStore {
    async fn create(&self, workflow: WorkflowRecord) -> Result<(), Error> {
        self.write("create a workflow", move |conn| {
            save(conn, CREATE, &workflow)
        })
        .await
        .map(|_| ())
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        let id = id.clone();
        self.read("find a workflow", move |conn| {
            conn.prepare_cached(FIND)?
                .query_row([id.as_str()], record)
                .optional()
        })
        .await
    }

    async fn list(&self) -> Result<Vec<WorkflowRecord>, Error> {
        self.read("list workflows", |conn| {
            conn.prepare_cached(LIST)?.query_map([], record)?.collect()
        })
        .await
    }

    async fn update(&self, workflow: WorkflowRecord) -> Result<bool, Error> {
        self.write("update a workflow", move |conn| {
            save(conn, UPDATE, &workflow)
        })
        .await
        .map(|rows| rows > 0)
    }

    async fn delete(&self, id: &WorkflowId) -> Result<bool, Error> {
        let id = id.clone();
        self.write("delete a workflow", move |conn| delete(conn, &id))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::plan;

    #[test]
    fn the_list_is_read_in_order_from_an_index() {
        let listed = plan(LIST);
        assert!(listed.contains("ee_workflows_by_name"), "{listed}");
        assert!(!listed.contains("TEMP B-TREE"), "{listed}");

        assert!(plan(DELETE_RUNS).contains("ee_runs_by_workflow (workflow_id=?)"));
    }
}
