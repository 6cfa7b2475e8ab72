//! Lists of events by the time when they happened, and how many there are of what.

use std::{collections::BTreeMap, time::Duration};

use ee_audit::query::{Search, to_text};
use ee_core::{
    AuditField, AuditFilter, AuditPlace, AuditQuery, Error, ErrorKind,
    storage::{AuditCount, AuditEntry},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Asked,
    reader::Reading,
    scan::{self, Look},
    shown_all, zones,
};
use crate::{Cx, Op};

/// Longest time that a store may take for one answer.
const LONGEST: Duration = Duration::from_secs(5);
/// Longest time for all facets; those that are not counted by then are left out.
const FACETS_LONGEST: Duration = Duration::from_secs(2);
/// Most columns of a histogram.
const MOST_COLUMNS: i64 = 300;
/// Fields whose values are counted when nothing else is said.
const USUAL_FACETS: [AuditField; 5] = [
    AuditField::Action,
    AuditField::ActorId,
    AuditField::Outcome,
    AuditField::ResourceType,
    AuditField::Ip,
];
/// Most fields of one answer.
const MOST_FACETS: usize = AuditField::ALL.len();
/// What only lists have.
const OF_LISTS: [&str; 4] = ["count", "cursor", "limit", "order"];

/// One part of a list of events.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The events.
    pub events: Vec<Value>,
    /// Shows where the next part begins; absent after the last, which may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many fit in all, where they were counted: for the first part, unless the parameters say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<AuditCountView>,
}

/// How many events fit.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditCountView {
    /// As many were counted.
    pub counted: u64,
    /// Whether there are more.
    pub is_capped: bool,
}

impl From<AuditCount> for AuditCountView {
    fn from(count: AuditCount) -> Self {
        Self {
            counted: count.counted,
            is_capped: count.is_capped,
        }
    }
}

/// How many events there were when.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditHistogram {
    /// The columns that are not empty, in the order of time and of values.
    pub buckets: Vec<BucketView>,
    /// How many seconds each one stands for.
    pub interval_seconds: u32,
}

/// How many events with one value there were in one span of time.
#[derive(Debug, JsonSchema, Serialize)]
pub struct BucketView {
    /// When the span begins.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// The value.
    pub value: String,
    /// How many.
    pub count: u64,
}

/// The values that occur most.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AuditFacets {
    /// By the names of the fields.
    pub facets: BTreeMap<&'static str, Vec<FacetValue>>,
    /// Whether some fields are missing, since counting took too long.
    pub approximate: bool,
}

/// A value and how often it occurs.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// How often.
    pub count: u64,
}

/// `GET /audit/events`: events by the time when they happened.
pub async fn events(cx: &Cx, mut asked: Asked) -> Result<AuditPage, Error> {
    let parts = cx.record()?;
    let allow_scan = asked.take_flag(scan::ALLOW)?;
    let search = asked.search(cx)?;
    let mut query = parts.cursors.query(&search)?;
    query.filter = cx.readable(query.filter)?;
    // What was counted for the first part need not be counted for the others.
    let most = if search.cursor.is_none() || asked.has("count") {
        search.count.most()
    } else {
        None
    };
    if !allow_scan {
        let is_whole = most == Some(u64::MAX);
        let look = if is_whole { Look::Whole } else { Look::InOrder };
        scan::check(&query.filter, look, cx.now())?;
    }
    let _turn = cx.begin_reading(Reading::Search)?;
    cx.record_reading(Op::ListAuditEvents, &asked, to_text(&search.filter))
        .await?;
    let entries = in_time(parts.search.search(&query)).await?;
    let is_full = entries.len() >= query.limit as usize;
    let next_cursor = match entries.last() {
        Some(last) if is_full => Some(parts.cursors.seal(&search, place(last))?),
        _ => None,
    };
    let count = match most {
        Some(most) => Some(in_time(parts.search.count(&query.filter, most)).await?),
        None => None,
    };
    Ok(AuditPage {
        events: shown_all(entries)?,
        next_cursor,
        count: count.map(AuditCountView::from),
    })
}

/// `GET /audit/histogram`: how many events there were when.
pub async fn histogram(cx: &Cx, mut asked: Asked) -> Result<AuditHistogram, Error> {
    let parts = cx.record()?;
    let whole = asked.clone();
    let zone = asked.clone().take_zone()?;
    let by = asked.take("by")?;
    let by = match by.as_deref() {
        None => AuditField::Outcome,
        Some(name) => AuditField::find(name)
            .ok_or_else(|| Error::invalid_field("by", "must be the name of a field"))?,
    };
    let interval = match asked.take("interval")?.as_deref() {
        None | Some("auto") => None,
        Some(text) => Some(seconds(text)?),
    };
    let search = whole_search(cx, &mut asked)?;
    let seconds = interval.unwrap_or_else(|| usual_interval(&search.filter, cx.now()));
    check_columns(&search.filter, seconds, cx.now())?;
    let pieces = zones::pieces(&search.filter, &zone, seconds, cx.now())?;
    let _turn = cx.begin_reading(Reading::Search)?;
    cx.record_reading(Op::AuditHistogram, &whole, to_text(&search.filter))
        .await?;
    let buckets = in_time(zones::histogram(&*parts.search, &pieces, by)).await?;
    let view = |((start, value), count)| BucketView {
        start,
        value,
        count,
    };
    Ok(AuditHistogram {
        buckets: buckets.into_iter().map(view).collect(),
        interval_seconds: seconds,
    })
}

