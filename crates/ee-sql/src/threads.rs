use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, Resource, ThreadId,
    storage::{Change, MessageRecord, Page, Paged, ThreadFilter, ThreadRecord, ThreadStore},
};

use crate::{
    Batch, Database, Json, Name, Row, SqlStore, Statement,
    grants::disown,
    store::{column, paged, shown},
};

const COLUMNS: &str = "SELECT id, owner, resource_id, created_at, agent_id, title, metadata, \
    updated_at FROM ee_threads";

fn record(mut row: Row) -> Result<ThreadRecord, Error> {
    let (id, owner, resource_id) = (row.take()?, row.take()?, row.take()?);
    let mut thread = ThreadRecord::new(id, owner, resource_id, row.take()?);
    thread.agent_id = row.take()?;
    thread.title = row.take()?;
    thread.metadata = row.take::<Json<_>>()?.0;
    thread.updated_at = row.take()?;
    Ok(thread)
}

fn only(query: Statement, filter: &ThreadFilter) -> Statement {
    let mut query = query.and(" WHERE owner = ?", [&filter.owner]);
    if let Some(agent) = &filter.agent_id {
        query = query.and(" AND agent_id = ?", [agent]);
    }
    if let Some(label) = &filter.resource_id {
        query = query.and(" AND resource_id = ?", [label]);
    }
    shown(query, &filter.visible)
}

const MESSAGES: &str =
    "SELECT id, role, text, created_at FROM ee_messages WHERE thread_id = ?1 ORDER BY position";

fn message(mut row: Row) -> Result<MessageRecord, Error> {
    let (id, Name(role)) = (row.take()?, row.take::<Name<_>>()?);
    Ok(MessageRecord::new(id, role, row.take()?, row.take()?))
}

#[async_trait]
impl<D: Database> ThreadStore for SqlStore<D> {
    async fn create(&self, thread: ThreadRecord) -> Result<(), Error> {
        let insert = Statement::new(
            "INSERT INTO ee_threads (id, owner, resource_id, agent_id, title, metadata, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(thread.id)
        .bind(thread.owner)
        .bind(thread.resource_id)
        .bind(thread.agent_id)
        .bind(thread.title)
        .bind(Json(&thread.metadata).value()?)
        .bind(thread.created_at)
        .bind(thread.updated_at);
        let taken = "a conversation with this id exists already";
        self.insert("create a conversation", insert, taken).await
    }

    async fn find(&self, id: &ThreadId) -> Result<Option<ThreadRecord>, Error> {
        let query = Statement::new(format!("{COLUMNS} WHERE id = ?1")).bind(id);
        self.find_by("find a conversation", query, record).await
    }

    async fn list(&self, filter: &ThreadFilter, page: Page) -> Result<Paged<ThreadRecord>, Error> {
        let count = only(Statement::new("SELECT count(*) FROM ee_threads"), filter);
        let rows = only(Statement::new(COLUMNS), filter)
            .and(" ORDER BY updated_at DESC, id DESC", [0_i64; 0]);
        self.paged("list conversations", count, paged(rows, page), record)
            .await
    }

    async fn update(&self, thread: ThreadRecord) -> Result<bool, Error> {
        let update = Statement::new(
            "UPDATE ee_threads SET agent_id = ?2, title = ?3, metadata = ?4, updated_at = ?5 \
             WHERE id = ?1",
        )
        .bind(thread.id)
        .bind(thread.agent_id)
        .bind(thread.title)
        .bind(Json(&thread.metadata).value()?)
        .bind(thread.updated_at);
        Ok(self.run("update a conversation", update).await? > 0)
    }

    async fn delete(&self, id: &ThreadId) -> Result<bool, Error> {
        // The messages go by the foreign key.
        let delete = Statement::new("DELETE FROM ee_threads WHERE id = ?1").bind(id);
        let grants = disown(Resource::Memory, id.as_str());
        let mut batch = Batch::from(delete.must_change()).then(grants);
        // Conversations come and go all the time, and hardly any has a grant.
        let granted = Statement::new(
            "SELECT subject FROM ee_grants WHERE kind = ?1 AND resource_id = ?2 \
             AND effect = 'allow' LIMIT 1",
        );
        let granted = granted.bind(Resource::Memory.as_str()).bind(id);
        let operation = "delete a conversation";
        let granted: Vec<String> = self.rows(operation, granted, column).await?;
        if !granted.is_empty() {
            batch = batch.telling(Change::Everything);
        }
        Ok(self.batch(operation, batch).await?.is_some())
    }

    async fn append(&self, id: &ThreadId, messages: Vec<MessageRecord>) -> Result<(), Error> {
        // Changes nothing when there is no last message, and yet tells whether the conversation exists.
        let written_to = Statement::new(
            "UPDATE ee_threads SET updated_at = coalesce(?2, updated_at) WHERE id = ?1",
        );
        let last = messages.last().map(|message| message.created_at);
        let mut batch = Batch::from(written_to.bind(id).bind(last).must_change());
        for message in messages {
            let insert = Statement::new(
                "INSERT INTO ee_messages (thread_id, id, role, text, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .bind(id)
            .bind(message.id)
            .bind(Name(message.role).value()?)
            .bind(message.text)
            .bind(message.created_at);
            batch = batch.then(insert);
        }
        match self.batch("add messages", batch).await? {
            Some(_) => Ok(()),
            None => Err(Error::new(
                ErrorKind::NotFound,
                "there is no such conversation",
            )),
        }
    }

    async fn messages(&self, id: &ThreadId, page: Page) -> Result<Paged<MessageRecord>, Error> {
        let count = Statement::new("SELECT count(*) FROM ee_messages WHERE thread_id = ?1");
        let rows = paged(Statement::new(MESSAGES).bind(id), page);
        self.paged("list messages", count.bind(id), rows, message)
            .await
    }

    async fn last_messages(&self, id: &ThreadId, limit: u32) -> Result<Vec<MessageRecord>, Error> {
        let query = Statement::new(format!("{MESSAGES} DESC LIMIT ?2"));
        let query = query.bind(id).bind(limit);
        let mut messages = self.rows("list the last messages", query, message).await?;
        messages.reverse();
        Ok(messages)
    }
}
