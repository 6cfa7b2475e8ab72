//! JSON in the one form that it has (RFC 8785).

use serde_json::{Map, Value};

use crate::{Error, ErrorKind};

/// Largest number that every reader of JSON takes for what it is (RFC 8785 §3.2.2.3): 2^53 - 1.
pub(super) const LARGEST: u64 = (1 << 53) - 1;

/// Writes a value in its canonical form. Fails with [`ErrorKind::Internal`] for what JSON cannot hold.
pub(super) fn canonical(value: &Value) -> Result<String, Error> {
    let written = if is_plain(value) {
        serde_json::to_string(value)
    } else {
        serde_json_canonicalizer::to_string(value)
    };
    written.map_err(|err| {
        let message = "an event cannot be written in canonical form";
        Error::new(ErrorKind::Internal, message).with_source(err)
    })
}

/// Tells whether what `serde_json` writes is the canonical form already: keys stand in order, and numbers are small and
/// whole. It escapes texts as the RFC wants them. Nearly every event is so, and the canonicalizer takes ten times longer.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().all(is_plain),
        Value::Bool(_) | Value::Null | Value::String(_) => true,
        Value::Number(number) => number.as_u64().is_some_and(|it| it <= LARGEST),
        Value::Object(map) => is_sorted(map) && map.values().all(is_plain),
    }
}

/// Whether the map keeps its keys in order hangs on how `serde_json` was built.
fn is_sorted(map: &Map<String, Value>) -> bool {
    // Beyond ASCII, the order of bytes is not that of UTF-16.
    map.keys().all(|key| key.is_ascii()) && map.keys().is_sorted()
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_quick_way_writes_what_the_canonicalizer_writes(value in json()) {
            prop_assert_eq!(
                canonical(&value).unwrap(),
                serde_json_canonicalizer::to_string(&value).unwrap()
            );
        }
    }

    #[test]
    fn it_is_the_form_of_the_rfc() {
        let value: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();

        assert_eq!(
            canonical(&value).unwrap(),
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
    }
}
