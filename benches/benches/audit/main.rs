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

fn main() {
    let is_quick = std::env::args().any(|it| it == "--quick");
    let (written, read) = if is_quick {
        (20_000, 50_000)
    } else {
        (100_000, 1_000_000)
    };
    let runtime = Runtime::new().unwrap();
    let mut figures = Figures::new();
    eprintln!("spool");
    runtime.block_on(spool::measure(
        if is_quick { 300 } else { 3_000 },
        &mut figures,
    ));
    eprintln!("sqlite ingest");
    runtime.block_on(ingest::measure(written, &mut figures));
    eprintln!("postgres ingest");
    runtime.block_on(postgres::measure(written, &mut figures));
    eprintln!("sqlite reads");
    runtime.block_on(reads::sqlite(read, &mut figures));
    eprintln!("postgres reads");
    runtime.block_on(reads::postgres(read, &mut figures));
    println!("{}", serde_json::to_string(&figures).unwrap());
}

/// Returns the value below which so many of a hundred lie.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
