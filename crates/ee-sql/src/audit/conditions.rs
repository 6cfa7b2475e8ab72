//! A filter as SQL: true for exactly the events `e` that it fits.

use std::net::IpAddr;

use ee_core::{AuditField, AuditFilter, AuditTest, Error, ErrorKind};
use jiff::Timestamp;

use super::{
    paths::conjuncts,
    rows::{address, column},
    tail::Tail,
    texts::{kept, list},
    words::{Manner, Sought},
};
use crate::{Dialect, Statement, Value};

/// Conditions that stand side by side. More are taken in halves: databases bound how deep an expression is.
const SIDE_BY_SIDE: usize = 16;

/// SQL with the values of its parameters, which any part of it may name again.
#[derive(Clone, Debug, Default)]
pub(super) struct Sql {
    params: Vec<Value>,
    pub(super) text: String,
}

impl Sql {
    /// Adds a value and returns the name of its parameter.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }

    /// Puts a text in the place of its own.
    pub(super) fn into_statement(self, text: String) -> Statement {
        let params = self.params;
        Statement {
            must_change: false,
            params,
            sql: text.into(),
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn push_value(&mut self, value: impl Into<Value>) {
        let name = self.bind(value);
        self.text.push_str(&name);
    }
}

/// Writes conditions.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) dialect: Dialect,
    pub(super) manner: Manner,
    /// A part of the filter that all events on the way meet anyhow.
    pub(super) settled: Option<&'a AuditFilter>,
    pub(super) sql: &'a mut Sql,
    /// Events whose words are in no index yet.
    pub(super) tail: &'a Tail,
}

impl Writer<'_> {
    /// Writes a filter. What an event does not have fits no test, so that each condition is true or false and never
    /// unknown.
    pub(super) fn filter(&mut self, filter: &AuditFilter, is_negated: bool) -> Result<(), Error> {
        if self.settled.is_some_and(|it| std::ptr::eq(it, filter)) {
            self.sql.push("1 = 1");
            return Ok(());
        }
        match filter {
            AuditFilter::Addresses { first, last } => self.addresses(*first, *last),
            AuditFilter::All(all) => return self.joined(all, " AND ", "1 = 1", is_negated),
            AuditFilter::Any(any) => match of_one_field(any) {
                Some((field, values)) => self.one_of(field, &values)?,
                None => return self.joined(any, " OR ", "1 = 0", is_negated),
            },
            AuditFilter::AtLeast(millis) => {
                self.sql.push("coalesce(e.duration >= ");
                self.sql.push_value(*millis);
                self.sql.push(", FALSE)");
            }
            AuditFilter::Before(end) => {
                self.sql.push("e.ts < ");
                self.sql.push_value(micros(*end));
            }
            AuditFilter::Field(field, test) => self.field(*field, test)?,
            AuditFilter::Not(not) => {
                self.sql.push("NOT (");
                self.filter(not, !is_negated)?;
                self.sql.push(")");
            }
            AuditFilter::Since(start) => {
                self.sql.push("e.ts >= ");
                self.sql.push_value(micros(*start));
            }
            AuditFilter::Words(words) => self.words(words, is_negated),
            _ => return Err(unknown()),
        }
        Ok(())
    }

    fn joined(
        &mut self,
        filters: &[AuditFilter],
        join: &str,
        without: &str,
        is_negated: bool,
    ) -> Result<(), Error> {
        if filters.is_empty() {
            self.sql.push(without);
            return Ok(());
        }
        if filters.len() > SIDE_BY_SIDE {
            let (left, right) = filters.split_at(filters.len() / 2);
            self.sql.push("(");
            self.joined(left, join, without, is_negated)?;
            self.sql.push(join);
            self.joined(right, join, without, is_negated)?;
            self.sql.push(")");
            return Ok(());
        }
        let mut before = "(";
        for filter in filters {
            self.sql.push(before);
            self.filter(filter, is_negated)?;
            before = join;
        }
        self.sql.push(")");
        Ok(())
    }

    fn addresses(&mut self, first: IpAddr, last: IpAddr) {
        // Beyond its family, a range ends with the family.
        let last = match (first, last) {
            (IpAddr::V4(_), IpAddr::V6(_)) => IpAddr::from([u8::MAX; 4]),
            _ => last,
        };
        self.sql.push("coalesce(e.address >= ");
        self.sql.push_value(address(first));
        self.sql.push(" AND e.address <= ");
        self.sql.push_value(address(last));
        self.sql.push(", FALSE)");
    }

    fn one_of(&mut self, field: AuditField, values: &[&str]) -> Result<(), Error> {
        let column = column(field).ok_or_else(unknown)?;
        // Addresses are kept in small letters.
        let small = |value: &&str| match field {
            AuditField::Email => value.to_lowercase(),
            _ => (*value).to_owned(),
        };
        let values: Vec<String> = values.iter().map(small).collect();
        let values = list(values.iter().map(|value| kept(value)));
        let list = self.sql.bind(values);
        let among = format!("IN (SELECT value FROM json_each({list}))");
        let text = match field {
            AuditField::Role => {
                format!("EXISTS (SELECT 1 FROM json_each({column}) WHERE value {among})")
            }
            _ => format!("coalesce({column} {among}, FALSE)"),
        };
        self.sql.push(&text);
        Ok(())
    }

