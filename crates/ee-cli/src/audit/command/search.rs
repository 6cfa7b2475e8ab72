//! Reads which events are wanted, and points at what cannot be read.

use std::fmt;

use anyhow::Result;
use ee::{
    AuditFilter,
    audit::query::{Context, GrammarError, Search, parse},
};
use jiff::Timestamp;

use crate::{admin::output::plain, args::Wanted};

/// How much of a line is shown before, at and behind what is wrong.
const BEFORE: usize = 40;
const WRONG: usize = 40;
const BEHIND: usize = 20;

/// A line of the grammar that cannot be read, with the place below it.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Unreadable {
    fn new(line: &str, err: &GrammarError) -> Self {
        let part = |from, to| line.get(from..to).unwrap_or_default();
        let before = plain(part(0, err.start));
        let wrong = plain(part(err.start, err.end));
        let behind = plain(part(err.end, line.len()));
        let cut = before.chars().count().saturating_sub(BEFORE);
        let before: String = before.chars().skip(cut).collect();
        let wrong: String = wrong.chars().take(WRONG).collect();
        let behind: String = behind.chars().take(BEHIND).collect();
        let space = " ".repeat(before.chars().count());
        let marks = "^".repeat(wrong.chars().count().max(1));
        let message = plain(&err.message);
        Self(format!(
            "{message}\n\n  {before}{wrong}{behind}\n  {space}{marks}"
        ))
    }
}

/// Reads a line of the grammar. Without one, everything fits.
pub(super) fn filter(line: Option<&str>, now: Timestamp) -> Result<AuditFilter> {
    let line = line.unwrap_or_default();
    Ok(parse(line, &Context::new(now)).map_err(|err| Unreadable::new(line, &err))?)
}

/// Returns the parameters that say which events are wanted, once the line of the grammar was read.
pub(super) fn pairs(wanted: &Wanted, now: Timestamp) -> Result<Vec<(String, String)>> {
    filter(wanted.filter.as_deref(), now)?;
    let pairs = [
        ("filter", wanted.filter.as_deref()),
        ("from", wanted.from.as_deref()),
        ("to", wanted.to.as_deref()),
    ];
    let given = pairs.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|value| !value.trim().is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(given.collect())
}

/// Reads a search. Acts that are only about to be done are left out unless the line says something of them.
pub(super) fn search(wanted: &Wanted, now: Timestamp) -> Result<Search> {
    Ok(Search::read(&pairs(wanted, now)?, &Context::new(now))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-09-15T12:00:00Z".parse().unwrap()
    }

    fn refused(line: &str) -> String {
        let err = filter(Some(line), now()).unwrap_err();
        assert!(err.is::<Unreadable>());
        err.to_string()
    }

    #[test]
    fn an_error_points_at_the_word() {
        assert_eq!(
            refused("action:agents.* outcme:denied ada"),
            "`outcme` is no key; did you mean `outcome`?\n\n  \
             action:agents.* outcme:denied ada\n  \
             \u{20}               ^^^^^^"
        );
        assert_eq!(
            refused("(outcome:denied"),
            "this bracket is never closed\n\n  (outcome:denied\n  ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_and_steers_nothing() {
        let line = format!("{} x\u{1b}y:1 {}", "a ".repeat(50), "b ".repeat(50));
        let said = refused(&line);

        assert!(
            said.lines().all(|line| line.chars().count() < 120),
            "{said}"
        );
        assert!(!said.contains('\u{1b}'), "{said:?}");
        let lines: Vec<&str> = said.lines().collect();
        let at = lines[3].find('^').unwrap();
        assert!(lines[2][at..].starts_with("x\\u{1b}y"), "{said}");
    }

    #[test]
    fn a_wrong_time_names_its_flag_and_nothing_asks_for_everything() {
        let mut wanted = Wanted::default();
        assert_eq!(pairs(&wanted, now()).unwrap(), []);
        wanted.filter = Some("  ".to_owned());
        assert_eq!(pairs(&wanted, now()).unwrap(), []);

        wanted.from = Some("yesterday".to_owned());

        let err = search(&wanted, now()).unwrap_err();
        assert!(err.to_string().contains("`from`"), "{err}");
    }
}
