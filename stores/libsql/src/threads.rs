use async_trait::async_trait;
use ee_core::{
    AgentId, Error, ThreadId,
    storage::{MessageRecord, Page, Paged, ThreadFilter, ThreadRecord, ThreadStore},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    SqliteStore,
    columns::{Id, Json, Name, Time},
    store::{Slice, total},
};

const CREATE: &str = "INSERT INTO ee_threads \
    (id, owner, resource_id, agent_id, title, metadata, created_at, updated_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

fn create(conn: &Connection, thread: &ThreadRecord) -> rusqlite::Result<()> {
    conn.prepare_cached(CREATE)?.execute(params![
        thread.id.as_str(),
        thread.owner.as_str(),
        thread.resource_id,
        thread.agent_id.as_ref().map(AgentId::as_str),
        thread.title,
        Json(&thread.metadata),
        Time(thread.created_at),
        Time(thread.updated_at),
    ])?;
    Ok(())
}

const FIND: &str = "SELECT \
    id, owner, resource_id, agent_id, title, metadata, created_at, updated_at \
    FROM ee_threads WHERE id = ?1";

fn record(row: &Row<'_>) -> rusqlite::Result<ThreadRecord> {
    let (Id(id), Id(owner), Time(created_at)) = (row.get(0)?, row.get(1)?, row.get(6)?);
    let mut thread = ThreadRecord::new(id, owner, row.get(2)?, created_at);
    thread.agent_id = row.get::<_, Option<Id<_>>>(3)?.map(|Id(id)| id);
    thread.title = row.get(4)?;
    thread.metadata = row.get::<_, Json<_>>(5)?.0;
    thread.updated_at = row.get::<_, Time>(7)?.0;
    Ok(thread)
}

const COUNT: &str = "SELECT count(*) FROM ee_threads WHERE owner = ?1 \
    AND (?2 IS NULL OR agent_id = ?2) AND (?3 IS NULL OR resource_id = ?3)";
const LIST: &str = "SELECT \
    id, owner, resource_id, agent_id, title, metadata, created_at, updated_at \
    FROM ee_threads WHERE owner = ?1 \
    AND (?2 IS NULL OR agent_id = ?2) AND (?3 IS NULL OR resource_id = ?3) \
    ORDER BY updated_at DESC, id DESC LIMIT ?4 OFFSET ?5";

fn list(
    conn: &Connection,
    filter: &ThreadFilter,
    page: Page,
) -> rusqlite::Result<Paged<ThreadRecord>> {
    let owner = filter.owner.as_str();
    let agent = filter.agent_id.as_ref().map(AgentId::as_str);
    let label = &filter.resource_id;
    let Slice { limit, offset } = page.into();

    let snapshot = conn.unchecked_transaction()?;
    let total = total(&snapshot, COUNT, params![owner, agent, label])?;
    let rows = snapshot
        .prepare_cached(LIST)?
        .query_map(params![owner, agent, label, limit, offset], record)?
        .collect::<Result<_, _>>()?;
    Ok(Paged { rows, total })
}

const UPDATE: &str = "UPDATE ee_threads \
    SET agent_id = ?2, title = ?3, metadata = ?4, updated_at = ?5 WHERE id = ?1";

fn update(conn: &Connection, thread: &ThreadRecord) -> rusqlite::Result<usize> {
    conn.prepare_cached(UPDATE)?.execute(params![
        thread.id.as_str(),
        thread.agent_id.as_ref().map(AgentId::as_str),
        thread.title,
        Json(&thread.metadata),
        Time(thread.updated_at),
    ])
}

/// The messages go by the foreign key.
const DELETE: &str = "DELETE FROM ee_threads WHERE id = ?1";

/// Changes nothing when there is no last message, and yet tells whether the conversation exists.
const WRITTEN_TO: &str =
    "UPDATE ee_threads SET updated_at = coalesce(?2, updated_at) WHERE id = ?1";
const APPEND: &str = "INSERT INTO ee_messages (thread_id, id, role, text, created_at) \
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// False when there is no such conversation.
fn append(
    conn: &Connection,
    thread: &ThreadId,
    messages: &[MessageRecord],
) -> rusqlite::Result<bool> {
    let last = messages.last().map(|message| Time(message.created_at));
    let mut written_to = conn.prepare_cached(WRITTEN_TO)?;
    if written_to.execute(params![thread.as_str(), last])? == 0 {
        return Ok(false);
    }
    let mut append = conn.prepare_cached(APPEND)?;
    for message in messages {
        append.execute(params![
            thread.as_str(),
            message.id.as_str(),
            Name(message.role),
            message.text,
            Time(message.created_at),
        ])?;
    }
    Ok(true)
}

