//! Colour, under the rules that Cargo itself follows.

use std::{io::IsTerminal, sync::OnceLock, time::Duration};

/// Returns `text` in bold, where colour is wanted.
pub(crate) fn bold(text: &str) -> String {
    paint("1", text)
}

/// Returns `text` in green, where colour is wanted.
pub(crate) fn green(text: &str) -> String {
    paint("1;32", text)
}

/// Returns `text` in red, where colour is wanted.
pub(crate) fn red(text: &str) -> String {
    paint("1;31", text)
}

/// Returns `text` in yellow, where colour is wanted.
pub(crate) fn yellow(text: &str) -> String {
    paint("1;33", text)
}

/// Writes a duration as a person reads it: `0.4 s`, `12.3 s`, `3 m 05 s`.
pub(crate) fn seconds(elapsed: Duration) -> String {
    if elapsed.as_secs() < 60 {
        format!("{:.1} s", elapsed.as_secs_f64())
    } else {
        format!(
            "{} m {:02} s",
            elapsed.as_secs() / 60,
            elapsed.as_secs() % 60
        )
    }
}

fn paint(code: &str, text: &str) -> String {
    if wants_colour() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "colour follows the variables that Cargo and its tools obey"
)]
fn wants_colour() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();

    *WANTED.get_or_init(|| match std::env::var("CARGO_TERM_COLOR").as_deref() {
        Ok("always") => true,
        Ok("never") => false,
        _ => std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 m 05 s");
    }
}
