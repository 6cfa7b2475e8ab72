//! `mastra-ee audit stats`.

mod plot;

use anyhow::Result;
use ee::{AuditField, AuditFilter, AuditQuery, storage::AuditSpans};
use jiff::Timestamp;
use serde::Serialize;

use self::plot::{Plot, step};
use super::{keeper::Keeper, search};
use crate::{admin::output::Table, args::StatsArgs};

/// Most values that are listed.
const MOST_VALUES: u32 = 20;
/// More outcomes than there are.
const OUTCOMES: u32 = 10;

/// What was counted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// All events.
    count: u64,
    by: &'static str,
    /// The values that occur most.
    values: Vec<Value>,
    /// Events that have another value, or none.
    others: u64,
    /// `None` without any event.
    histogram: Option<Plot>,
}

#[derive(Debug, Serialize)]
struct Value {
    value: String,
    count: u64,
}

pub(super) async fn run(keeper: &Keeper, args: &StatsArgs) -> Result<()> {
    let filter = search::search(&args.wanted, keeper.clock.now())?.filter;
    let field = args.by.field();
    let by_outcome = keeper
        .search()
        .facet(&filter, AuditField::Outcome, OUTCOMES);
    let count = by_outcome.await?.iter().map(|(_, count)| count).sum();
    let values = keeper.search().facet(&filter, field, MOST_VALUES).await?;
    let listed: u64 = values.iter().map(|(_, count)| count).sum();
    let stats = Stats {
        count,
        by: field.as_str(),
        others: count.saturating_sub(listed),
        values: values
            .into_iter()
            .map(|(value, count)| Value { value, count })
            .collect(),
        histogram: histogram(keeper, &filter).await?,
    };
    let asked = args.wanted.filter.as_deref().unwrap_or_default();
    keeper.record_reading("stats", asked).await?;
    keeper.show(&stats, text)
}

/// Counts by time, from the first event to the last.
async fn histogram(keeper: &Keeper, filter: &AuditFilter) -> Result<Option<Plot>> {
    let last = AuditQuery::newest(filter.clone(), 1);
    let first = AuditQuery {
        is_ascending: true,
        ..last.clone()
    };
    let (Some(first), Some(last)) = (at(keeper, &first).await?, at(keeper, &last).await?) else {
        return Ok(None);
    };
    let seconds = step(first, last);
    let search = keeper.search();
    let parts = search
        .histogram(filter, AuditField::Outcome, AuditSpans::of(seconds))
        .await?;
    Ok(Some(Plot::new(seconds, first, last, parts)))
}

async fn at(keeper: &Keeper, query: &AuditQuery) -> Result<Option<Timestamp>> {
    let found = keeper.search().search(query).await?;
    Ok(found.first().map(|entry| entry.record.event.timestamp))
}

fn text(stats: &Stats) -> String {
    let Stats { count, by, .. } = stats;
    let share = |part: u64| format!("{:.1} %", percent(part, *count));
    let row = |name: &str, part: u64| [name.to_owned(), part.to_string(), share(part)];
    let rows = stats.values.iter().map(|it| row(&it.value, it.count));
    let others = (stats.others > 0).then(|| row("(others)", stats.others));
    let by = by.to_uppercase();
    let table = Table::new([by.as_str(), "COUNT", "SHARE"], rows.chain(others));
    let plot = stats.histogram.as_ref().map(ToString::to_string);
    format!("{count} events\n\n{table}\n{}", plot.unwrap_or_default())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_share_and_the_rest_is_told() {
        let stats = Stats {
            count: 8,
            by: "actorId",
            values: vec![Value {
                value: "ada\u{1b}".to_owned(),
                count: 7,
            }],
            others: 1,
            histogram: None,
        };

        assert_eq!(
            text(&stats),
            "8 events\n\nACTORID    COUNT  SHARE\nada\\u{1b}  7      87.5 %\n(others)   1      12.5 %\n\n"
        );
    }
}
