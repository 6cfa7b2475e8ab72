//! What stands in columns.

use std::{fmt, net::IpAddr, vec};

use ee_core::{
    AclSubject, AgentId, AuditHash, Error, ErrorKind, GroupId, KeyId, MessageId, RoleId, RunId,
    ThreadId, TokenHash, TokenId, UserId, WorkflowId,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// One value of a column or a parameter.
#[derive(Clone, Eq, PartialEq)]
pub enum Value {
    /// Bytes.
    Blob(Vec<u8>),
    /// A number, a truth or a time.
    Integer(i64),
    /// Nothing.
    Null,
    /// A text.
    Text(String),
}

impl fmt::Debug for Value {
    /// Tells the kind alone: values are of users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blob(_) => "Blob",
            Self::Integer(_) => "Integer",
            Self::Null => "Null",
            Self::Text(_) => "Text",
        })
    }
}

/// The same, where it lies.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum ValueRef<'a> {
    /// Bytes.
    Blob(&'a [u8]),
    /// A number, a truth or a time.
    Integer(i64),
    /// Nothing.
    Null,
    /// A text.
    Text(&'a str),
}

impl fmt::Debug for ValueRef<'_> {
    /// Tells the kind alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::from(*self).fmt(f)
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Blob(bytes) => Self::Blob(bytes),
            Value::Integer(number) => Self::Integer(*number),
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text),
        }
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Null => Self::Null,
            ValueRef::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

macro_rules! into_value {
    ($($type:ty => $value:ident: $convert:expr,)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $convert
            }
        })*
    };
}

into_value! {
    bool => value: Self::Integer(i64::from(value)),
    i64 => value: Self::Integer(value),
    u32 => value: Self::Integer(i64::from(value)),
    u64 => value: Self::Integer(i64::try_from(value).unwrap_or(i64::MAX)),
    &str => value: Self::Text(value.to_owned()),
    String => value: Self::Text(value),
    &String => value: Self::Text(value.clone()),
    Vec<u8> => value: Self::Blob(value),
    TokenHash => value: Self::Blob(value.as_bytes().to_vec()),
    &TokenHash => value: Self::Blob(value.as_bytes().to_vec()),
    AuditHash => value: Self::Blob(value.as_bytes().to_vec()),
    Uuid => value: Self::Blob(value.as_bytes().to_vec()),
    // Finer digits than microseconds are dropped.
    Timestamp => value: Self::Integer(value.as_microsecond()),
    IpAddr => value: Self::Text(value.to_string()),
    AclSubject => value: Self::Text(value.to_string()),
    &AclSubject => value: Self::Text(value.to_string()),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What can be read out of a column.
pub trait FromValue: Sized {
    /// Names it in an error, which holds no value.
    const WHAT: &'static str;

    /// Reads it. `None` when the value is something else.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($type:ty, $what:literal: $pattern:pat => $read:expr,)*) => {
        $(impl FromValue for $type {
            const WHAT: &'static str = $what;

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $pattern => $read,
                    _ => None,
                }
            }
        })*
    };
}

from_value! {
    bool, "truth": Value::Integer(number @ 0..=1) => Some(number == 1),
    i64, "number": Value::Integer(number) => Some(number),
    u32, "number": Value::Integer(number) => number.try_into().ok(),
    u64, "number": Value::Integer(number) => number.try_into().ok(),
    String, "text": Value::Text(text) => Some(text),
    Vec<u8>, "blob": Value::Blob(bytes) => Some(bytes),
    TokenHash, "hash": Value::Blob(bytes) => Self::from_stored(&bytes),
    AuditHash, "hash": Value::Blob(bytes) => Self::from_slice(&bytes),
    Uuid, "identifier": Value::Blob(bytes) => Self::from_slice(&bytes).ok(),
    Timestamp, "time": Value::Integer(micros) => Self::from_microsecond(micros).ok(),
    IpAddr, "address": Value::Text(text) => text.parse().ok(),
    AclSubject, "subject": Value::Text(text) => text.parse().ok(),
}

