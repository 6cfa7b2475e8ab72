//! Searches the logs.

use async_trait::async_trait;
use ee_core::{
    AuditField, AuditFilter, AuditQuery, Error, ErrorKind,
    storage::{AuditBucket, AuditCount, AuditEntry, AuditSearch, AuditSpans},
};

use super::{
    conditions::{Sql, Writer, within},
    logs::entry,
    near::{Near, REACHES},
    paths::Way,
    rows::column as column_of,
    tail::Tail,
    texts::original,
};
use crate::{Database, Dialect, Reach, Row, SqlStore, Statement, store::column};

/// Most parts of one histogram.
const MOST_PARTS: usize = 10_000;

/// A filter as SQL.
#[derive(Debug)]
pub(super) struct Question {
    /// What each event that fits meets.
    conditions: String,
    pub(super) dialect: Dialect,
    /// See [`Way`].
    paths: Vec<String>,
    pub(super) sql: Sql,
}

impl Question {
    /// Tells whether no event can fit.
    pub(super) const fn is_vain(&self) -> bool {
        self.paths.is_empty()
    }

    /// Selects something of the events that fit; `behind` stands behind each part.
    pub(super) fn select(&self, what: &str, from: &str, behind: &str) -> String {
        let part = |path: &String| {
            let conditions = &self.conditions;
            format!(
                "SELECT {what} FROM ee_audit_events AS e{from} WHERE {path} AND {conditions}{behind}"
            )
        };
        let parts: Vec<String> = self.paths.iter().map(part).collect();
        parts.join(" UNION ALL ")
    }

    /// Selects the first events that fit, in an order.
    fn first(&self, order: &str, limit: u32) -> String {
        let what = "e.number AS number, e.id AS id, e.ts AS ts";
        let end = format!(" ORDER BY {order} LIMIT {limit}");
        if self.paths.len() == 1 || self.dialect == Dialect::Sqlite {
            // SQLite goes along all ways at once and takes the next of each.
            return self.select(what, "", "") + &end;
        }
        let part = |(at, path): (usize, &String)| {
            let conditions = &self.conditions;
            format!(
                "SELECT * FROM (SELECT {what} FROM ee_audit_events AS e \
                 WHERE {path} AND {conditions}{end}) AS way_{at}"
            )
        };
        let parts: Vec<String> = self.paths.iter().enumerate().map(part).collect();
        parts.join(" UNION ALL ") + &end
    }
}

/// Returns a number of rows that is not less and one of few, so that there are few texts.
fn rounded(limit: u32) -> u32 {
    limit.next_multiple_of(if limit <= 128 { 16 } else { 128 })
}

impl<D: Database> SqlStore<D> {
    /// Writes a filter, and what else has to be so.
    pub(super) async fn question(
        &self,
        filter: &AuditFilter,
        near: Option<Near>,
        also: impl FnOnce(&mut Sql) -> String + Send,
    ) -> Result<Question, Error> {
        let tail: Tail = self.tail(filter).await?;
        let dialect = self.database().dialect();
        let mut sql = Sql::default();
        let way = self.paths(filter, near, &tail, &mut sql).await?;
        let Way {
            manner,
            paths,
            settled,
        } = way;
        let mut writer = Writer {
            dialect,
            manner,
            settled,
            sql: &mut sql,
            tail: &tail,
        };
        writer.filter(filter, false)?;
        // What no way goes along is nothing that a plan has to be made for: making one for deep conditions takes long.
        let conditions = format!("coalesce({}, FALSE)", std::mem::take(&mut sql.text));
        let conditions = conditions + &within(filter, &mut sql) + &also(&mut sql);
        Ok(Question {
            conditions,
            dialect,
            paths,
            sql,
        })
    }
}