    fn field(&mut self, field: AuditField, test: &AuditTest) -> Result<(), Error> {
        let column = column(field).ok_or_else(unknown)?;
        match field {
            AuditField::Email => {
                self.test(column, &test.lowercase());
                return Ok(());
            }
            AuditField::Role => {}
            _ => {
                self.test(column, test);
                return Ok(());
            }
        }
        let roles = format!("EXISTS (SELECT 1 FROM json_each({column}) WHERE ");
        self.sql.push(&roles);
        self.test("value", test);
        self.sql.push(")");
        Ok(())
    }

    fn test(&mut self, column: &str, test: &AuditTest) {
        let (AuditTest::EndsWith(text) | AuditTest::Is(text) | AuditTest::StartsWith(text)) = test;
        let text = kept(text);
        let is_whole = matches!(test, AuditTest::Is(_));
        if text.is_empty() && !is_whole {
            // Every text begins and ends with nothing.
            self.sql.push(&format!("{column} IS NOT NULL"));
            return;
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let value = self.sql.bind(&*text);
        let part = match test {
            AuditTest::EndsWith(_) => {
                let before = self.sql.bind(length - 1);
                format!("substr({column}, length({column}) - CAST({before} AS INTEGER))")
            }
            AuditTest::Is(_) => column.to_owned(),
            AuditTest::StartsWith(_) => {
                let length = self.sql.bind(length);
                format!("substr({column}, 1, CAST({length} AS INTEGER))")
            }
        };
        self.sql.push(&format!("coalesce({part} = {value}, FALSE)"));
    }

    fn words(&mut self, words: &[String], is_negated: bool) {
        let sought = match Sought::new(words, self.dialect) {
            Sought::Everything => return self.sql.push("1 = 1"),
            Sought::Nothing => return self.sql.push("1 = 0"),
            Sought::Index(sought) => sought,
        };
        let found = self.sql.bind(sought);
        let found = self.manner.found(self.dialect, &found);
        // An event that came in the meantime is neither in the index nor in the list: it fits neither the words nor
        // their absence.
        let numbers = self.tail.numbers(words, !is_negated);
        let numbers = self.sql.bind(list(numbers));
        let listed = format!("SELECT CAST(value AS BIGINT) FROM json_each({numbers})");
        let text = if is_negated {
            format!(
                "NOT (e.number IN ({listed}) \
                 OR (NOT {found} AND coalesce(e.number <= {MARK}, FALSE)))"
            )
        } else {
            format!("({found} OR e.number IN ({listed}))")
        };
        self.sql.push(&text);
    }
}

/// Returns the times within which all of the events are, which begins with `AND`: a way may go through these alone.
pub(super) fn within(filter: &AuditFilter, sql: &mut Sql) -> String {
    let bounds = conjuncts(filter).into_iter().filter_map(|filter| {
        let (sign, at) = match filter {
            AuditFilter::Before(end) => ("<", *end),
            AuditFilter::Since(start) => (">=", *start),
            _ => return None,
        };
        Some(format!(" AND e.ts {sign} {}", sql.bind(micros(at))))
    });
    bounds.collect()
}

/// Up to which number the words of the log of an event are in the index.
pub(super) const MARK: &str = "(SELECT number FROM ee_audit_indexed WHERE log = (e.number >> 40))";

/// Returns the values when all of the filters say that one field is one of them.
pub(super) fn of_one_field(any: &[AuditFilter]) -> Option<(AuditField, Vec<&str>)> {
    let mut one = None;
    let mut values = Vec::with_capacity(any.len());
    for filter in any {
        let AuditFilter::Field(field, AuditTest::Is(value)) = filter else {
            return None;
        };
        if *one.get_or_insert(*field) != *field {
            return None;
        }
        values.push(&**value);
    }
    Some((one?, values))
}

/// Returns the first microsecond that is not before a moment: what is kept has no finer digits.
pub(super) fn micros(at: Timestamp) -> i64 {
    let micros = at.as_microsecond();
    let is_cut = i128::from(micros) * 1_000 < at.as_nanosecond();
    micros + i64::from(is_cut)
}

fn unknown() -> Error {
    let message = "this store does not know such a filter of the record";
    Error::new(ErrorKind::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_compared_by_the_microsecond_that_comes_next() {
        for (nanos, expected) in [
            (0, 0),
            (1, 1),
            (999, 1),
            (1_000, 1),
            (1_001, 2),
            (-1, 0),
            (-1_000, -1),
            (-1_001, -1),
        ] {
            let at = Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(micros(at), expected, "{nanos}");
        }
    }

    #[test]
    fn values_of_one_field_come_as_one_list() {
        let is = |field, value: &str| AuditFilter::is(field, value);
        let (a, b) = (is(AuditField::ActorId, "a"), is(AuditField::ActorId, "b"));

        assert_eq!(
            of_one_field(&[a.clone(), b]),
            Some((AuditField::ActorId, vec!["a", "b"]))
        );
        assert_eq!(of_one_field(&[a, is(AuditField::Role, "b")]), None);
        assert_eq!(of_one_field(&[]), None);
    }

    #[test]
    fn many_conditions_are_not_deep() {
        let mut sql = Sql::default();
        let tail = Tail::default();
        let mut writer = Writer {
            dialect: Dialect::Sqlite,
            manner: Manner::List,
            settled: None,
            sql: &mut sql,
            tail: &tail,
        };
        let all = (0..5_000).map(AuditFilter::AtLeast).collect();

        writer.filter(&AuditFilter::All(all), false).unwrap();

        let depth = sql.text.chars().scan(0, |depth, char| {
            *depth += i32::from(char == '(') - i32::from(char == ')');
            Some(*depth)
        });
        assert!(depth.max().unwrap() < 20);
        assert_eq!(sql.params.len(), 5_000);
    }
}
