//! A bar that grows while somebody watches.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// How often the bar is drawn anew.
const EVERY: Duration = Duration::from_millis(100);

const WIDTH: u64 = 24;

/// Tells on standard error, when that is a terminal, how far something is. The line is left as it was found.
#[derive(Debug)]
pub(crate) struct Bar {
    drawn: Option<(Instant, &'static str)>,
    is_watched: bool,
}

impl Bar {
    pub(crate) fn new() -> Self {
        Self {
            drawn: None,
            is_watched: io::stderr().is_terminal(),
        }
    }

    /// Draws how much of `total` is done of what `verb` says, and what is being worked on.
    pub(crate) fn show(&mut self, verb: &'static str, done: u64, total: u64, what: &str) {
        let is_recent = self
            .drawn
            .is_some_and(|(at, drawn)| drawn == verb && at.elapsed() < EVERY);
        if self.is_watched && !is_recent {
            self.drawn = Some((Instant::now(), verb));
            write(&format!("\r\u{1b}[2K  {}", line(verb, done, total, what)));
        }
    }

    pub(crate) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            write("\r\u{1b}[2K");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(verb: &str, done: u64, total: u64, what: &str) -> String {
    let filled = part(done, total, WIDTH);
    let bar: String = (0..WIDTH)
        .map(|it| if it < filled { '█' } else { '░' })
        .collect();
    format!("{verb:<9} {bar} {:>3} %  {what}", part(done, total, 100))
}

/// Returns how much of `whole` is done; all of it when there is nothing to do.
fn part(done: u64, total: u64, whole: u64) -> u64 {
    let done = u128::from(done.min(total)) * u128::from(whole);
    let part = done.checked_div(u128::from(total));
    part.and_then(|part| u64::try_from(part).ok())
        .unwrap_or(whole)
}

fn write(text: &str) {
    // Nobody is left to tell when standard error is closed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_a_narrow_terminal_and_is_full_in_the_end() {
        assert_eq!(part(0, 0, WIDTH), WIDTH);
        assert_eq!(part(0, 10, WIDTH), 0);
        assert_eq!(part(9, 10, 100), 90);
        assert_eq!(part(12, 10, 100), 100);
        assert_eq!(part(u64::MAX, u64::MAX, 100), 100);
        let longest = ee::sql::copy::TABLES
            .iter()
            .map(|table| table.name.len())
            .max();
        let line = line("comparing", 1, 2, &"x".repeat(longest.unwrap()));
        assert!(line.chars().count() < 78, "{line}");
    }
}
