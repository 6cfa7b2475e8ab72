//! Values that are compared: times and durations.

use ee_core::AuditFilter;

use super::{
    context::Context,
    normal::{all, not},
};

/// Longest duration that every store can keep, in milliseconds.
const LONGEST: u64 = i64::MAX.unsigned_abs();

/// A value as a piece of a line: it begins with the first, and the second is the first one behind it.
type Piece<T> = (T, T);

/// Where the values begin, and where they end before.
type Bounds<T> = (Option<T>, Option<T>);

/// Reads `>=2026-09-01`, `2026-09-01..2026-09-30`, `2026-09-01` or `-15m`.
pub(super) fn created(text: &str, context: &Context) -> Result<AuditFilter, String> {
    // Nobody asks for what happened exactly so long ago.
    if let Some(since) = context.ago(text) {
        return Ok(AuditFilter::Since(since));
    }
    let read = |text: &str| {
        context.moments(text).ok_or_else(|| {
            "must be a day, a time such as `2026-09-01T10:00:00Z`, or one before now such as `-15m`"
                .to_owned()
        })
    };
    let (start, end) = bounds(text, read)?;
    let parts = [start.map(AuditFilter::Since), end.map(AuditFilter::Before)];
    Ok(all(parts.into_iter().flatten()))
}

/// Reads `>=500`, `<2s`, `500ms..2s` or `500`.
pub(super) fn duration(text: &str) -> Result<AuditFilter, String> {
    let read = |text: &str| {
        let millis = millis(text);
        let piece = millis.map(|millis| (millis, millis.saturating_add(1).min(LONGEST)));
        piece.ok_or_else(|| "must be milliseconds, or a time such as `2s`".to_owned())
    };
    let (least, end) = bounds(text, read)?;
    // What took no time at all is not shorter than anything.
    let least = least.unwrap_or(0);
    let end = end.map(|end| not(AuditFilter::AtLeast(end)));
    Ok(all([AuditFilter::AtLeast(least)].into_iter().chain(end)))
}

/// Reads a number of milliseconds, or of what the unit says.
pub(super) fn millis(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let millis = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (millis <= LONGEST).then_some(millis)
}

fn bounds<T: Ord>(
    text: &str,
    read: impl Fn(&str) -> Result<Piece<T>, String>,
) -> Result<Bounds<T>, String> {
    if let Some(text) = text.strip_prefix(">=") {
        return Ok((Some(read(text)?.0), None));
    }
    if let Some(text) = text.strip_prefix("<=") {
        return Ok((None, Some(read(text)?.1)));
    }
    if let Some(text) = text.strip_prefix('>') {
        return Ok((Some(read(text)?.1), None));
    }
    if let Some(text) = text.strip_prefix('<') {
        return Ok((None, Some(read(text)?.0)));
    }
    let Some((first, last)) = text.split_once("..") else {
        let (start, end) = read(text)?;
        return Ok((Some(start), Some(end)));
    };
    let open = |text: &str| match text {
        "*" => Ok(None),
        text => read(text).map(Some),
    };
    let (first, last) = (open(first)?, open(last)?);
    match (first, last) {
        (None, None) => Err("has two open ends".to_owned()),
        (Some(first), Some(last)) if first.0 > last.0 => Err("ends before it begins".to_owned()),
        (first, last) => Ok((first.map(|(start, _)| start), last.map(|(_, end)| end))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(text: &str) -> AuditFilter {
        AuditFilter::Since(text.parse().unwrap())
    }

    fn before(text: &str) -> AuditFilter {
        AuditFilter::Before(text.parse().unwrap())
    }

    #[test]
    fn times_are_compared_by_whole_days_and_by_instants() {
        let context = Context::new("2026-09-15T12:00:00Z".parse().unwrap());
        for (text, parts) in [
            (">=2026-09-01", vec![since("2026-09-01T00:00:00Z")]),
            (">2026-09-01", vec![since("2026-09-02T00:00:00Z")]),
            ("<2026-09-01", vec![before("2026-09-01T00:00:00Z")]),
            ("<=2026-09-01", vec![before("2026-09-02T00:00:00Z")]),
            (
                ">2026-09-01T00:00:00Z",
                vec![since("2026-09-01T00:00:00.000001Z")],
            ),
            (
                "<=2026-09-01T00:00:00Z",
                vec![before("2026-09-01T00:00:00.000001Z")],
            ),
            ("-1h", vec![since("2026-09-15T11:00:00Z")]),
            ("<-1h", vec![before("2026-09-15T11:00:00Z")]),
            (
                "2026-09-01",
                vec![
                    since("2026-09-01T00:00:00Z"),
                    before("2026-09-02T00:00:00Z"),
                ],
            ),
            (
                "2026-09-01..2026-09-02",
                vec![
                    since("2026-09-01T00:00:00Z"),
                    before("2026-09-03T00:00:00Z"),
                ],
            ),
            ("2026-09-01..*", vec![since("2026-09-01T00:00:00Z")]),
            ("*..-1d", vec![before("2026-09-14T12:00:00.000001Z")]),
        ] {
            assert_eq!(created(text, &context), Ok(all(parts)), "{text}");
        }
        for text in [
            "",
            "..",
            "*..*",
            "*",
            ">",
            ">=",
            "=2026-09-01",
            "-1d..-7d",
            "a..b",
            ">=>=-1d",
        ] {
            assert!(created(text, &context).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_compared_and_what_has_none_is_not_short() {
        let at_least = AuditFilter::AtLeast;
        let under = |millis| not(AuditFilter::AtLeast(millis));
        for (text, parts) in [
            (">=500", vec![at_least(500)]),
            (">500", vec![at_least(501)]),
            ("<500", vec![at_least(0), under(500)]),
            ("<=2s", vec![at_least(0), under(2_001)]),
            ("500", vec![at_least(500), under(501)]),
            ("1m..*", vec![at_least(60_000)]),
            ("1s..2s", vec![at_least(1_000), under(2_001)]),
        ] {
            assert_eq!(duration(text), Ok(all(parts)), "{text}");
        }
        for text in [
            "",
            "-1",
            "+1",
            "1.5s",
            "1e3",
            "1d",
            "s",
            "0x10",
            "٣",
            "2s..1s",
            "9223372036854775808",
            "18446744073709551616",
            "9223372036854775807s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
