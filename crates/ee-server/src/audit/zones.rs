//! Histograms by the clock of a place: its days are not those of UTC, and some last 23 or 25 hours.

use std::collections::BTreeMap;

use ee_core::{
    AuditField, AuditFilter, Error,
    storage::{AuditSearch, AuditSpans},
};
use jiff::{Timestamp, tz::TimeZone};

use super::scan;

/// Most changes of one clock in a histogram: about 30 years.
const MOST_PIECES: usize = 64;
/// Most parts of a histogram, as of a store that counts them at once.
const MOST_PARTS: usize = 10_000;

/// Events of a time in which a clock is not changed.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    filter: AuditFilter,
    spans: AuditSpans,
    /// Whose clock it is, where spans do not begin as on that of UTC.
    zone: Option<TimeZone>,
}

/// Divides what fits where a clock is changed.
///
/// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when it is not known where the time begins, or it is too
/// long.
pub(super) fn pieces(
    filter: &AuditFilter,
    zone: &TimeZone,
    seconds: u32,
    now: Timestamp,
) -> Result<Vec<Piece>, Error> {
    let piece = |filter: &AuditFilter, spans, zone| Piece {
        filter: filter.clone(),
        spans,
        zone,
    };
    let spans = AuditSpans::of(seconds);
    if *zone == TimeZone::UTC {
        return Ok(vec![piece(filter, spans, None)]);
    }
    let (since, before) = scan::bounds(filter);
    let since = since.ok_or_else(|| {
        Error::invalid_field("from", "must be there for a histogram in a time zone")
    })?;
    let known = before.unwrap_or(now);
    let mut starts = vec![(since, zone.to_offset(since).seconds())];
    for change in zone.following(since).take(MOST_PIECES) {
        if change.timestamp() >= known {
            break;
        }
        starts.push((change.timestamp(), change.offset().seconds()));
    }
    let is_as_utc = |(_, offset): &(Timestamp, i32)| i64::from(*offset) % i64::from(seconds) == 0;
    if starts.iter().all(is_as_utc) {
        return Ok(vec![piece(filter, spans, None)]);
    }
    if starts.len() > MOST_PIECES {
        return Err(Error::invalid_field(
            "tz",
            "changes its clock too often in this time",
        ));
    }
    let ends = starts.iter().skip(1).map(|(start, _)| Some(*start));
    let ends = ends.chain([None]);
    let within = |(&(start, offset), end): (&(Timestamp, i32), Option<Timestamp>)| {
        let mut within = filter.clone().and(AuditFilter::Since(start));
        if let Some(end) = end {
            within = within.and(AuditFilter::Before(end));
        }
        piece(&within, spans.ahead_by(offset), Some(zone.clone()))
    };
    Ok(starts.iter().zip(ends).map(within).collect())
}

/// Counts the events of all pieces by when a span begins, and by what they have in a field.
pub(super) async fn histogram(
    store: &dyn AuditSearch,
    pieces: &[Piece],
    by: AuditField,
) -> Result<BTreeMap<(Timestamp, String), u64>, Error> {
    let mut counts = BTreeMap::new();
    for piece in pieces {
        for bucket in store.histogram(&piece.filter, by, piece.spans).await? {
            let start = piece.begins(bucket.start);
            *counts.entry((start, bucket.value)).or_default() += bucket.count;
        }
        if counts.len() > MOST_PARTS {
            let message = "makes too many parts of this time";
            return Err(Error::invalid_field("interval", message));
        }
    }
    Ok(counts)
}

impl Piece {
    /// Returns when a span really begins: before the clock was changed, where it was changed within the span.
    fn begins(&self, start: Timestamp) -> Timestamp {
        let Some(zone) = &self.zone else {
            return start;
        };
        let ahead = jiff::SignedDuration::from_secs(i64::from(self.spans.offset));
        let on_the_clock = start
            .checked_add(ahead)
            .map(|shifted| TimeZone::UTC.to_datetime(shifted));
        let really = on_the_clock.and_then(|told| zone.to_timestamp(told));
        really.unwrap_or(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 86_400;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn divided(filter: &AuditFilter, seconds: u32) -> Result<Vec<Piece>, Error> {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        pieces(filter, &berlin, seconds, at("2026-11-20T00:00:00Z"))
    }

    fn since(text: &str) -> AuditFilter {
        AuditFilter::Since(at(text))
    }

    #[test]
    fn the_day_on_which_a_clock_is_changed_begins_once() {
        let found = divided(&since("2026-10-20T00:00:00Z"), DAY).unwrap();

        let offsets: Vec<i32> = found.iter().map(|piece| piece.spans.offset).collect();
        assert_eq!(offsets, [7_200, 3_600]);
        // Both of what they call the 25th of October.
        assert_eq!(
            found[0].begins(at("2026-10-24T22:00:00Z")),
            at("2026-10-24T22:00:00Z")
        );
        assert_eq!(
            found[1].begins(at("2026-10-24T23:00:00Z")),
            at("2026-10-24T22:00:00Z")
        );
        assert_eq!(
            found[1].begins(at("2026-10-25T23:00:00Z")),
            at("2026-10-25T23:00:00Z")
        );
    }

    #[test]
    fn hours_are_those_of_utc() {
        let year = since("2026-01-01T00:00:00Z");
        let summer = AuditFilter::Before(at("2026-09-01T00:00:00Z"));
        assert_eq!(divided(&year, 3_600).unwrap().len(), 1);
        assert_eq!(divided(&year, DAY).unwrap().len(), 3);
        assert_eq!(divided(&year.and(summer), DAY).unwrap().len(), 2);
    }

    #[test]
    fn a_clock_needs_a_beginning_and_an_end_of_changes() {
        let everything = AuditFilter::EVERYTHING;
        assert!(divided(&everything, DAY).is_err());
        assert!(pieces(&everything, &TimeZone::UTC, DAY, Timestamp::MAX).is_ok());
        assert!(divided(&since("1950-01-01T00:00:00Z"), DAY).is_err());
    }
}
