use async_trait::async_trait;
use ee_core::{
    AgentId, Error, Resource, UserId, Visible,
    storage::{AgentFilter, AgentRecord, AgentStore, Change, GrantRecord, Page, Paged},
};

use crate::{
    Batch, Database, Row, SqlStore, Statement,
    grants::disown,
    store::{containing, paged, shown},
};

const COLUMNS: &str = "SELECT id, name, instructions, model, created_at, description, created_by, \
    updated_at FROM ee_agents WHERE 1 = 1";
const ORDER: &str = " ORDER BY name, id";

fn record(mut row: Row) -> Result<AgentRecord, Error> {
    let (id, name, instructions) = (row.take()?, row.take()?, row.take()?);
    let mut agent = AgentRecord::new(id, name, instructions, row.take()?, row.take()?);
    agent.description = row.take()?;
    agent.created_by = row.take()?;
    agent.updated_at = row.take()?;
    Ok(agent)
}

fn only(query: Statement, filter: &AgentFilter) -> Statement {
    let query = shown(query, &filter.visible);
    let Some(part) = &filter.search else {
        return query;
    };
    let part = containing(part);
    query.and(
        " AND (lower(id) LIKE ? ESCAPE '!' OR lower(name) LIKE ? ESCAPE '!' \
         OR lower(description) LIKE ? ESCAPE '!' \
         OR lower(CASE WHEN model = '' THEN ? ELSE model END) LIKE ? ESCAPE '!')",
        [&part, &part, &part, &filter.default_model, &part],
    )
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
    async fn create(&self, agent: AgentRecord, owner: Option<&UserId>) -> Result<(), Error> {
        let (kind, now) = (Resource::Agents, agent.created_at);
        let grant = owner.map(|it| GrantRecord::of_owner(it, kind, agent.id.as_str(), now));
        let (id, name) = (agent.id.to_string(), agent.name.clone());
        let batch = bind(
            "INSERT INTO ee_agents (id, name, description, instructions, model, created_by, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            agent,
        );
        let mut batch = batch.about("agent", &id, &name);
        if let Some(grant) = grant {
            batch = batch.granting(grant);
        }
        let taken = "an agent with this id exists already";
        self.insert("create an agent", batch, taken).await
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        let query = Statement::new(COLUMNS).and(" AND id = ?", [id]);
        self.find_by("find an agent", query, record).await
    }

    async fn list(&self, visible: &Visible) -> Result<Vec<AgentRecord>, Error> {
        let query = shown(Statement::new(COLUMNS), visible).and(ORDER, [""; 0]);
        self.rows("list agents", query, record).await
    }

    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error> {
        let count = Statement::new("SELECT count(*) FROM ee_agents WHERE 1 = 1");
        let rows = only(Statement::new(COLUMNS), filter).and(ORDER, [""; 0]);
        let (count, rows) = (only(count, filter), paged(rows, page));
        self.paged("list agents", count, rows, record).await
    }

    async fn update(&self, agent: AgentRecord) -> Result<bool, Error> {
        let (id, name) = (agent.id.to_string(), agent.name.clone());
        let update = bind(
            "UPDATE ee_agents SET name = ?2, description = ?3, instructions = ?4, model = ?5, \
             created_by = ?6, created_at = ?7, updated_at = ?8 WHERE id = ?1",
            agent,
        );
        let update = update.about("agent", &id, &name);
        Ok(self.change_rows("update an agent", update).await? > 0)
    }

    async fn delete(&self, id: &AgentId) -> Result<bool, Error> {
        let delete = Statement::new("DELETE FROM ee_agents WHERE id = ?1").bind(id);
        let grants = disown(Resource::Agents, id.as_str());
        // Whose the grants were is not told one by one.
        let batch = Batch::from(delete.must_change())
            .then(grants)
            .telling(Change::Agents)
            .telling(Change::Everything);
        Ok(self.change("delete an agent", batch).await?.is_some())
    }
}
