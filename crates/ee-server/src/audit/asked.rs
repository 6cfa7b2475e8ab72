//! Parameters of a query, taken one by one: what is left over nobody knows.

use std::ops::RangeInclusive;

use ee_audit::query::{Context, MAX_TEXT_BYTES, Search};
use ee_core::Error;
use jiff::tz::TimeZone;

use crate::Cx;

/// How much of an unknown name is repeated.
const SHOWN_BYTES: usize = 40;

/// The decoded parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pairs: Vec<(String, String)>,
}

impl Asked {
    /// Takes names and values in the order of the query.
    pub const fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(other, _)| other == name)
    }

    /// Takes the one value of a parameter out.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) when it is empty, too long or there twice.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Error> {
        let mut values = self.pairs.extract_if(.., |(other, _)| other == name);
        let Some((_, value)) = values.next() else {
            return Ok(None);
        };
        let is_repeated = values.next().is_some();
        drop(values);
        let problem = if is_repeated {
            "is given more than once"
        } else if value.is_empty() {
            "must not be empty"
        } else if value.len() > MAX_TEXT_BYTES {
            "is too long"
        } else if value.contains('\0') {
            "must not hold a NUL character"
        } else {
            return Ok(Some(value));
        };
        Err(Error::invalid_field(name, problem))
    }

    /// Takes a number in plain digits out.
    pub(super) fn take_number(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Error> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        number(name, &text, range).map(Some)
    }

    /// Takes `true` or `false` out.
    pub(super) fn take_flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.take(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::invalid_field(name, "must be `true` or `false`")),
        }
    }

    /// Fails when one of these is there, which a search has and this has not.
    pub(super) fn refuse(&self, names: &[&str]) -> Result<(), Error> {
        match names.iter().find(|name| self.has(name)) {
            None => Ok(()),
            Some(name) => Err(Error::invalid_field(*name, "is no parameter here")),
        }
    }

    /// Fails when anything is left.
    pub(super) fn end(&self) -> Result<(), Error> {
        let Some((name, _)) = self.pairs.first() else {
            return Ok(());
        };
        let shown = name.get(..name.floor_char_boundary(SHOWN_BYTES));
        Err(Error::invalid_field(
            shown.unwrap_or_default(),
            "is no parameter here",
        ))
    }

    /// Takes the place out whose days and clock are meant: UTC, unless `tz` says otherwise.
    pub(super) fn take_zone(&mut self) -> Result<TimeZone, Error> {
        let Some(name) = self.take("tz")? else {
            return Ok(TimeZone::UTC);
        };
        TimeZone::get(&name).map_err(|_| {
            let message = "must be the name of a time zone, such as `Europe/Berlin`";
            Error::invalid_field("tz", message)
        })
    }

    /// Reads everything that is left as a search.
    pub(super) fn search(&self, cx: &Cx) -> Result<Search, Error> {
        let mut asked = self.clone();
        let context = Context::new(cx.now()).in_zone(asked.take_zone()?);
        let context = cx.record()?.cursors.context(&asked.pairs, context)?;
        Search::read(&asked.pairs, &context)
    }
}

/// Reads a number in plain digits.
pub(super) fn number(name: &str, text: &str, range: RangeInclusive<u64>) -> Result<u64, Error> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (least, most) = range.into_inner();
            let message = format!("must be a whole number from {least} to {most}");
            Error::invalid_field(name, message)
        })
}
