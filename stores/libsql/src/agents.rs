use async_trait::async_trait;
use ee_core::{
    AgentId, Error, UserId,
    storage::{AgentRecord, AgentStore},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    SqliteStore,
    columns::{Id, Time},
};

const CREATE: &str = "INSERT INTO ee_agents \
    (id, name, description, instructions, model, created_by, created_at, updated_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const UPDATE: &str = "UPDATE ee_agents SET name = ?2, description = ?3, instructions = ?4, \
    model = ?5, created_by = ?6, created_at = ?7, updated_at = ?8 WHERE id = ?1";

/// Binds an agent to either statement and returns how many rows it has changed.
fn save(conn: &Connection, sql: &str, agent: &AgentRecord) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params![
        agent.id.as_str(),
        agent.name,
        agent.description,
        agent.instructions,
        agent.model,
        agent.created_by.as_ref().map(UserId::as_str),
        Time(agent.created_at),
        Time(agent.updated_at),
    ])
}

const FIND: &str = "SELECT \
    id, name, description, instructions, model, created_by, created_at, updated_at \
    FROM ee_agents WHERE id = ?1";
const LIST: &str = "SELECT \
    id, name, description, instructions, model, created_by, created_at, updated_at \
    FROM ee_agents ORDER BY name, id";

fn record(row: &Row<'_>) -> rusqlite::Result<AgentRecord> {
    let (Id(id), Time(created_at)) = (row.get(0)?, row.get(6)?);
    let mut agent = AgentRecord::new(id, row.get(1)?, row.get(3)?, row.get(4)?, created_at);
    agent.description = row.get(2)?;
    agent.created_by = row.get::<_, Option<Id<_>>>(5)?.map(|Id(id)| id);
    agent.updated_at = row.get::<_, Time>(7)?.0;
    Ok(agent)
}

const DELETE: &str = "DELETE FROM ee_agents WHERE id = ?1";

#[async_trait]
impl AgentStore for SqliteStore {
    async fn create(&self, agent: AgentRecord) -> Result<(), Error> {
        self.write("create an agent", move |conn| save(conn, CREATE, &agent))
            .await
            .map(|_| ())
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        let id = id.clone();
        self.read("find an agent", move |conn| {
            conn.prepare_cached(FIND)?
                .query_row([id.as_str()], record)
                .optional()
        })
        .await
    }

    async fn list(&self) -> Result<Vec<AgentRecord>, Error> {
        self.read("list agents", |conn| {
            conn.prepare_cached(LIST)?.query_map([], record)?.collect()
        })
        .await
    }

    async fn update(&self, agent: AgentRecord) -> Result<bool, Error> {
        self.write("update an agent", move |conn| save(conn, UPDATE, &agent))
            .await
            .map(|rows| rows > 0)
    }

    async fn delete(&self, id: &AgentId) -> Result<bool, Error> {
        let id = id.clone();
        self.write("delete an agent", move |conn| {
            conn.prepare_cached(DELETE)?.execute([id.as_str()])
        })
        .await
        .map(|rows| rows > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::plan;

    #[test]
    fn the_list_is_read_in_order_from_an_index() {
        let plan = plan(LIST);

        assert!(plan.contains("ee_agents_by_name"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
