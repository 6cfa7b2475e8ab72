//! The table.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    /// The same of the bare server.
    pub(crate) bare: Option<f64>,
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

/// How the figure stands to that of the bare server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Beside {
    /// Micros more.
    Over(f64),
    /// So many times as much.
    Ratio(f64),
}

/// What is wanted: of what stands beside the bare server if anything does, else of the figure.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    /// Tells whether the aim was reached, if there is one.
    pub(crate) fn reached(&self) -> Option<bool> {
        let judged = match self.beside {
            Some(Beside::Over(value) | Beside::Ratio(value)) => value,
            None => self.value,
        };
        self.aim.map(|aim| match aim {
            Aim::AtLeast(limit) => judged >= limit,
            Aim::AtMost(limit) => judged <= limit,
        })
    }

    fn cells(&self) -> [String; 6] {
        let aim = self.aim.map(|aim| match (aim, self.beside) {
            (Aim::AtLeast(limit), Some(Beside::Ratio(_))) => format!("≥ {limit}"),
            (Aim::AtMost(limit), Some(Beside::Ratio(_))) => format!("≤ {limit}"),
            (Aim::AtLeast(limit), _) => format!("≥ {}", Figure(limit, self.unit)),
            (Aim::AtMost(limit), _) => format!("≤ {}", Figure(limit, self.unit)),
        });
        let beside = self.beside.map(|beside| match beside {
            Beside::Over(more) => format!("{more:+.1} µs"),
            Beside::Ratio(ratio) => format!("{ratio:.2}"),
        });
        let reached = self.reached().map(|yes| if yes { "yes" } else { "no" });
        [
            self.name.clone(),
            Figure(self.value, self.unit).to_string(),
            self.bare
                .map_or_else(String::new, |bare| Figure(bare, self.unit).to_string()),
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

/// Writes the rows as Markdown that is a table for the eye too.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let head = [
        "Measured",
        "Figure",
        "Bare axum",
        "Beside it",
        "Aim",
        "Reached",
    ];
    let lines: Vec<[String; 6]> = std::iter::once(head.map(str::to_owned))
        .chain(rows.iter().map(Row::cells))
        .collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let mut first = true;
        for (cell, &width) in line.iter().zip(&widths) {
            let _ = if std::mem::take(&mut first) {
                write!(text, "| {cell:width$} |")
            } else {
                write!(text, " {cell:>width$} |")
            };
        }
        text.push('\n');
        if at == 0 {
            let mut first = true;
            for &width in &widths {
                let dashes = "-".repeat(width);
                let _ = if std::mem::take(&mut first) {
                    write!(text, "| {dashes} |")
                } else {
                    write!(text, " {dashes}:|")
                };
            }
            text.push('\n');
        }
    }
    text
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
            id: String::new(),
            name: "a".to_owned(),
            value,
            unit,
            bare: beside.map(|_| 7.0),
            beside,
            aim: Some(aim),
        }
    }

    #[test]
    fn an_aim_judges_what_stands_beside_the_bare_server() {
        let slower = row(8.0, Unit::Micros, Some(Beside::Over(1.0)), Aim::AtMost(1.5));
        let rate = row(
            8.0,
            Unit::PerSecond,
            Some(Beside::Ratio(0.8)),
            Aim::AtLeast(0.83),
        );
        let alone = row(8.0, Unit::Nanos, None, Aim::AtMost(8.0));

        assert_eq!(slower.reached(), Some(true));
        assert_eq!(rate.reached(), Some(false));
        assert_eq!(alone.reached(), Some(true));
    }

    #[test]
    fn the_table_is_markdown() {
        let table = markdown(&[row(8.0, Unit::Nanos, None, Aim::AtMost(20.0))]);

        assert_eq!(
            table,
            "| Measured | Figure | Bare axum | Beside it |       Aim | Reached |\n\
             | -------- | ------:| ---------:| ---------:| ---------:| -------:|\n\
             | a        | 8.0 ns |           |           | ≤ 20.0 ns |     yes |\n"
        );
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median([]).is_nan());
    }
}