#[async_trait]
impl<D: Database> AuditSearch for SqlStore<D> {
    async fn search(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, Error> {
        let limit = query.limit.min(AuditQuery::MAX_LIMIT);
        for reach in REACHES {
            let Some(near) = self.near(query, reach).await? else {
                break;
            };
            let found = self.page(query, limit, Some(near)).await?;
            if found.len() == limit as usize {
                return Ok(found);
            }
        }
        self.page(query, limit, None).await
    }

    async fn count(&self, filter: &AuditFilter, most: u64) -> Result<AuditCount, Error> {
        let mut question = self.question(filter, None, |_| String::new()).await?;
        if question.is_vain() {
            return Ok(AuditCount {
                counted: 0,
                is_capped: false,
            });
        }
        let limit = question.sql.bind(most.saturating_add(1));
        let fitting = question.select("1 AS one", "", "");
        let text = format!("SELECT count(*) FROM ({fitting} LIMIT {limit}) AS fitting");
        let query = question.sql.into_statement(text);
        let counted = self.whole("count events", query, column::<u64>).await?;
        let counted = counted.first().copied().unwrap_or_default();
        Ok(AuditCount {
            counted: counted.min(most),
            is_capped: counted > most,
        })
    }

    async fn histogram(
        &self,
        filter: &AuditFilter,
        by: AuditField,
        spans: AuditSpans,
    ) -> Result<Vec<AuditBucket>, Error> {
        if spans.seconds == 0 {
            let message = "must be one second or more";
            return Err(Error::invalid_field("interval", message));
        }
        let Some(query) = self.histogram_query(filter, by, spans).await? else {
            return Ok(Vec::new());
        };
        let read = |mut row: Row| {
            Ok(AuditBucket {
                start: row.take()?,
                value: original(row.take()?),
                count: row.take()?,
            })
        };
        let parts = self.whole("count events by time", query, read).await?;
        if parts.len() > MOST_PARTS {
            let message = "makes too many parts of this time";
            return Err(Error::invalid_field("interval", message));
        }
        Ok(parts)
    }

    async fn facet(
        &self,
        filter: &AuditFilter,
        field: AuditField,
        most: u32,
    ) -> Result<Vec<(String, u64)>, Error> {
        let Some(query) = self.facet_query(filter, field, most).await? else {
            return Ok(Vec::new());
        };
        let read = |mut row: Row| Ok((original(row.take()?), row.take()?));
        self.whole("count values", query, read).await
    }
}

impl<D: Database> SqlStore<D> {
    /// Reads a page, out of a part of the record or out of all of it.
    async fn page(
        &self,
        query: &AuditQuery,
        limit: u32,
        near: Option<Near>,
    ) -> Result<Vec<AuditEntry>, Error> {
        let (direction, beyond) = if query.is_ascending {
            ("ASC", ">")
        } else {
            ("DESC", "<")
        };
        let behind = |sql: &mut Sql| {
            let Some(place) = query.after else {
                return String::new();
            };
            let (ts, id) = (sql.bind(place.timestamp), sql.bind(place.id));
            format!(" AND e.ts {beyond}= {ts} AND (e.ts {beyond} {ts} OR e.id {beyond} {id})")
        };
        let question = self.question(&query.filter, near, behind).await?;
        if limit == 0 || question.is_vain() {
            return Ok(Vec::new());
        }
        let order = format!("ts {direction}, id {direction}");
        let first = question.first(&order, rounded(limit));
        let text = format!(
            "SELECT h.partition, b.number, b.received_at, b.canonical, b.personal \
             FROM ({first}) AS page \
             JOIN ee_audit_bodies AS b ON b.number = page.number AND b.id = page.id \
             JOIN ee_audit_heads AS h ON h.log = (page.number >> 40) \
             ORDER BY page.ts {direction}, page.id {direction}"
        );
        let read = |mut row: Row| entry(row.take()?, row);
        let operation = "search the record";
        let query = question.sql.into_statement(text);
        self.first(operation, query, limit as usize, read).await
    }

