//! Texts of statements in the dialect of PostgreSQL.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Texts that are kept prepared on each connection. There are about a hundred with no list in them; lists make
/// others, without a bound of their own.
pub(crate) const KEPT: usize = 256;

/// The same for searches: each filter makes another text, and those that many ask for come first.
pub(crate) const SEARCHES: usize = 128;

/// A text that is ready for the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Text {
    /// Is asked often: connections keep it prepared.
    Kept(Arc<str>),
    /// Came when there were enough.
    Passing(String),
}

/// What was translated already.
#[derive(Debug)]
pub(crate) struct Texts {
    kept: RwLock<HashMap<Box<str>, Arc<str>>>,
    most: usize,
}

impl Texts {
    /// Keeps at most so many.
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            kept: RwLock::default(),
            most,
        }
    }

    /// Translates a text, or finds it translated.
    pub(crate) fn get(&self, sql: &str) -> Text {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = kept.get(sql) {
            return Text::Kept(Arc::clone(text));
        }
        drop(kept);
        let text = translate(sql);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            return Text::Passing(text);
        }
        let text = kept.entry(sql.into()).or_insert_with(|| text.into());
        Text::Kept(Arc::clone(text))
    }
}

/// Writes `$1` for `?1`, but not between quotes, and takes lists that come as one text apart in the way of the server.
fn translate(sql: &str) -> String {
    let mut text = numbered(sql);
    // Only a parameter or a column ever stands between these brackets.
    while let Some((before, after)) = text.split_once("json_each(")
        && let Some((list, rest)) = after.split_once(')')
    {
        text = format!("{before}json_array_elements_text({list}::text::json){rest}");
    }
    text
}

fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut is_quoted = false;
    let mut chars = sql.chars().peekable();
    while let Some(char) = chars.next() {
        is_quoted ^= char == '\'';
        let is_parameter =
            char == '?' && !is_quoted && chars.peek().is_some_and(char::is_ascii_digit);
        text.push(if is_parameter { '$' } else { char });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_translated_and_texts_are_not() {
        assert_eq!(
            translate(
                "SELECT a FROM t WHERE b = ?1 AND c LIKE ?12 ESCAPE '?1' AND d = 'it''s ?2' OR e = ?3"
            ),
            "SELECT a FROM t WHERE b = $1 AND c LIKE $12 ESCAPE '?1' AND d = 'it''s ?2' OR e = $3"
        );
    }

    #[test]
    fn lists_are_taken_apart_by_the_server() {
        assert_eq!(
            translate(
                "SELECT a FROM t WHERE b IN (SELECT value FROM json_each(?1)) \
                 AND c NOT IN (SELECT value FROM json_each(?2)) LIMIT ?3"
            ),
            "SELECT a FROM t WHERE b IN (SELECT value FROM json_array_elements_text($1::text::json)) \
             AND c NOT IN (SELECT value FROM json_array_elements_text($2::text::json)) LIMIT $3"
        );
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let texts = Texts::up_to(KEPT);
        for number in 0..KEPT {
            assert!(matches!(
                texts.get(&format!("SELECT {number}")),
                Text::Kept(_)
            ));
        }

        assert_eq!(texts.get("SELECT ?1"), Text::Passing("SELECT $1".into()));
        assert_eq!(texts.get("SELECT 0"), Text::Kept("SELECT 0".into()));
    }
}
