//! Counts by time, as a plot of letters.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use ee::{AuditOutcome, storage::AuditBucket};
use jiff::Timestamp;
use serde::Serialize;

/// Widths of the parts, in seconds: minutes, hours, days, a week, a month, a year.
const STEPS: [u32; 11] = [
    60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000,
];
/// Seconds of a day.
const DAY: u32 = 86_400;
/// About so many parts are shown.
const ROWS: i64 = 30;
/// How long the longest bar is.
const WIDTH: u64 = 40;

/// Returns how wide the parts between the two moments are.
pub(super) fn step(first: Timestamp, last: Timestamp) -> u32 {
    let span = last.as_second().saturating_sub(first.as_second());
    let fits = |step: &u32| span / i64::from(*step) < ROWS;
    let [.., widest] = STEPS;
    STEPS.into_iter().find(fits).unwrap_or(widest)
}

/// Counts by time. Parts without an event are there, too: silence is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plot {
    interval_seconds: u32,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    start: Timestamp,
    count: u64,
    by_outcome: BTreeMap<String, u64>,
}

impl Plot {
    pub(super) fn new(
        seconds: u32,
        first: Timestamp,
        last: Timestamp,
        buckets: Vec<AuditBucket>,
    ) -> Self {
        let step = i64::from(seconds);
        let part_of = |at: Timestamp| at.as_second().div_euclid(step);
        let mut counts: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
        for part in part_of(first)..=part_of(last) {
            counts.insert(part, BTreeMap::new());
        }
        for bucket in buckets {
            let part = counts.entry(part_of(bucket.start)).or_default();
            *part.entry(bucket.value).or_default() += bucket.count;
        }
        let parts = counts.into_iter().filter_map(|(part, by_outcome)| {
            Some(Part {
                start: Timestamp::from_second(part.checked_mul(step)?).ok()?,
                count: by_outcome.values().sum(),
                by_outcome,
            })
        });
        Self {
            interval_seconds: seconds,
            parts: parts.collect(),
        }
    }
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.parts.iter().map(|part| part.count).max().unwrap_or(0);
        let digits = most.to_string().len();
        let format = if self.interval_seconds < DAY {
            "%Y-%m-%dT%H:%MZ"
        } else {
            "%Y-%m-%d"
        };
        for part in &self.parts {
            let start = part.start.strftime(format);
            let count = part.count;
            let success = part.outcome(AuditOutcome::Success);
            let full = length(count, most);
            let plain = length(success, most).min(full);
            let bar = "█".repeat(plain) + &"▒".repeat(full - plain);
            let mut line = format!("{start}  {count:>digits$}  {bar}");
            for outcome in [AuditOutcome::Denied, AuditOutcome::Failure] {
                match part.outcome(outcome) {
                    0 => {}
                    count => write!(line, "  {count} {}", outcome.as_str())?,
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Part {
    fn outcome(&self, outcome: AuditOutcome) -> u64 {
        self.by_outcome.get(outcome.as_str()).copied().unwrap_or(0)
    }
}

/// Returns how long a bar is. Whatever there is of something is seen.
fn length(count: u64, most: u64) -> usize {
    let length = (u128::from(count) * u128::from(WIDTH)).div_ceil(u128::from(most.max(1)));
    usize::try_from(length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn bucket(start: &str, value: &str, count: u64) -> AuditBucket {
        AuditBucket {
            start: at(start),
            count,
            value: value.to_owned(),
        }
    }

    #[test]
    fn parts_are_few_and_silence_is_shown() {
        let (first, last) = (at("2026-01-01T00:00:30Z"), at("2026-01-01T00:03:10Z"));
        assert_eq!(step(first, last), 60);
        let buckets = vec![
            bucket("2026-01-01T00:00:00Z", "success", 80),
            bucket("2026-01-01T00:03:00Z", "denied", 1),
            bucket("2026-01-01T00:03:00Z", "success", 19),
        ];

        let plot = Plot::new(60, first, last, buckets).to_string();

        let expected = [
            format!("2026-01-01T00:00Z  80  {}", "█".repeat(40)),
            "2026-01-01T00:01Z   0".to_owned(),
            "2026-01-01T00:02Z   0".to_owned(),
            format!("2026-01-01T00:03Z  20  {}  1 denied", "█".repeat(10)),
        ];
        assert_eq!(plot.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_single_refusal_among_many_is_seen_as_soon_as_it_is_a_fortieth() {
        let bar = |denied: u64| {
            let start = "2026-01-01T00:00:00Z";
            let parts = vec![
                bucket(start, "denied", denied),
                bucket(start, "success", 40 - denied),
            ];
            Plot::new(60, at(start), at(start), parts).to_string()
        };

        assert!(bar(1).contains("█▒  1 denied"), "{}", bar(1));
        assert!(bar(40).contains("  ▒▒"), "{}", bar(40));
    }

    #[test]
    fn any_time_has_a_step() {
        let (first, last) = (at("0001-01-01T00:00:00Z"), at("9998-01-01T00:00:00Z"));
        assert_eq!(step(first, last), 31_536_000);
        assert_eq!(step(first, first), 60);
        assert_eq!(
            step(at("2026-01-01T00:00:00Z"), at("2026-01-31T00:00:00Z")),
            604_800
        );
        assert!(Plot::new(31_536_000, first, last, Vec::new()).parts.len() < 10_100);
    }
}