macro_rules! ids {
    ($($id:ty),*) => {
        $(impl From<&$id> for Value {
            fn from(id: &$id) -> Self {
                Self::Text(id.as_str().to_owned())
            }
        }

        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Text(id.into())
            }
        }

        impl FromValue for $id {
            const WHAT: &'static str = "identifier";

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::Text(text) => Self::new(text).ok(),
                    _ => None,
                }
            }
        })*
    };
}

ids!(
    AgentId, GroupId, KeyId, MessageId, RoleId, RunId, ThreadId, TokenId, UserId, WorkflowId
);

impl<T: FromValue> FromValue for Option<T> {
    const WHAT: &'static str = T::WHAT;

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// Anything, as JSON text.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> Json<T> {
    /// Writes it. Fails with [`ErrorKind::Internal`] for what JSON cannot hold.
    pub fn value(&self) -> Result<Value, Error> {
        serde_json::to_string(&self.0)
            .map(Value::Text)
            .map_err(|err| Error::new(ErrorKind::Internal, "cannot write JSON").with_source(err))
    }
}

impl<T: DeserializeOwned> FromValue for Json<T> {
    const WHAT: &'static str = "JSON value";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => serde_json::from_str(&text).ok().map(Self),
            _ => None,
        }
    }
}

/// One of a few, by the name that it has on the wire.
#[derive(Debug)]
pub struct Name<T>(pub T);

impl<T: Serialize> Name<T> {
    /// Writes it. Fails with [`ErrorKind::Internal`] for what has no name.
    pub fn value(&self) -> Result<Value, Error> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(name)) => Ok(Value::Text(name)),
            _ => Err(Error::new(ErrorKind::Internal, "cannot write a name")),
        }
    }
}

impl<T: DeserializeOwned> FromValue for Name<T> {
    const WHAT: &'static str = "name";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => serde_json::from_value(serde_json::Value::String(text))
                .ok()
                .map(Self),
            _ => None,
        }
    }
}

/// One row of an answer: its values are taken in the order of the columns.
#[derive(Debug)]
pub struct Row(vec::IntoIter<Value>);

impl Row {
    /// Reads the next column. Fails with [`ErrorKind::Internal`] when something else stands there; the message holds no
    /// value.
    pub fn take<T: FromValue>(&mut self) -> Result<T, Error> {
        self.0
            .next()
            .and_then(T::from_value)
            .ok_or_else(|| unreadable(T::WHAT))
    }

    /// Returns the columns that were not taken.
    pub(crate) fn into_values(self) -> Vec<Value> {
        self.0.collect()
    }
}

impl From<Vec<Value>> for Row {
    fn from(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }
}

fn unreadable(what: &'static str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("a stored {what} cannot be read"),
    )
}

#[cfg(test)]
mod tests {
    use ee_core::storage::RunStatus;

    use super::*;

    fn read<T: FromValue>(value: impl Into<Value>) -> Result<T, Error> {
        Row::from(vec![value.into()]).take()
    }

    #[test]
    fn a_time_is_kept_to_the_microsecond_also_before_1970() {
        let time: Timestamp = "1969-12-31T23:59:59.999999001Z".parse().unwrap();

        let kept: Timestamp = read(time).unwrap();

        assert_eq!(kept.to_string(), "1970-01-01T00:00:00Z");
        assert!(read::<Timestamp>(i64::MAX).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_not_in_the_message() {
        let errors = [
            read::<AgentId>("a/secret").err(),
            read::<Json<Vec<u8>>>("\"secret\"").err(),
            read::<Name<RunStatus>>("secret").err(),
            read::<TokenHash>(b"secret".to_vec()).err(),
            read::<bool>(2_i64).err(),
            read::<u32>(-1_i64).err(),
        ];

        for error in errors {
            let text = error.unwrap().to_string();
            assert!(text.starts_with("a stored "), "{text}");
            assert!(!text.contains("secret"));
        }
        assert!(!format!("{:?}", Value::from("secret")).contains("secret"));
    }

    #[test]
    fn a_row_is_taken_column_by_column() {
        let mut row = Row::from(vec![Value::Integer(1), Value::Null, "a".into()]);

        assert!(row.take::<bool>().unwrap());
        assert_eq!(row.take::<Option<String>>().unwrap(), None);
        assert_eq!(row.take::<Option<String>>().unwrap().as_deref(), Some("a"));
        assert!(row.take::<Option<String>>().is_err());
    }
}
