//! Values on the wire.

use std::{error::Error, fmt};

use bytes::BytesMut;
use ee_sql::{Value, ValueRef};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

/// A value that is sent. Its `Debug`, which the driver logs, tells the kind alone.
#[derive(Debug)]
pub(crate) struct Param<'a>(pub(crate) &'a Value);

impl Param<'_> {
    /// Returns the type that the value has by itself.
    pub(crate) const fn own_type(&self) -> Type {
        match self.0 {
            Value::Blob(_) => Type::BYTEA,
            Value::Integer(_) => Type::INT8,
            // The server finds out.
            Value::Null => Type::UNKNOWN,
            Value::Text(_) => Type::TEXT,
        }
    }
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self.0, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Blob(bytes), &Type::BYTEA) => bytes.as_slice().to_sql(ty, out),
            (Value::Integer(number), &Type::INT8) => number.to_sql(ty, out),
            (Value::Integer(number), &Type::INT4) => i32::try_from(*number)
                .map_err(|_| Unsuitable)?
                .to_sql(ty, out),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME | &Type::UNKNOWN) => {
                text.as_str().to_sql(ty, out)
            }
            _ => Err(Unsuitable.into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value that came back.
struct Column<'a>(ValueRef<'a>);

impl<'a> FromSql<'a> for Column<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let value = match *ty {
            Type::BOOL => ValueRef::Integer(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            Type::INT4 => ValueRef::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => ValueRef::Integer(i64::from_sql(ty, raw)?),
            Type::NAME | Type::TEXT | Type::VARCHAR => ValueRef::Text(<&str>::from_sql(ty, raw)?),
            // What a function without a result returns.
            Type::VOID => ValueRef::Null,
            _ => return Err(Unsuitable.into()),
        };
        Ok(Self(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Reads a row.
pub(crate) fn read(row: &Row) -> Result<ee_sql::Row, tokio_postgres::Error> {
    let value = |index| row.try_get(index).map(|Column(value)| Value::from(value));
    let values: Result<Vec<Value>, _> = (0..row.len()).map(value).collect();
    values.map(ee_sql::Row::from)
}

/// Returns what stands in a row, where it lies.
pub(crate) fn columns(row: &Row) -> Result<Vec<ValueRef<'_>>, tokio_postgres::Error> {
    let value = |index| row.try_get(index).map(|Column(value)| value);
    (0..row.len()).map(value).collect()
}

/// A value stands where another kind is expected.
#[derive(Debug)]
struct Unsuitable;

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value is of another kind than its place")
    }
}

impl Error for Unsuitable {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: impl Into<Value>, ty: &Type) -> Option<Vec<u8>> {
        let mut out = BytesMut::new();
        Param(&value.into())
            .to_sql(ty, &mut out)
            .ok()
            .map(|_| out.to_vec())
    }

    #[test]
    fn a_value_comes_back_as_it_was_sent() {
        for (value, ty) in [
            (Value::Integer(i64::MIN), Type::INT8),
            (Value::Integer(-5), Type::INT4),
            (Value::from("ä'\"%"), Type::TEXT),
            (Value::Blob(vec![0, 1, 255]), Type::BYTEA),
        ] {
            let raw = sent(value.clone(), &ty).unwrap();

            assert_eq!(Value::from(Column::from_sql(&ty, &raw).unwrap().0), value);
        }
        assert_eq!(
            Column::from_sql_null(&Type::TEXT).unwrap().0,
            ValueRef::Null
        );
        assert_eq!(
            Column::from_sql(&Type::BOOL, &[1]).unwrap().0,
            ValueRef::Integer(1)
        );
    }

    #[test]
    fn a_value_of_another_kind_is_refused_and_not_shown() {
        assert_eq!(sent("secret", &Type::INT8), None);
        assert_eq!(sent(i64::MAX, &Type::INT4), None);
        assert_eq!(sent(b"secret".to_vec(), &Type::TEXT), None);
        assert!(Column::from_sql(&Type::FLOAT8, &[0; 8]).is_err());
        assert!(!format!("{:?}", Param(&Value::from("secret"))).contains("secret"));
    }
}
