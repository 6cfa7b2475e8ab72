//! What is wrong with a configuration file, where, and what was probably meant.

use std::{ops::Range, path::Path};

use anyhow::{Error, anyhow};

/// Describes an error of the parser: file, line, column, what, and the nearest known name.
pub(super) fn describe(file: &Path, text: &str, err: &toml::de::Error) -> Error {
    let place = err
        .span()
        .map(|span| place(text, &span))
        .unwrap_or_default();
    let message = err.message().trim_end_matches('\n');
    let hint = nearest(message)
        .map(|name| format!("\n  did you mean `{name}`?"))
        .unwrap_or_default();
    anyhow!("{}{place}: {message}{hint}", file.display())
}

fn place(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |rest| rest.chars().count())
        + 1;
    format!(":{line}:{column}")
}

/// Finds the known name that is most like the unknown one in a message of the form
/// ``unknown field `a`, expected one of `b`, `c` ``.
fn nearest(message: &str) -> Option<String> {
    if !message.contains("unknown") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    names
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(2))
        .min()
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_its_place_and_the_nearest_one() {
        let text = "environment = \"production\"\nlisten_on = \"x\"\n";

        let err = toml::from_str::<crate::config::Config>(text).unwrap_err();
        let message = describe(Path::new("a.toml"), text, &err).to_string();

        assert!(
            message.starts_with("a.toml:2:1: unknown field `listen_on`"),
            "{message}"
        );
        assert!(message.ends_with("did you mean `listen`?"), "{message}");
    }

    #[test]
    fn a_name_that_is_like_none_gets_no_suggestion() {
        assert_eq!(
            nearest("unknown field `zzzzzzzzzz`, expected one of `data`, `auth`"),
            None
        );
    }
}
