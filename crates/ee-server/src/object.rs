//! Members of a body that are objects and nothing else.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A member of a body that is read from a JSON object alone. A derived struct also takes its fields as a list, in an
/// order that nobody has promised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Object<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _seq: A) -> Result<Object<T>, A::Error> {
        Err(A::Error::custom("must be an object, not a list"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, Eq, PartialEq)]
    #[serde(expecting = "an object")]
    struct Point {
        x: i32,
        y: i32,
    }

    fn point(json: serde_json::Value) -> Result<Object<Point>, String> {
        serde_json::from_value(json).map_err(|err| err.to_string())
    }

    #[test]
    fn a_list_is_no_object() {
        assert!(serde_json::from_value::<Point>(json!([1, 2])).is_ok());

        assert_eq!(
            point(json!({ "x": 1, "y": 2 })),
            Ok(Object(Point { x: 1, y: 2 }))
        );
        let refusal = point(json!([1, 2])).unwrap_err();
        assert_eq!(refusal, "must be an object, not a list");
    }
}
