//! How values of the domains stand in columns.

use ee_core::TokenHash;
use jiff::Timestamp;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What is stored is not what this version writes. The value stays out of the message.
#[derive(Debug, thiserror::Error)]
#[error("a stored {0} cannot be read")]
struct Unreadable(&'static str);

fn unreadable(what: &'static str) -> FromSqlError {
    FromSqlError::Other(Box::new(Unreadable(what)))
}

/// A hash, as a blob of 32 bytes.
pub(crate) struct Hash(pub(crate) TokenHash);

impl ToSql for Hash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl FromSql for Hash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let hash = TokenHash::from_stored(value.as_blob()?);
        hash.map(Self).ok_or_else(|| unreadable("hash"))
    }
}

/// A moment, as microseconds since 1970. Finer digits are dropped.
pub(crate) struct Time(pub(crate) Timestamp);

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let time = Timestamp::from_microsecond(value.as_i64()?);
        time.map(Self).map_err(|_| unreadable("time"))
    }
}

/// An identifier, as its text.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: TryFrom<String>> FromSql for Id<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let id = T::try_from(value.as_str()?.to_owned());
        id.map(Self).map_err(|_| unreadable("identifier"))
    }
}

/// Anything, as JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(ToSqlOutput::from)
            .map_err(|err| rusqlite::Error::ToSqlConversionFailure(err.into()))
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let json = serde_json::from_str(value.as_str()?);
        json.map(Self).map_err(|_| unreadable("JSON value"))
    }
}

/// One of a few, as the name that it has on the wire.
pub(crate) struct Name<T>(pub(crate) T);

impl<T: Serialize> ToSql for Name<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(Value::String(name)) => Ok(name.into()),
            _ => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(
                Unreadable("name"),
            ))),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Name<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = serde_json::from_value(Value::String(value.as_str()?.to_owned()));
        name.map(Self).map_err(|_| unreadable("name"))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use ee_core::AgentId;
    use rusqlite::Connection;

    use super::*;

    fn stored<T: FromSql>(value: impl ToSql) -> rusqlite::Result<T> {
        let conn = Connection::open_in_memory().unwrap();
        conn.query_row("SELECT ?1", [value], |row| row.get(0))
    }

    #[test]
    fn a_time_is_kept_to_the_microsecond_also_before_1970() {
        let time: Timestamp = "1969-12-31T23:59:59.999999001Z".parse().unwrap();

        let Time(kept) = stored(Time(time)).unwrap();

        assert_eq!(kept.to_string(), "1970-01-01T00:00:00Z");
        assert!(stored::<Time>(i64::MAX).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_not_in_the_message() {
        let errors = [
            stored::<Id<AgentId>>("a/secret").err(),
            stored::<Json<Vec<u8>>>("\"secret\"").err(),
            stored::<Name<ee_core::storage::RunStatus>>("secret").err(),
            stored::<Hash>(b"secret".as_slice()).err(),
        ];

        for error in errors {
            let error = error.unwrap();
            let cause = error.source().unwrap().to_string();
            assert!(cause.starts_with("a stored "), "{cause}");
            assert!(!format!("{error} {cause}").contains("secret"));
        }
    }
}
