//! SQL with its values, and what is done together.

use std::{borrow::Cow, fmt};

use ee_core::storage::Change;

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

/// What one transaction does.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Names under each of which no two batches run at the same time, for rules over several rows.
    pub alone: Vec<Cow<'static, str>>,
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