    /// Reads what a query makes of everything that fits.
    async fn whole<T>(
        &self,
        operation: &'static str,
        query: Statement,
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let database = self.database();
        let rows = database.search(operation, query, Reach::Whole).await?;
        rows.into_iter().map(read).collect()
    }

    async fn facet_query(
        &self,
        filter: &AuditFilter,
        field: AuditField,
        most: u32,
    ) -> Result<Option<Statement>, Error> {
        let Some((mut question, counted)) = self.counted(filter, field, &[]).await? else {
            return Ok(None);
        };
        let limit = question.bind(most);
        let text = format!(
            "SELECT value, CAST(sum(count) AS BIGINT) AS total FROM ({counted}) AS counted \
             WHERE value IS NOT NULL GROUP BY value ORDER BY total DESC, value LIMIT {limit}"
        );
        Ok(Some(question.into_statement(text)))
    }

    async fn histogram_query(
        &self,
        filter: &AuditFilter,
        by: AuditField,
        spans: AuditSpans,
    ) -> Result<Option<Statement>, Error> {
        let width = i64::from(spans.seconds) * 1_000_000;
        let ahead = i64::from(spans.offset) * 1_000_000;
        let Some((mut sql, counted)) = self.counted(filter, by, &[width, ahead]).await? else {
            return Ok(None);
        };
        let limit = sql.bind(MOST_PARTS as u64 + 1);
        let (width, ahead) = (sql.bind(width), sql.bind(ahead));
        // Before 1970 as well, a part begins before what is in it.
        let text = format!(
            "SELECT start, value, CAST(sum(count) AS BIGINT) FROM (SELECT \
             ts - (((ts + {ahead}) % {width}) + {width}) % {width} AS start, value, count \
             FROM ({counted}) AS counted WHERE value IS NOT NULL) AS parts \
             GROUP BY start, value ORDER BY start, value LIMIT {limit}"
        );
        Ok(Some(sql.into_statement(text)))
    }

    /// Selects `ts, value, count` of the events that fit: one row or more for each value of a field. The time is exact
    /// enough to tell multiples of these apart.
    async fn counted(
        &self,
        filter: &AuditFilter,
        field: AuditField,
        exact: &[i64],
    ) -> Result<Option<(Sql, String)>, Error> {
        if let Some(counted) = super::tallies::counted(filter, field, exact) {
            return Ok(Some(counted));
        }
        let question = self.question(filter, None, |_| String::new()).await?;
        if question.is_vain() {
            return Ok(None);
        }
        let (mut value, from) = value_of(field)?;
        if *filter != AuditFilter::EVERYTHING {
            // Whatever is looked at besides the value is not in its index: the table is read as it lies.
            value = value
                .replace("e.actor_id", "e.actor_id || ''")
                .replace("e.action", "e.action || ''");
        }
        let what = format!("e.ts AS ts, {value} AS value, 1 AS count");
        let selected = question.select(&what, from, "");
        Ok(Some((question.sql, selected)))
    }
}

/// Returns what is counted of a field, at most 200 characters of it, and what has to be looked at besides the event.
pub(super) fn value_of(field: AuditField) -> Result<(String, &'static str), Error> {
    let Some(column) = column_of(field) else {
        let message = "this store does not know such a field of the record";
        return Err(Error::new(ErrorKind::Internal, message));
    };
    Ok(match field {
        AuditField::Role => ("substr(value, 1, 200)".to_owned(), ", json_each(e.roles)"),
        // As it stands in its index.
        AuditField::Action => (column.to_owned(), ""),
        _ => (format!("substr({column}, 1, 200)"), ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lengths_of_pages_are_asked_for() {
        let lengths: std::collections::BTreeSet<u32> = (1..=1_000).map(rounded).collect();

        assert!(lengths.len() < 20);
        assert_eq!(
            (rounded(1), rounded(50), rounded(129), rounded(1_000)),
            (16, 64, 256, 1_024)
        );
        assert!((1..=1_000).all(|limit| rounded(limit) >= limit));
    }
}
