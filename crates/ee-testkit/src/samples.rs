//! Values that a store may mistake for something else.

use std::fmt;

use ee_core::{Error, ErrorKind};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// Texts with quotes, wildcards, SQL, other scripts and 100 KB. None holds a NUL, which
/// PostgreSQL cannot keep.
pub fn hard_texts() -> Vec<String> {
    let short = [
        "",
        " ",
        "  leading and trailing  ",
        "it's \"quoted\" `three` ways \\ and ''doubled''",
        "100% of_all %s {} ?1 $1 :name @name",
        "'); DROP TABLE ee_sessions; --",
        "/* comment */ SELECT * FROM ee_agents",
        "null",
        "0123",
        "1e400",
        "{\"json\": [1, 2]}",
        "line\nbreak\r\nand\ttab",
        "Grüße, 世界, 🙂, e\u{301} is not é, \u{202e}right to left\u{202c}",
        "\u{feff}byte order mark, \u{1} control, \u{7f} delete, \u{fffd}\u{10ffff} last",
    ];
    let long = "ä'%_🙂\\\"x".repeat(100 * 1024 / 13 + 1);
    short.map(str::to_owned).into_iter().chain([long]).collect()
}

/// Moments to the microsecond: before 1970, at it, now and far away.
pub fn hard_times() -> Vec<Timestamp> {
    [
        -1,
        0,
        1,
        -12_345_678_901_234,
        1_767_225_600_123_456,
        1_767_225_600_999_999,
        253_402_000_000_000_001,
    ]
    .map(|micros| Timestamp::from_microsecond(micros).expect("within the years of a timestamp"))
    .to_vec()
}

/// JSON that loses something in many encodings: deep nesting, integers beyond 2^53, floats that
/// need all their digits, `null` beside absence, hard texts as keys and as values.
pub fn hard_metadata() -> Map<String, Value> {
    let mut map = Map::new();
    for (number, text) in hard_texts().into_iter().enumerate() {
        map.insert(format!("{number} {text}"), Value::String(text));
    }
    map.insert("null".into(), Value::Null);
    map.insert("empty".into(), json!([{}, [], ""]));
    map.insert("integers".into(), json!([0, u64::MAX, i64::MIN, i64::MAX]));
    map.insert(
        "floats".into(),
        json!([0.1, 0.1 + 0.2, f64::MAX, 5e-324, -2.5]),
    );
    let deep = (0..60).fold(json!("core"), |inner, _| json!({ "in": [inner] }));
    map.insert("deep".into(), deep);
    map
}

/// As much of a text as a name may have of it.
pub(crate) fn name_of(text: &str) -> String {
    let end = text.floor_char_boundary(1_000);
    text.get(..end).unwrap_or_default().to_owned()
}

/// The hard texts that are ids of this type.
pub(crate) fn hard_ids<T: TryFrom<String>>() -> Vec<T> {
    hard_texts()
        .into_iter()
        .chain(["x".repeat(255), "a:b:c".into(), "Ünïcode id".into()])
        .filter_map(|text| T::try_from(text).ok())
        .collect()
}

/// An id of any type.
pub(crate) fn id<T: TryFrom<String>>(text: impl Into<String>) -> T
where
    T::Error: fmt::Debug,
{
    T::try_from(text.into()).expect("a sample is a valid id")
}

/// Noon of the samples, and `seconds` after it.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::constant(1_767_268_800, 0) + SignedDuration::from_secs(seconds)
}

/// The smallest step in time that a store has to keep apart.
pub(crate) const TICK: SignedDuration = SignedDuration::from_micros(1);

/// Asserts that a result failed with this kind.
#[track_caller]
pub(crate) fn assert_kind<T: fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) {
    let error = result.expect_err("this must be refused");
    assert_eq!(error.kind(), kind, "{error:?}");
}
