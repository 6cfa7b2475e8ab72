//! The words that there are in the index of SQLite.

use ee_core::Error;

use super::words::{cut, quoted};
use crate::{Database, SqlStore, Statement, store::column};

/// Most words that are asked for in the place of one beginning.
const MOST: usize = 32;

/// Most beginnings that are looked up.
const BEGINNINGS: usize = 8;

/// One after the other: each word stands there once for every event.
const KNOWN: &str = "WITH RECURSIVE known (term) AS (\
    SELECT (SELECT term FROM ee_audit_words_known WHERE term >= ?1 AND term < ?2 \
    ORDER BY term LIMIT 1) \
    UNION ALL SELECT (SELECT term FROM ee_audit_words_known \
    WHERE term >= known.term || char(1) AND term < ?2 ORDER BY term LIMIT 1) \
    FROM known WHERE known.term IS NOT NULL) \
    SELECT term FROM known WHERE term IS NOT NULL LIMIT ?3";

impl<D: Database> SqlStore<D> {
    /// Writes the question for words with the whole words that there are in the place of beginnings, where these are few:
    /// the index goes through the events of whole words in their order.
    pub(super) async fn in_whole_words(&self, words: &[String]) -> Result<String, Error> {
        let mut question = String::new();
        let words = words.iter().filter(|word| !word.is_empty());
        for (at, word) in words.enumerate() {
            let known = if at < BEGINNINGS {
                self.known(&cut(word)).await?
            } else {
                Vec::new()
            };
            if at > 0 {
                question.push_str(" AND ");
            }
            if known.is_empty() || known.len() > MOST {
                question.push_str(&quoted(&cut(word)));
                question.push_str(" *");
                continue;
            }
            let known: Vec<String> = known.iter().map(|word| quoted(word)).collect();
            question.extend(["(", &known.join(" OR "), ")"]);
        }
        Ok(question)
    }

    /// Returns a few of the words that begin so, one more than would be asked for.
    async fn known(&self, beginning: &str) -> Result<Vec<String>, Error> {
        let query = Statement::new(KNOWN)
            .bind(beginning)
            // No letter and no digit comes behind this one.
            .bind(format!("{beginning}{}", char::MAX))
            .bind(MOST as u64 + 1);
        self.few("look for words", query, column).await
    }
}
