//! A bar that grows while somebody watches.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use ee::sql::copy::{Phase, Progress};

/// How often the bar is drawn anew.
const EVERY: Duration = Duration::from_millis(100);

const WIDTH: u64 = 24;

/// Tells on standard error, when that is a terminal, how far a copy is.
#[derive(Debug)]
pub(super) struct Bar {
    drawn: Option<(Instant, Phase)>,
    is_watched: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self {
            drawn: None,
            is_watched: io::stderr().is_terminal(),
        }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        let is_recent = self
            .drawn
            .is_some_and(|(at, phase)| phase == progress.phase && at.elapsed() < EVERY);
        if self.is_watched && !is_recent {
            self.drawn = Some((Instant::now(), progress.phase));
            let Progress {
                done,
                phase,
                table,
                total,
                ..
            } = progress;
            write(&format!("\r\u{1b}[2K  {}", line(phase, done, total, table)));
        }
    }

    /// Leaves the line as it was found.
    pub(super) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            write("\r\u{1b}[2K");
        }
    }
}

fn line(phase: Phase, done: u64, total: u64, table: &str) -> String {
    let verb = match phase {
        Phase::Copy => "copying",
        _ => "comparing",
    };
    let filled = part(done, total, WIDTH);
    let bar: String = (0..WIDTH)
        .map(|it| if it < filled { '█' } else { '░' })
        .collect();
    format!("{verb:<9} {bar} {:>3} %  {table}", part(done, total, 100))
}

/// Returns how much of `whole` is done; all of it when there is nothing to do.
fn part(done: u64, total: u64, whole: u64) -> u64 {
    (done.min(total) * whole)
        .checked_div(total)
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
        let longest = ee::sql::copy::TABLES
            .iter()
            .map(|table| table.name.len())
            .max();
        let line = line(Phase::Compare, 1, 2, &"x".repeat(longest.unwrap()));
        assert!(line.chars().count() < 78, "{line}");
    }
}
