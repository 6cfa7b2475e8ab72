//! Where a search for words looks first: among the events that are next in time.

use ee_core::{AuditQuery, Error};

use super::{
    conditions::{Sql, within},
    paths::words_lead,
};
use crate::{Database, Row, SqlStore};

/// So many events are looked at first, and then so many. Frequent words are found among them, rare ones by the index.
pub(super) const REACHES: [u32; 2] = [2_048, 32_768];

/// A span of time at whose beginning a page begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Near {
    /// Its other end, which is none of it: there may be more events of that moment.
    edge: i64,
    /// No event of it has a smaller number.
    first: u64,
    is_ascending: bool,
    /// No event of it has a larger number.
    last: u64,
}

impl Near {
    /// Writes the condition that an event is in it.
    pub(super) fn condition(self, sql: &mut Sql) -> String {
        let sign = if self.is_ascending { "<" } else { ">" };
        format!("e.ts {sign} {}", sql.bind(self.edge))
    }

    /// Writes the condition that a number may be of it.
    pub(super) fn numbers(self, column: &str, sql: &mut Sql) -> String {
        let (first, last) = (sql.bind(self.first), sql.bind(self.last));
        format!("{column} >= {first} AND {column} <= {last}")
    }
}

impl<D: Database> SqlStore<D> {
    /// Returns the span of the next so many events. `None` when there are not as many, or when the search does not begin
    /// with words.
    pub(super) async fn near(&self, query: &AuditQuery, reach: u32) -> Result<Option<Near>, Error> {
        if words_lead(&query.filter, self.database().dialect()).is_none() {
            return Ok(None);
        }
        let is_ascending = query.is_ascending;
        let (direction, behind, last) = if is_ascending {
            ("ASC", ">=", "max")
        } else {
            ("DESC", "<=", "min")
        };
        let mut sql = Sql::default();
        let mut times = within(&query.filter, &mut sql);
        if let Some(place) = query.after {
            let ts = sql.bind(place.timestamp);
            times.extend([" AND e.ts ", behind, " ", &ts]);
        }
        let text = format!(
            "SELECT count(*), {last}(span.ts), min(span.number), max(span.number) FROM (\
             SELECT e.ts AS ts, e.number AS number FROM ee_audit_events AS e \
             WHERE 1 = 1{times} ORDER BY e.ts {direction} LIMIT {reach}) AS span"
        );
        let read = |mut row: Row| {
            if row.take::<u64>()? < u64::from(reach) {
                return Ok(None);
            }
            Ok(Some(Near {
                edge: row.take()?,
                first: row.take()?,
                is_ascending,
                last: row.take()?,
            }))
        };
        let found = self
            .few("look for words", sql.into_statement(text), read)
            .await?;
        Ok(found.into_iter().next().flatten())
    }
}
