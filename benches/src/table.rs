//! The table.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// Figures that belong together.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What the figures are compared with.
    pub(crate) peer: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    /// The same of what it is compared with.
    pub(crate) peer: Option<f64>,
    pub(crate) beside: Option<Beside>,
    pub(crate) aim: Option<Aim>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Unit {
    Mebibytes,
    Micros,
    Millis,
    Nanos,
    PerSecond,
}

/// How the figure stands to its peer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Beside {
    /// Micros more.
    Over(f64),
    /// So many times as much.
    Ratio(f64),
}

/// What is wanted: of what stands beside the peer if anything does, else of the figure.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// Of the figure, whatever stands beside the peer.
    FigureAtMost(f64),
}

impl Row {
    /// Describes a figure that nothing stands beside.
    pub(crate) fn alone(id: &str, name: &str, value: f64, unit: Unit, aim: Option<Aim>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            value,
            unit,
            peer: None,
            beside: None,
            aim,
        }
    }

    /// Sets a peer beside the figure, with how often the figure holds it.
    pub(crate) fn beside(mut self, peer: f64, ratio: f64) -> Self {
        self.peer = Some(peer);
        self.beside = Some(Beside::Ratio(ratio));
        self
    }

    /// Tells whether the aim was reached, if there is one.
    pub(crate) fn reached(&self) -> Option<bool> {
        let judged = match self.beside {
            Some(Beside::Over(value) | Beside::Ratio(value)) => value,
            None => self.value,
        };
        self.aim.map(|aim| match aim {
            Aim::AtLeast(limit) => judged >= limit,
            Aim::AtMost(limit) => judged <= limit,
            Aim::FigureAtMost(limit) => self.value <= limit,
        })
    }

    fn cells(&self) -> [String; COLUMNS] {
        let aim = self.aim.map(|aim| match (aim, self.beside) {
            (Aim::AtLeast(limit), Some(Beside::Ratio(_))) => format!("≥ {limit}"),
            (Aim::AtMost(limit), Some(Beside::Ratio(_))) => format!("≤ {limit}"),
            (Aim::AtLeast(limit), _) => format!("≥ {}", Figure(limit, self.unit)),
            (Aim::AtMost(limit) | Aim::FigureAtMost(limit), _) => {
                format!("≤ {}", Figure(limit, self.unit))
            }
        });
        let beside = self.beside.map(|beside| match beside {
            Beside::Over(more) => format!("{more:+.1} µs"),
            Beside::Ratio(ratio) => format!("{ratio:.2}"),
        });
        let reached = self.reached().map(|yes| if yes { "yes" } else { "no" });
        [
            self.name.clone(),
            Figure(self.value, self.unit).to_string(),
            self.peer
                .map_or_else(String::new, |peer| Figure(peer, self.unit).to_string()),
            beside.unwrap_or_default(),
            aim.unwrap_or_default(),
            reached.unwrap_or_default().to_owned(),
        ]
    }
}

/// A number with its unit, rounded to what it is worth.
struct Figure(f64, Unit);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.1 {
            Unit::Mebibytes => "MiB",
            Unit::Micros => "µs",
            Unit::Millis => "ms",
            Unit::Nanos => "ns",
            Unit::PerSecond => "/s",
        };
        let decimals = usize::from(self.0 < 100.0);
        write!(f, "{:.decimals$} {unit}", self.0)
    }
}

const COLUMNS: usize = 6;

/// Writes the sections as Markdown, each with a table.
pub(crate) fn markdown(sections: &[Section]) -> String {
    let written = sections.iter().map(|section| {
        let table = table(section.peer, &section.rows);
        format!("### {}\n\n{table}", section.title)
    });
    written.collect::<Vec<_>>().join("\n")
}

/// Writes a table that is one for the eye too. A column that no row has anything in is left out.
fn table(peer: &str, rows: &[Row]) -> String {
    let head = ["Measured", "Figure", peer, "Beside it", "Aim", "Reached"];
    let cells: Vec<[String; COLUMNS]> = rows.iter().map(Row::cells).collect();
    let width = |at: usize| {
        let used = cells.iter().filter_map(|line| line.get(at));
        let widest = used.map(|cell| cell.chars().count()).max();
        let named = head.get(at).map_or(0, |name| name.chars().count());
        widest
            .filter(|widest| *widest > 0)
            .map(|widest| widest.max(named))
    };
    let widths: Vec<Option<usize>> = (0..COLUMNS).map(width).collect();
    let mut text = line(&head, &widths);
    text.push_str(&rule(&widths));
    for row in &cells {
        text.push_str(&line(row, &widths));
    }
    text
}

fn line(cells: &[impl AsRef<str>], widths: &[Option<usize>]) -> String {
    let mut text = String::from("|");
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let (cell, Some(width)) = (cell.as_ref(), *width) else {
            continue;
        };
        let _ = if at == 0 {
            write!(text, " {cell:width$} |")
        } else {
            write!(text, " {cell:>width$} |")
        };
    }
    text + "\n"
}

/// Writes the line under the head: all columns but the first stand to the right.
fn rule(widths: &[Option<usize>]) -> String {
    let mut text = String::from("|");
    for (at, width) in widths.iter().enumerate() {
        let Some(width) = *width else {
            continue;
        };
        let (dashes, end) = ("-".repeat(width), if at == 0 { " " } else { ":" });
        let _ = write!(text, " {dashes}{end}|");
    }
    text + "\n"
}

/// Returns the middle one of the figures.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, unit: Unit, beside: Option<Beside>, aim: Aim) -> Row {
        Row {
            peer: beside.map(|_| 7.0),
            beside,
            ..Row::alone("", "a", value, unit, Some(aim))
        }
    }

    #[test]
    fn an_aim_judges_what_stands_beside_the_peer() {
        let slower = row(8.0, Unit::Micros, Some(Beside::Over(1.0)), Aim::AtMost(1.5));
        let rate = row(
            8.0,
            Unit::PerSecond,
            Some(Beside::Ratio(0.8)),
            Aim::AtLeast(0.83),
        );
        let alone = row(8.0, Unit::Nanos, None, Aim::AtMost(8.0));
        let figure = row(
            8.0,
            Unit::Nanos,
            Some(Beside::Ratio(0.8)),
            Aim::FigureAtMost(7.0),
        );

        assert_eq!(slower.reached(), Some(true));
        assert_eq!(rate.reached(), Some(false));
        assert_eq!(alone.reached(), Some(true));
        assert_eq!(figure.reached(), Some(false));
    }

    #[test]
    fn a_table_is_markdown_without_empty_columns() {
        let section = |row| Section {
            title: "Some",
            peer: "Bare",
            rows: vec![row],
        };
        let alone = section(row(8.0, Unit::Nanos, None, Aim::AtMost(20.0)));
        let ratio = Some(Beside::Ratio(0.8));
        let beside = section(row(8.0, Unit::PerSecond, ratio, Aim::AtLeast(0.83)));

        assert_eq!(
            markdown(&[alone, beside]),
            "### Some\n\n\
             | Measured | Figure |       Aim | Reached |\n\
             | -------- | ------:| ---------:| -------:|\n\
             | a        | 8.0 ns | ≤ 20.0 ns |     yes |\n\n\
             ### Some\n\n\
             | Measured | Figure |   Bare | Beside it |    Aim | Reached |\n\
             | -------- | ------:| ------:| ---------:| ------:| -------:|\n\
             | a        | 8.0 /s | 7.0 /s |      0.80 | ≥ 0.83 |      no |\n"
        );
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median([]).is_nan());
    }
}
