//! The audit record: how fast it takes events, finds them, copies and verifies them, beside what does the same work and
//! nothing else. Prints its figures as one object of JSON; a line a part on standard error.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures, and panics when it cannot"
)]

mod events;
mod ingest;
mod postgres;
mod reads;
mod spool;

use std::collections::BTreeMap;

use tokio::runtime::Runtime;

/// Figures by their names.
type Figures = BTreeMap<String, f64>;

/// The log of all events.
const LOG: &str = "default";
/// Events of one transaction.
const TOGETHER: usize = 512;

/// Parts that are measured, by the names that may be given; without any, all are.
const PARTS: [&str; 5] = [
    "spool",
    "sqlite-ingest",
    "postgres-ingest",
    "sqlite-reads",
    "postgres-reads",
];

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = given.iter().any(|it| it == "--quick");
    let is_all = !given.iter().any(|it| PARTS.contains(&&**it));
    let (written, read) = if is_quick {
        (20_000, 50_000)
    } else {
        (100_000, 1_000_000)
    };
    let runtime = Runtime::new().unwrap();
    let mut figures = Figures::new();
    for part in PARTS {
        if !is_all && !given.iter().any(|it| it == part) {
            continue;
        }
        eprintln!("{part}");
        runtime.block_on(async {
            match part {
                "spool" => {
                    spool::measure(if is_quick { 300 } else { 3_000 }, &mut figures).await;
                }
                "sqlite-ingest" => ingest::measure(written, &mut figures).await,
                "postgres-ingest" => postgres::measure(written, &mut figures).await,
                "sqlite-reads" => reads::sqlite(read, &mut figures).await,
                _ => reads::postgres(read, &mut figures).await,
            }
        });
    }
    println!("{}", serde_json::to_string(&figures).unwrap());
}

/// Returns the value below which so many of a hundred lie.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