const COUNT_MESSAGES: &str = "SELECT count(*) FROM ee_messages WHERE thread_id = ?1";
const MESSAGES: &str = "SELECT id, role, text, created_at FROM ee_messages \
    WHERE thread_id = ?1 ORDER BY position LIMIT ?2 OFFSET ?3";
const LAST_MESSAGES: &str = "SELECT id, role, text, created_at FROM ee_messages \
    WHERE thread_id = ?1 ORDER BY position DESC LIMIT ?2";

fn messages(
    conn: &Connection,
    thread: &ThreadId,
    page: Page,
) -> rusqlite::Result<Paged<MessageRecord>> {
    let Slice { limit, offset } = page.into();
    let snapshot = conn.unchecked_transaction()?;
    let total = total(&snapshot, COUNT_MESSAGES, [thread.as_str()])?;
    let rows = snapshot
        .prepare_cached(MESSAGES)?
        .query_map(params![thread.as_str(), limit, offset], message)?
        .collect::<Result<_, _>>()?;
    Ok(Paged { rows, total })
}

fn last_messages(
    conn: &Connection,
    thread: &ThreadId,
    limit: u32,
) -> rusqlite::Result<Vec<MessageRecord>> {
    let mut messages: Vec<_> = conn
        .prepare_cached(LAST_MESSAGES)?
        .query_map(params![thread.as_str(), limit], message)?
        .collect::<Result<_, _>>()?;
    messages.reverse();
    Ok(messages)
}

fn message(row: &Row<'_>) -> rusqlite::Result<MessageRecord> {
    let (Id(id), Name(role), Time(created_at)) = (row.get(0)?, row.get(1)?, row.get(3)?);
    Ok(MessageRecord::new(id, role, row.get(2)?, created_at))
}

#[async_trait]
impl ThreadStore for SqliteStore {
    async fn create(&self, thread: ThreadRecord) -> Result<(), Error> {
        self.write("create a conversation", move |conn| create(conn, &thread))
            .await
    }

    async fn find(&self, id: &ThreadId) -> Result<Option<ThreadRecord>, Error> {
        let id = id.clone();
        self.read("find a conversation", move |conn| {
            conn.prepare_cached(FIND)?
                .query_row([id.as_str()], record)
                .optional()
        })
        .await
    }

    async fn list(&self, filter: &ThreadFilter, page: Page) -> Result<Paged<ThreadRecord>, Error> {
        let filter = filter.clone();
        self.read("list conversations", move |conn| list(conn, &filter, page))
            .await
    }

    async fn update(&self, thread: ThreadRecord) -> Result<bool, Error> {
        self.write("update a conversation", move |conn| update(conn, &thread))
            .await
            .map(|rows| rows > 0)
    }

    async fn delete(&self, id: &ThreadId) -> Result<bool, Error> {
        let id = id.clone();
        self.write("delete a conversation", move |conn| {
            conn.prepare_cached(DELETE)?.execute([id.as_str()])
        })
        .await
        .map(|rows| rows > 0)
    }

    async fn append(&self, id: &ThreadId, messages: Vec<MessageRecord>) -> Result<(), Error> {
        let id = id.clone();
        let exists = self
            .write("add messages", move |conn| append(conn, &id, &messages))
            .await?;
        if exists {
            Ok(())
        } else {
            let what = "conversation";
            Err(crate::Error::Missing { what }.into())
        }
    }

    async fn messages(&self, id: &ThreadId, page: Page) -> Result<Paged<MessageRecord>, Error> {
        let id = id.clone();
        self.read("list messages", move |conn| messages(conn, &id, page))
            .await
    }

    async fn last_messages(&self, id: &ThreadId, limit: u32) -> Result<Vec<MessageRecord>, Error> {
        let id = id.clone();
        self.read("list the last messages", move |conn| {
            last_messages(conn, &id, limit)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::plan;

    #[test]
    fn every_listing_is_read_in_order_from_an_index() {
        for (sql, index) in [
            (LIST, "ee_threads_by_owner (owner=?)"),
            (COUNT, "ee_threads_by_owner (owner=?)"),
            (MESSAGES, "ee_messages_by_thread (thread_id=?)"),
            (LAST_MESSAGES, "ee_messages_by_thread (thread_id=?)"),
            (COUNT_MESSAGES, "ee_messages_by_thread (thread_id=?)"),
        ] {
            let plan = plan(sql);
            assert!(plan.contains(index), "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
