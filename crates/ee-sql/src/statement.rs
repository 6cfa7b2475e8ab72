//! SQL with its values, and what is done together.

use std::{borrow::Cow, fmt};

use ee_core::{AuditResource, storage::Change};

use crate::Value;

/// SQL with the values of its parameters `?1`, `?2`, ….
#[derive(Clone)]
pub struct Statement {
    /// Whether a batch is undone when this changes no row.
    pub must_change: bool,
    /// The values, the one of `?1` first.
    pub params: Vec<Value>,
    /// The text. No value of a user is ever in it.
    pub sql: Cow<'static, str>,
}

impl Statement {
    /// Begins with the text.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self {
            must_change: false,
            params: Vec::new(),
            sql: sql.into(),
        }
    }

    /// Adds the value of the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    /// Undoes the batch when this changes no row.
    #[must_use]
    pub const fn must_change(mut self) -> Self {
        self.must_change = true;
        self
    }

    /// Adds text and the values of the parameters that follow the ones that are bound; each `?` in it is numbered.
    #[must_use]
    pub(crate) fn and(
        mut self,
        sql: &str,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        let mut text = self.sql.into_owned();
        let mut values = values.into_iter();
        for (at, part) in sql.split('?').enumerate() {
            if at > 0 {
                self.params.extend(values.next().map(Into::into));
                text.push('?');
                text.push_str(&self.params.len().to_string());
            }
            text.push_str(part);
        }
        self.sql = text.into();
        self
    }

    /// Adds a list of parameters in brackets. There has to be one.
    #[must_use]
    pub(crate) fn list(mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        let mut text = self.sql.into_owned();
        let mut before = "(?";
        for value in values {
            self.params.push(value.into());
            text.push_str(before);
            text.push_str(&self.params.len().to_string());
            before = ", ?";
        }
        text.push(')');
        self.sql = text.into();
        self
    }
}

impl fmt::Debug for Statement {
    /// Leaves the values out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Statement").field(&self.sql).finish()
    }
}

/// Many new rows of one table.
#[derive(Clone)]
pub struct Rows {
    /// Which columns have values.
    pub columns: &'static [&'static str],
    /// The table.
    pub table: &'static str,
    /// The values, row by row.
    pub values: Vec<Value>,
}

impl Rows {
    /// Begins without a row.
    pub const fn of(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            table,
            values: Vec::new(),
        }
    }

    /// Returns the rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Value]> {
        self.values.chunks_exact(self.columns.len().max(1))
    }

    /// Returns the text that inserts so many rows.
    pub fn insert(&self, rows: usize) -> String {
        let columns = self.columns.join(", ");
        let mut text = format!("INSERT INTO {} ({columns}) VALUES ", self.table);
        let mut number = 0;
        for row in 0..rows {
            text.push_str(if row > 0 { ", (" } else { "(" });
            for column in 0..self.columns.len() {
                number += 1;
                text.push_str(if column > 0 { ", ?" } else { "?" });
                text.push_str(&number.to_string());
            }
            text.push(')');
        }
        text
    }

    /// Returns statements that insert the rows, at most so many with each. There are few texts, however many rows.
    pub fn statements(&self, most: usize) -> impl Iterator<Item = Statement> {
        let width = self.columns.len().max(1);
        let mut left = self.values.as_slice();
        std::iter::from_fn(move || {
            let rows = (left.len() / width).min(most.max(1));
            let rows = rows.checked_ilog2().map(|power| 1 << power)?;
            let (values, rest) = left.split_at_checked(rows * width)?;
            left = rest;
            Some(Statement {
                must_change: false,
                params: values.to_vec(),
                sql: self.insert(rows).into(),
            })
        })
    }
}

impl fmt::Debug for Rows {
    /// Leaves the values out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("table", &self.table)
            .field("rows", &self.iter().len())
            .finish_non_exhaustive()
    }
}

/// What one transaction does.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The thing that it makes or changes, where the event that rides along does not know it.
    pub about: Option<AuditResource>,
    /// Names under each of which no two batches run at the same time, for rules over several rows.
    pub alone: Vec<Cow<'static, str>>,
    /// What it inserts behind its statements. Nothing is answered for it.
    pub rows: Vec<Rows>,
    /// What it does, in this order.
    pub statements: Vec<Statement>,
    /// What it tells everybody when it is done.
    pub tells: Vec<Change>,
}

impl Batch {
    /// Adds a statement.
    #[must_use]
    pub fn then(mut self, statement: Statement) -> Self {
        self.statements.push(statement);
        self
    }

    /// Adds rows, behind all statements.
    #[must_use]
    pub fn insert(mut self, rows: Rows) -> Self {
        if !rows.values.is_empty() {
            self.rows.push(rows);
        }
        self
    }

    /// Names the thing that it makes or changes, for the event that rides along.
    #[must_use]
    pub(crate) fn about(mut self, kind: &'static str, id: &str, name: &str) -> Self {
        let mut thing = AuditResource::new(kind, id);
        thing.name = Some(name.to_owned());
        self.about = Some(thing);
        self
    }

    /// Adds what others are told.
    #[must_use]
    pub fn telling(mut self, change: Change) -> Self {
        self.tells.push(change);
        self
    }

    /// Lets no other batch of this name run at the same time.
    #[must_use]
    pub fn alone(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.alone.push(name.into());
        self
    }
}

impl From<Statement> for Batch {
    fn from(statement: Statement) -> Self {
        Self::default().then(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_statements_of_so_many() {
        let mut rows = Rows::of("t", &["a", "b"]);
        rows.values.extend((0..6_i64).map(Value::from));

        let statements: Vec<Statement> = rows.statements(9).collect();

        let texts: Vec<&str> = statements.iter().map(|it| &*it.sql).collect();
        assert_eq!(
            texts,
            [
                "INSERT INTO t (a, b) VALUES (?1, ?2), (?3, ?4)",
                "INSERT INTO t (a, b) VALUES (?1, ?2)"
            ]
        );
        assert_eq!(statements[1].params, [Value::Integer(4), Value::Integer(5)]);
        assert_eq!(Rows::of("t", &["a"]).statements(2).count(), 0);
    }

    #[test]
    fn added_parameters_are_numbered_on() {
        let statement = Statement::new("SELECT a FROM t WHERE b = ?1")
            .bind(1_i64)
            .and(" AND (c, d) > (?, ?)", ["x", "y"])
            .and(" AND e IN ", None::<Value>)
            .list([2_i64, 3]);

        assert_eq!(
            statement.sql,
            "SELECT a FROM t WHERE b = ?1 AND (c, d) > (?2, ?3) AND e IN (?4, ?5)"
        );
        assert_eq!(statement.params.len(), 5);
    }
}
