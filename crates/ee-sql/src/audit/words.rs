//! The words of events, as the databases look for them.

use std::borrow::Cow;

use crate::{Dialect, Rows, Statement, Value};

/// Most bytes of a word that are looked at: PostgreSQL has a bound of its own.
const BYTES: usize = 512;

/// What words are looked for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Sought {
    /// Every event has them: there are none.
    Everything,
    /// What the index is asked.
    Index(String),
    /// No event has them.
    Nothing,
}

impl Sought {
    /// Writes the question to an index. Words that events have are runs of letters and digits in lower case.
    pub(super) fn new(words: &[String], dialect: Dialect) -> Self {
        let mut question = String::new();
        for word in words.iter().filter(|word| !word.is_empty()) {
            let is_plain = |c: char| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit();
            if !word.chars().all(is_plain) {
                return Self::Nothing;
            }
            let word = cut(word);
            // A word within quotes is no operator, and none has a quote.
            let (join, sought) = match dialect {
                Dialect::Postgres => (" & ", format!("'{word}':*")),
                Dialect::Sqlite => (" AND ", format!("{} *", quoted(&word))),
            };
            if !question.is_empty() {
                question.push_str(join);
            }
            question.push_str(&sought);
        }
        if question.is_empty() {
            Self::Everything
        } else {
            Self::Index(question)
        }
    }
}

/// How it is seen whether an event has words.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Manner {
    /// The index lists all that have.
    #[default]
    List,
    /// The words of each event are looked at: quicker when many have them.
    Probe,
}

impl Manner {
    /// Writes the condition that the index finds an event for a parameter.
    pub(super) fn found(self, dialect: Dialect, question: &str) -> String {
        match (self, dialect) {
            // In this form, PostgreSQL does not make a list of all.
            (Self::Probe, Dialect::Postgres) => format!(
                "coalesce((SELECT words @@ CAST(CAST({question} AS TEXT) AS TSQUERY) \
                 FROM ee_audit_words WHERE number = e.number), FALSE)"
            ),
            // SQLite would list all that have words that begin so for each event again.
            (Self::List, _) | (Self::Probe, Dialect::Sqlite) => {
                format!("e.number IN ({})", numbers(dialect, question))
            }
        }
    }
}

/// Selects the numbers of the events that the index finds for a parameter.
pub(super) fn numbers(dialect: Dialect, question: &str) -> String {
    match dialect {
        Dialect::Postgres => format!(
            "SELECT number FROM ee_audit_words \
             WHERE words @@ CAST(CAST({question} AS TEXT) AS TSQUERY)"
        ),
        Dialect::Sqlite => {
            format!("SELECT rowid FROM ee_audit_words WHERE ee_audit_words MATCH {question}")
        }
    }
}

/// What the index is given.
#[derive(Debug)]
pub(super) struct Indexed {
    dialect: Dialect,
    list: Vec<serde_json::Value>,
    rows: Rows,
}

impl Indexed {
    pub(super) const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            list: Vec::new(),
            rows: Rows::of("ee_audit_words", &["rowid", "words"]),
        }
    }

    /// Adds the words of an event.
    pub(super) fn add(&mut self, number: u64, words: &[String]) {
        match self.dialect {
            Dialect::Postgres => {
                let words: Vec<_> = words.iter().map(|word| cut(word)).collect();
                self.list.push(serde_json::json!([number, words]));
            }
            Dialect::Sqlite => {
                let words = joined(words);
                self.rows.values.extend([number.into(), words.into()]);
            }
        }
    }

    /// Returns the statements and the rows.
    pub(super) fn finish(self) -> (Option<Statement>, Rows) {
        let sql = "INSERT INTO ee_audit_words (number, words) \
            SELECT CAST(item ->> 0 AS BIGINT), \
            array_to_tsvector(ARRAY(SELECT json_array_elements_text(item -> 1))) \
            FROM json_array_elements(CAST(CAST(?1 AS TEXT) AS JSON)) AS item";
        let list = (!self.list.is_empty()).then(|| serde_json::Value::from(self.list).to_string());
        (list.map(|list| Statement::new(sql).bind(list)), self.rows)
    }
}

/// Removes the words of an event, which have to be those that were added.
pub(super) fn remove(dialect: Dialect, number: u64, words: &[String]) -> Statement {
    match dialect {
        Dialect::Postgres => {
            Statement::new("DELETE FROM ee_audit_words WHERE number = ?1").bind(number)
        }
        Dialect::Sqlite => Statement::new(
            "INSERT INTO ee_audit_words (ee_audit_words, rowid, words) VALUES ('delete', ?1, ?2)",
        )
        .bind(number)
        .bind(joined(words)),
    }
}

/// Counts up to so many events that the index finds.
pub(super) fn count(dialect: Dialect, question: String, most: u64) -> Statement {
    let numbers = numbers(dialect, "?1");
    let sql = format!("SELECT count(*) FROM ({numbers} LIMIT ?2) AS found");
    Statement::new(sql).bind(question).bind(Value::from(most))
}

fn joined(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| cut(word)).collect();
    words.join(" ")
}

/// Writes a word as one that is no operator to SQLite. No word has a quote.
pub(super) fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}

pub(super) fn cut(word: &str) -> Cow<'_, str> {
    let end = word.floor_char_boundary(BYTES);
    word.get(..end).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sought(words: &[&str], dialect: Dialect) -> Sought {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Sought::new(&words, dialect)
    }

    #[test]
    fn words_are_no_operators() {
        let words = ["or", "ärger", ""];
        assert_eq!(
            sought(&words, Dialect::Sqlite),
            Sought::Index("\"or\" * AND \"ärger\" *".to_owned())
        );
        assert_eq!(
            sought(&words, Dialect::Postgres),
            Sought::Index("'or':* & 'ärger':*".to_owned())
        );
    }

    #[test]
    fn what_is_no_word_is_found_nowhere() {
        for hostile in [
            "\"", "a\"b", "a'b", "a*", "Rate", "a b", "a\0", "(a", "a:b", "\\",
        ] {
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                assert_eq!(
                    sought(&["a", hostile], dialect),
                    Sought::Nothing,
                    "{hostile}"
                );
            }
        }
        assert_eq!(sought(&[], Dialect::Sqlite), Sought::Everything);
    }
}