/// `GET /audit/facets`: the values that occur most.
pub async fn facets(cx: &Cx, mut asked: Asked) -> Result<AuditFacets, Error> {
    let parts = cx.record()?;
    let whole = asked.clone();
    let fields = asked.take("fields")?;
    let fields = fields.map_or_else(|| Ok(USUAL_FACETS.to_vec()), |text| fields_of(&text))?;
    let most = asked.take_number("limit", 1..=100)?.unwrap_or(20);
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let search = whole_search(cx, &mut asked)?;
    let _turn = cx.begin_reading(Reading::Search)?;
    cx.record_reading(Op::AuditFacets, &whole, to_text(&search.filter))
        .await?;
    let end = Instant::now() + FACETS_LONGEST;
    let mut answer = AuditFacets {
        facets: BTreeMap::new(),
        approximate: false,
    };
    for field in fields {
        let counted = timeout_at(end, parts.search.facet(&search.filter, field, most)).await;
        let Ok(counted) = counted else {
            answer.approximate = true;
            break;
        };
        let values = counted?.into_iter();
        let values = values.map(|(value, count)| FacetValue { value, count });
        answer.facets.insert(field.as_str(), values.collect());
    }
    Ok(answer)
}

/// Reads a search whose whole result is looked at.
fn whole_search(cx: &Cx, asked: &mut Asked) -> Result<Search, Error> {
    let allow_scan = asked.take_flag(scan::ALLOW)?;
    asked.refuse(&OF_LISTS)?;
    let mut search = asked.search(cx)?;
    search.filter = cx.readable(search.filter)?;
    if !allow_scan {
        scan::check(&search.filter, Look::Whole, cx.now())?;
    }
    Ok(search)
}

fn fields_of(text: &str) -> Result<Vec<AuditField>, Error> {
    let find = |name: &str| {
        let message = "must be names of fields, such as `action,outcome`";
        AuditField::find(name).ok_or_else(|| Error::invalid_field("fields", message))
    };
    let mut fields: Vec<AuditField> = text.split(',').map(find).collect::<Result<_, _>>()?;
    fields.sort_unstable();
    fields.dedup();
    fields.truncate(MOST_FACETS);
    Ok(fields)
}

/// Reads `30s`, `1m`, `1h` or `1d`.
fn seconds(text: &str) -> Result<u32, Error> {
    let read = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = number.parse().ok().filter(|_| is_plain)?;
        number.checked_mul(unit).filter(|seconds| *seconds > 0)
    };
    read().ok_or_else(|| {
        Error::invalid_field("interval", "must be `auto`, or a time such as `5m` or `1h`")
    })
}

/// Returns the shortest usual interval that does not make too many columns; a day where the beginning is not known.
fn usual_interval(filter: &AuditFilter, now: Timestamp) -> u32 {
    if scan::span(filter, now).is_none() {
        return 86_400;
    }
    let usual = [
        1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200, 86_400, 604_800, 2_592_000,
    ];
    let fits = |seconds: &u32| check_columns(filter, *seconds, now).is_ok();
    usual.into_iter().find(fits).unwrap_or(31_536_000)
}

/// Fails with [`ErrorKind::Invalid`] when there would be too many columns. One that has no beginning is judged by what
/// the store finds.
fn check_columns(filter: &AuditFilter, seconds: u32, now: Timestamp) -> Result<(), Error> {
    let Some(span) = scan::span(filter, now) else {
        return Ok(());
    };
    if span.as_secs() / i64::from(seconds) <= MOST_COLUMNS {
        return Ok(());
    }
    let message = format!("makes more than {MOST_COLUMNS} columns of this time");
    Err(Error::invalid_field("interval", message))
}

/// Returns where an event stands.
pub(super) const fn place(entry: &AuditEntry) -> AuditPlace {
    AuditPlace {
        timestamp: entry.record.event.timestamp,
        id: entry.record.event.id,
    }
}

/// Returns so many of the newest events that fit, without the first ones.
pub(super) async fn read_newest(
    cx: &Cx,
    filter: &AuditFilter,
    offset: u32,
    limit: u32,
) -> Result<Vec<AuditEntry>, Error> {
    let search = &cx.record()?.search;
    let mut wanted = Vec::new();
    let mut query = AuditQuery::newest(filter.clone(), AuditQuery::MAX_LIMIT);
    let (mut skip, mut left) = (offset, limit);
    while left > 0 {
        query.limit = skip.saturating_add(left).min(AuditQuery::MAX_LIMIT);
        let entries = in_time(search.search(&query)).await?;
        let found = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        query.after = entries.last().map(place);
        wanted.extend(entries.into_iter().skip(skip as usize));
        left = left.saturating_sub(found.saturating_sub(skip));
        skip = skip.saturating_sub(found);
        if found < query.limit {
            break;
        }
    }
    Ok(wanted)
}

/// Waits for a store, though not for ever.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(LONGEST, work).await.unwrap_or_else(|_| {
        let message = "the search of the audit record takes too long: narrow it down";
        Err(Error::new(ErrorKind::Unavailable, message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_whole_times() {
        for (text, expected) in [("1s", 1), ("15m", 900), ("1h", 3_600), ("7d", 604_800)] {
            assert_eq!(seconds(text).unwrap(), expected);
        }
        for text in [
            "",
            "s",
            "1",
            "0m",
            "-1m",
            "+1m",
            "1M",
            "1.5h",
            "99999999d",
            "é",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_usual_interval_makes_some_hundred_columns() {
        let now: Timestamp = "2026-09-01T00:00:00Z".parse().unwrap();
        for (days, seconds) in [(1, 300), (30, 10_800), (90, 43_200), (3_000, 2_592_000)] {
            let start = now - jiff::SignedDuration::from_hours(24 * days);
            assert_eq!(usual_interval(&AuditFilter::Since(start), now), seconds);
        }
        assert_eq!(usual_interval(&AuditFilter::Since(now), now), 1);
        assert_eq!(usual_interval(&AuditFilter::EVERYTHING, now), 86_400);
    }
}
