//! What relative times and days are counted from.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// First second of the year 0: older than what every store can keep is no time of an event.
const EARLIEST: i64 = -62_167_219_200;

/// What relative times and days are counted from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The moment from which `-15m` is counted.
    pub now: Timestamp,
    /// Where days begin, and where times without an offset are told.
    pub zone: TimeZone,
}

/// A piece of time from its first moment to the first one behind it.
pub(super) type Moments = (Timestamp, Timestamp);

impl Context {
    /// Counts from this moment, in UTC.
    pub fn new(now: Timestamp) -> Self {
        Self {
            // As cursors keep it, so that a later part of a list is read like the first.
            now: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now),
            zone: TimeZone::UTC,
        }
    }

    /// Takes days and times to be those of a place.
    #[must_use]
    pub fn in_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// Reads a day, an instant, or a time before now such as `-15m`. `None` for anything else.
    ///
    /// A day lasts a day, everything else a microsecond.
    pub(super) fn moments(&self, text: &str) -> Option<Moments> {
        match self.day(text) {
            Some((start, end)) => Some((in_range(start)?, end)),
            None => self.microsecond(text),
        }
    }

    /// Reads `-15m`: seconds, minutes, hours, days of 24 hours, or weeks before now.
    pub(super) fn ago(&self, text: &str) -> Option<Timestamp> {
        let text = text.strip_prefix('-')?;
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: i64 = number.parse().ok()?;
        let ago = SignedDuration::from_secs(number.checked_mul(seconds)?);
        in_range(whole_micros(self.now.checked_sub(ago).ok()?))
    }

    fn day(&self, text: &str) -> Option<Moments> {
        // The parser also takes the day out of a whole date and time.
        if text.len() != "2026-01-31".len() {
            return None;
        }
        let day: civil::Date = text.parse().ok()?;
        let begin = |day: civil::Date| Some(day.to_zoned(self.zone.clone()).ok()?.timestamp());
        Some((begin(day)?, begin(day.tomorrow().ok()?)?))
    }

    fn microsecond(&self, text: &str) -> Option<Moments> {
        let instant = self.ago(text).or_else(|| text.parse().ok());
        let instant = instant.or_else(|| {
            let local: civil::DateTime = text.parse().ok()?;
            Some(local.to_zoned(self.zone.clone()).ok()?.timestamp())
        });
        let start = in_range(whole_micros(instant?))?;
        let end = start.checked_add(SignedDuration::from_micros(1)).ok()?;
        Some((start, end))
    }
}

fn in_range(at: Timestamp) -> Option<Timestamp> {
    (at.as_second() >= EARLIEST).then_some(at)
}

/// Returns the first whole microsecond from a time on. Events have no finer times, and stores keep none: nothing is
/// before or since the one that is not before or since the other.
pub(super) fn whole_micros(at: Timestamp) -> Timestamp {
    let nanos = at.as_nanosecond();
    let whole = nanos.div_euclid(1_000) + i128::from(nanos.rem_euclid(1_000) != 0);
    Timestamp::from_nanosecond(whole * 1_000).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::new("2026-09-15T12:00:00Z".parse().unwrap())
    }

    fn read(context: &Context, text: &str) -> Option<(String, String)> {
        let (start, end) = context.moments(text)?;
        Some((start.to_string(), end.to_string()))
    }

    #[test]
    fn days_begin_where_the_reader_is() {
        let berlin = context().in_zone(TimeZone::fixed(jiff::tz::offset(2)));
        let day = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));

        assert_eq!(
            read(&context(), "2026-09-01"),
            day("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
        );
        assert_eq!(
            read(&berlin, "2026-09-01"),
            day("2026-08-31T22:00:00Z", "2026-09-01T22:00:00Z")
        );
        assert_eq!(
            read(&berlin, "2026-09-01T10:00"),
            day("2026-09-01T08:00:00Z", "2026-09-01T08:00:00.000001Z")
        );
    }

    #[test]
    fn times_are_told_in_many_ways() {
        for (text, start) in [
            ("-15m", "2026-09-15T11:45:00Z"),
            ("-7d", "2026-09-08T12:00:00Z"),
            ("-2w", "2026-09-01T12:00:00Z"),
            ("2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z"),
            ("2026-09-01 10:00", "2026-09-01T10:00:00Z"),
            (
                "2026-09-01T10:00:00.0000001+02:00",
                "2026-09-01T08:00:00.000001Z",
            ),
        ] {
            assert_eq!(read(&context(), text).unwrap().0, start, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "-",
            "-m",
            "m",
            "-15",
            "-15M",
            "-15y",
            "--15m",
            "-+1m",
            "- 1m",
            "-9223372036854775807w",
            "-99999999999999999999m",
            "2026-13-01",
            "2026-02-30",
            "2026-9-1",
            "0000-00-00",
            "-000001-01-01",
            "-009999-01-01T00:00:00Z",
            "9999-12-31",
            "+99999-01-01",
            "1788000000",
            "yesterday",
            "2026-09-01T25:00:00Z",
            "٢٠٢٦-٠٩-٠١",
            "é-é-é",
        ] {
            assert_eq!(read(&context(), text), None, "{text}");
        }
    }
}
