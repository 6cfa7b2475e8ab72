//! The parameters of a search.

use std::collections::BTreeMap;

use ee_core::{AuditField, AuditFilter, AuditQuery, AuditTest, Error, words_of};

use super::{
    Context, Counting, MAX_TERMS, MAX_TEXT_BYTES, NUL, Order, Search, clipped, compare,
    normal::{all, any, not},
    parse,
    suggest::nearest,
    value,
};

/// Parameters that are no fields.
const OTHERS: [&str; 10] = [
    "code",
    "count",
    "cursor",
    "filter",
    "from",
    "limit",
    "minDuration",
    "order",
    "q",
    "to",
];

/// The values of one parameter.
pub(super) struct Values<'a> {
    pub(super) name: &'a str,
    values: Vec<&'a str>,
}

impl Search {
    /// Reads the decoded parameters of a request. One that is given several times asks for one of its values, except
    /// that no action may be one of those with a leading `-`; different ones must all fit. Both `from` and `to` are
    /// within what is searched.
    ///
    /// Acts that are only about to be done are left out unless `stage`, or the filter, says something of them.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid), and the name of the parameter, for one that is
    /// unknown, empty or malformed.
    pub fn read(pairs: &[(String, String)], context: &Context) -> Result<Self, Error> {
        let mut search = Self::new(AuditFilter::EVERYTHING, context.now);
        let mut parts = Vec::new();
        let mut stage = None;
        for values in grouped(pairs, is_known)? {
            match values.name {
                "count" => search.count = values.once(counting)?,
                "cursor" => search.cursor = Some(values.once(|text| Ok(text.to_owned()))?),
                "limit" => search.limit = values.once(limit)?,
                "order" => search.order = values.once(order)?,
                "stage" => stage = Some(values.any(self::stage)?),
                _ => parts.push(filter(&values, context)?),
            }
        }
        let filter = all(parts);
        let stage = stage.unwrap_or_else(|| default_stage(&filter));
        search.filter = all([filter, stage]);
        Ok(search)
    }
}

/// Reads a parameter that says which events.
fn filter(values: &Values<'_>, context: &Context) -> Result<AuditFilter, Error> {
    match values.name {
        "action" => actions(values),
        "code" => values.any(value::code),
        "filter" => Ok(parse(values.one()?, context)?),
        "from" => values.once(|text| moment(">=", text, context)),
        "minDuration" => values.once(|text| match compare::millis(text) {
            Some(millis) => Ok(AuditFilter::AtLeast(millis)),
            None => Err("must be milliseconds, or a time such as `2s`".to_owned()),
        }),
        "q" => words(values),
        "to" => values.once(|text| moment("<=", text, context)),
        _ => field(values),
    }
}

/// Reads a parameter that is the name of a field.
pub(super) fn field(values: &Values<'_>) -> Result<AuditFilter, Error> {
    let Some(field) = AuditField::find(values.name) else {
        return Err(unknown(values.name));
    };
    values.any(|text| value::read(field, AuditTest::Is(text.to_owned())))
}

/// Reads actions: whole ones, ones with a `*` at an end, and those that are not wanted.
pub(super) fn actions(values: &Values<'_>) -> Result<AuditFilter, Error> {
    let mut wanted = Vec::new();
    let mut unwanted = Vec::new();
    for text in &values.values {
        let (list, text) = match text.strip_prefix('-') {
            Some(text) => (&mut unwanted, text),
            None => (&mut wanted, *text),
        };
        list.push(action(text).map_err(|message| values.wrong(message))?);
    }
    let wanted = (!wanted.is_empty()).then(|| any(wanted));
    Ok(all(wanted.into_iter().chain(unwanted.into_iter().map(not))))
}

fn action(text: &str) -> Result<AuditFilter, String> {
    let test = match (text.strip_prefix('*'), text.strip_suffix('*')) {
        (None, None) => AuditTest::Is(text.to_owned()),
        (Some(_), Some(_)) if text.len() > 1 => {
            return Err("can have a `*` at one end only".to_owned());
        }
        (Some(end), _) => AuditTest::EndsWith(end.to_owned()),
        (None, Some(start)) => AuditTest::StartsWith(start.to_owned()),
    };
    value::read(AuditField::Action, test)
}

/// Reads a time that bounds what is searched.
pub(super) fn moment(bound: &str, text: &str, context: &Context) -> Result<AuditFilter, String> {
    if text.starts_with(['<', '>', '=']) {
        return Err("must be a day or a time, without a sign before it".to_owned());
    }
    compare::created(&format!("{bound}{text}"), context)
}

