use async_trait::async_trait;
use ee_core::{
    AgentId, Error,
    storage::{AgentRecord, AgentStore, Change},
};

use crate::{Batch, Database, Row, SqlStore, Statement};

const COLUMNS: &str = "SELECT id, name, instructions, model, created_at, description, created_by, \
    updated_at FROM ee_agents";

fn record(mut row: Row) -> Result<AgentRecord, Error> {
    let (id, name, instructions) = (row.take()?, row.take()?, row.take()?);
    let mut agent = AgentRecord::new(id, name, instructions, row.take()?, row.take()?);
    agent.description = row.take()?;
    agent.created_by = row.take()?;
    agent.updated_at = row.take()?;
    Ok(agent)
}

fn bind(sql: &'static str, agent: AgentRecord) -> Batch {
    let save = Statement::new(sql)
        .bind(agent.id)
        .bind(agent.name)
        .bind(agent.description)
        .bind(agent.instructions)
        .bind(agent.model)
        .bind(agent.created_by)
        .bind(agent.created_at)
        .bind(agent.updated_at);
    Batch::from(save).telling(Change::Agents)
}

#[async_trait]
impl<D: Database> AgentStore for SqlStore<D> {
    async fn create(&self, agent: AgentRecord) -> Result<(), Error> {
        let insert = bind(
            "INSERT INTO ee_agents (id, name, description, instructions, model, created_by, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            agent,
        );
        let taken = "an agent with this id exists already";
        self.insert("create an agent", insert, taken).await
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE id = ?1")).bind(id);
        self.find_by("find an agent", query, record).await
    }

    async fn list(&self) -> Result<Vec<AgentRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} ORDER BY name, id"));
        self.rows("list agents", query, record).await
    }

    async fn update(&self, agent: AgentRecord) -> Result<bool, Error> {
        let update = bind(
            "UPDATE ee_agents SET name = ?2, description = ?3, instructions = ?4, model = ?5, \
             created_by = ?6, created_at = ?7, updated_at = ?8 WHERE id = ?1",
            agent,
        );
        Ok(self.run("update an agent", update).await? > 0)
    }

    async fn delete(&self, id: &AgentId) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_agents WHERE id = ?1").bind(id);
        let batch = Batch::from(delete).telling(Change::Agents);
        Ok(self.run("delete an agent", batch).await? > 0)
    }
}
