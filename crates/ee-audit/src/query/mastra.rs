//! The parameters of `GET /api/audit`, as clients of Mastra send them.

use ee_core::{AuditField, AuditFilter, AuditQuery, AuditTest, Error};

use super::{
    Context, Counting, Search,
    normal::all,
    params::{Values, actions, bounded, default_stage, field, grouped, moment},
    value,
};

const NAMES: [&str; 13] = [
    "action",
    "actionPrefix",
    "actorId",
    "actorType",
    "endDate",
    "limit",
    "offset",
    "outcome",
    "page",
    "perPage",
    "resourceId",
    "resourceType",
    "startDate",
];

/// Which part of what fits, as the two generations of clients say it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MastraPage {
    /// The older one: so many from there.
    Offset {
        /// How many to leave out.
        offset: u32,
        /// Most events.
        limit: u32,
    },
    /// The newer one.
    Page {
        /// Which page, from 0.
        page: u32,
        /// Most events of a page. `None`: they asked for all.
        per_page: Option<u32>,
    },
}

impl MastraPage {
    /// Last event that a number can reach: whoever wants more follows a cursor.
    pub const LAST: u32 = 10_000;
    const LIMIT: u32 = 100;
    const PER_PAGE: u32 = 50;

    /// Returns how many events to leave out.
    pub const fn offset(self) -> u32 {
        match self {
            Self::Offset { offset, .. } => offset,
            Self::Page { page, .. } => page.saturating_mul(self.limit()),
        }
    }

    /// Returns the most events of the part. Whoever asks for all gets as many as fit into one answer.
    pub const fn limit(self) -> u32 {
        match self {
            Self::Offset { limit, .. } => limit,
            Self::Page {
                per_page: Some(per_page),
                ..
            } => per_page,
            Self::Page { per_page: None, .. } => AuditQuery::MAX_LIMIT,
        }
    }
}

/// A search of `GET /api/audit`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MastraSearch {
    /// Which part.
    pub page: MastraPage,
    /// Which events, the newest first, counted exactly.
    pub search: Search,
}

impl MastraSearch {
    /// Reads the decoded parameters of a request. It is one of the newer generation if it has `page`, `perPage` or
    /// `actionPrefix`, or asks for several actions. Both dates are within what is searched.
    ///
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid), and the name of the parameter, for one that is
    /// unknown, empty, malformed or of the other generation.
    pub fn read(pairs: &[(String, String)], context: &Context) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut offset: Option<u32> = None;
        let mut limit: Option<u32> = None;
        let mut page: Option<u32> = None;
        let mut per_page: Option<Option<u32>> = None;
        let mut is_newer = false;
        for values in grouped(pairs, |name| NAMES.contains(&name))? {
            match values.name {
                "limit" => limit = Some(values.once(count)?),
                "offset" => offset = Some(values.once(place)?),
                "page" => page = Some(values.once(place)?),
                "perPage" => per_page = Some(values.once(count_or_all)?),
                _ => {
                    let (part, has_newer) = filter(values, context)?;
                    is_newer |= has_newer;
                    parts.push(part);
                }
            }
        }
        is_newer |= page.is_some() || per_page.is_some();
        let older = [offset.map(|_| "offset"), limit.map(|_| "limit")];
        if let (true, Some(name)) = (is_newer, older.into_iter().flatten().next()) {
            let message = "does not go with `page`, `perPage`, `actionPrefix` or several actions";
            return Err(Error::invalid_field(name, message));
        }
        let page = if is_newer {
            MastraPage::Page {
                page: page.unwrap_or(0),
                per_page: per_page.unwrap_or(Some(MastraPage::PER_PAGE)),
            }
        } else {
            MastraPage::Offset {
                offset: offset.unwrap_or(0),
                limit: limit.unwrap_or(MastraPage::LIMIT),
            }
        };
        if page.offset().saturating_add(page.limit()) > MastraPage::LAST {
            let name = if is_newer { "page" } else { "offset" };
            let message = format!("reaches beyond event {}", MastraPage::LAST);
            return Err(Error::invalid_field(name, message));
        }
        let filter = all(parts);
        let stage = default_stage(&filter);
        let mut search = Search::new(all([filter, stage]), context.now);
        search.count = Counting::Exact;
        search.limit = page.limit();
        Ok(Self { page, search })
    }
}

/// Reads a parameter that says which events, and tells whether only newer clients send such.
fn filter(values: Values<'_>, context: &Context) -> Result<(AuditFilter, bool), Error> {
    let older = |filter| (filter, false);
    match values.name {
        "action" => {
            let values = values.split()?;
            Ok((actions(&values)?, values.len() > 1))
        }
        "actionPrefix" => Ok((values.any(prefix)?, true)),
        "endDate" => values.once(|text| moment("<=", text, context)).map(older),
        "startDate" => values.once(|text| moment(">=", text, context)).map(older),
        _ => field(&values).map(older),
    }
}

fn prefix(text: &str) -> Result<AuditFilter, String> {
    value::read(AuditField::Action, AuditTest::StartsWith(text.to_owned()))
}

fn count(text: &str) -> Result<u32, String> {
    bounded(text, 1, AuditQuery::MAX_LIMIT)
}

fn count_or_all(text: &str) -> Result<Option<u32>, String> {
    if text == "false" {
        return Ok(None);
    }
    count(text).map(Some)
}

fn place(text: &str) -> Result<u32, String> {
    bounded(text, 0, MastraPage::LAST)
}