fn words(values: &Values<'_>) -> Result<AuditFilter, Error> {
    let words_of = |text: &str| words_of(text).collect::<Vec<String>>();
    let count: usize = values.values.iter().map(|text| words_of(text).len()).sum();
    if count > MAX_TERMS {
        return Err(values.wrong(format!("has more than {MAX_TERMS} words")));
    }
    values.any(|text| match words_of(text) {
        words if words.is_empty() => Err("holds no letter and no digit to search for".to_owned()),
        words => Ok(AuditFilter::Words(words)),
    })
}

fn stage(text: &str) -> Result<AuditFilter, String> {
    if text == "all" {
        return Ok(AuditFilter::EVERYTHING);
    }
    let read = value::read(AuditField::Stage, AuditTest::Is(text.to_owned()));
    read.map_err(|_| "must be `result`, `intent` or `all`".to_owned())
}

/// Leaves out what is only about to be done, unless the filter says something of it.
pub(super) fn default_stage(filter: &AuditFilter) -> AuditFilter {
    if has_stage(filter) {
        AuditFilter::EVERYTHING
    } else {
        AuditFilter::is(AuditField::Stage, "result")
    }
}

fn has_stage(filter: &AuditFilter) -> bool {
    match filter {
        AuditFilter::All(parts) | AuditFilter::Any(parts) => parts.iter().any(has_stage),
        AuditFilter::Field(field, _) => *field == AuditField::Stage,
        AuditFilter::Not(part) => has_stage(part),
        _ => false,
    }
}

fn limit(text: &str) -> Result<u32, String> {
    bounded(text, 1, AuditQuery::MAX_LIMIT)
}

/// Reads a whole number in plain digits.
pub(super) fn bounded(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    number
        .filter(|_| is_plain)
        .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

fn order(text: &str) -> Result<Order, String> {
    match text {
        "asc" => Ok(Order::Ascending),
        "desc" => Ok(Order::Descending),
        _ => Err("must be `asc` or `desc`".to_owned()),
    }
}

fn counting(text: &str) -> Result<Counting, String> {
    match text {
        "capped" => Ok(Counting::Capped),
        "exact" => Ok(Counting::Exact),
        "none" => Ok(Counting::None),
        _ => Err("must be `none`, `capped` or `exact`".to_owned()),
    }
}

/// Collects the values of each parameter, by name.
pub(super) fn grouped(
    pairs: &[(String, String)],
    is_known: impl Fn(&str) -> bool,
) -> Result<Vec<Values<'_>>, Error> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (at, (name, value)) in pairs.iter().enumerate() {
        if !is_known(name) {
            return Err(unknown(name));
        }
        let wrong = |message: String| Error::invalid_field(name, message);
        if at >= MAX_TERMS {
            let message = format!("is one of more than {MAX_TERMS} parameters");
            return Err(wrong(message));
        }
        if value.is_empty() {
            return Err(wrong("must not be empty".to_owned()));
        }
        if value.len() > MAX_TEXT_BYTES {
            return Err(wrong(format!("has more than {MAX_TEXT_BYTES} bytes")));
        }
        if value.contains(NUL) {
            return Err(wrong("must not hold a NUL character".to_owned()));
        }
        groups.entry(name).or_default().push(value);
    }
    let groups = groups.into_iter();
    Ok(groups
        .map(|(name, values)| Values { name, values })
        .collect())
}

fn is_known(name: &str) -> bool {
    OTHERS.contains(&name) || AuditField::find(name).is_some()
}

fn unknown(name: &str) -> Error {
    let known = AuditField::ALL.into_iter().map(AuditField::as_str);
    let message = match nearest(name, known.chain(OTHERS)) {
        Some(known) => format!("is no parameter; did you mean `{known}`?"),
        None => "is no parameter".to_owned(),
    };
    Error::invalid_field(clipped(name), message)
}

impl Values<'_> {
    /// Takes each value for a list with commas.
    pub(super) fn split(self) -> Result<Self, Error> {
        let values = self.values.iter().flat_map(|value| value.split(','));
        let split = Self {
            name: self.name,
            values: values.collect(),
        };
        if split.len() > MAX_TERMS {
            return Err(self.wrong(format!("has more than {MAX_TERMS} values")));
        }
        Ok(split)
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns the one value.
    pub(super) fn one(&self) -> Result<&str, Error> {
        match self.values.as_slice() {
            [value] => Ok(value),
            _ => Err(self.wrong("is given more than once".to_owned())),
        }
    }

    /// Reads the one value.
    pub(super) fn once<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Error> {
        read(self.one()?).map_err(|message| self.wrong(message))
    }

    /// Reads the values, of which one must fit.
    pub(super) fn any(
        &self,
        read: impl Fn(&str) -> Result<AuditFilter, String>,
    ) -> Result<AuditFilter, Error> {
        let parts: Result<Vec<_>, String> = self.values.iter().map(|text| read(text)).collect();
        parts.map(any).map_err(|message| self.wrong(message))
    }

    pub(super) fn wrong(&self, message: String) -> Error {
        Error::invalid_field(self.name, message)
    }
}
