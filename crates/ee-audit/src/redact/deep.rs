//! Values of any depth, without the stack: one that is deep enough would overflow it, even by being dropped.

use serde_json::{Map, Value};

use super::size::text_length;

/// Takes a value apart and returns how many bytes of JSON it was.
pub(super) fn bury(value: Value) -> usize {
    let mut bytes = 0;
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        bytes += match value {
            Value::Array(values) => {
                let signs = 2 + values.len().saturating_sub(1);
                left.extend(values);
                signs
            }
            Value::Bool(true) | Value::Null => 4,
            Value::Bool(false) => 5,
            Value::Number(number) => number.to_string().len(),
            Value::Object(map) => bury_names(map, &mut left),
            Value::String(text) => text_length(&text),
        };
    }
    bytes
}

fn bury_names(map: Map<String, Value>, left: &mut Vec<Value>) -> usize {
    let mut bytes = 2 + map.len().saturating_sub(1);
    for (name, value) in map {
        bytes += text_length(&name) + 1;
        left.push(value);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_buried_is_measured() {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!([1, -2.5, true, false, null, "ä\n\u{1}\"\\"]),
            json!({"a": {"b": [1, [2, {"ü\t": ""}]]}, "c": 1e300}),
        ] {
            let bytes = value.to_string().len();
            assert_eq!(bury(value), bytes);
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let mut value = json!(1);
        for _ in 0..200_000 {
            value = Value::Array(vec![value]);
        }
        assert_eq!(bury(value), 400_001);
    }
}
