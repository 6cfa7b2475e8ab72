//! What can be said to commands that look at events.

use std::path::PathBuf;

use clap::ValueEnum;
use ee::{AuditField, AuditQuery, audit::query::Search};

use super::super::AdminArgs;

/// Which events.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Wanted {
    /// Which events, in the grammar of searches, such as 'action:agents.* outcome:denied' [default: all]
    #[arg(allow_hyphen_values = true, value_parser = filter)]
    pub(crate) filter: Option<String>,
    /// From when on, such as `2026-09-01`, `2026-09-01T10:00Z` or `-15m`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
}

/// Takes a filter, which may begin with the `-` of a negation, and no misspelt flag.
fn filter(text: &str) -> Result<String, String> {
    if text.starts_with("--") {
        return Err("there is no such flag".to_owned());
    }
    Ok(text.to_owned())
}

#[derive(Debug, clap::Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Most events
    #[arg(long, default_value_t = Search::LIMIT, value_parser = clap::value_parser!(u32).range(1..=i64::from(AuditQuery::MAX_LIMIT)))]
    pub(crate) limit: u32,
    /// What comes first: the oldest (asc) or the newest (desc)
    #[arg(long, default_value = "desc")]
    pub(crate) order: Order,
    /// Where to go on, as the answer before has said
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Order {
    /// The oldest
    Asc,
    /// The newest
    Desc,
}

impl Order {
    /// Returns the value of the parameter.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Which events, in the grammar of searches [default: all]
    #[arg(allow_hyphen_values = true, value_parser = filter)]
    pub(crate) filter: Option<String>,
    /// Go on with what comes, until Ctrl C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many events to begin with
    #[arg(short = 'n', long = "lines", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=i64::from(AuditQuery::MAX_LIMIT)))]
    pub(crate) lines: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// What is counted
    #[arg(long, default_value = "outcome")]
    pub(crate) by: By,
}

/// What is counted.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum By {
    /// What was done
    Action,
    /// Who did it
    Actor,
    /// How it ended
    Outcome,
}

impl By {
    /// Returns the field.
    pub(crate) const fn field(self) -> AuditField {
        match self {
            Self::Action => AuditField::Action,
            Self::Actor => AuditField::ActorId,
            Self::Outcome => AuditField::Outcome,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Which event: its id, or its number in the log
    pub(crate) event: String,
    /// With what was said to a model, and what it said; that is recorded
    #[arg(long)]
    pub(crate) content: bool,
    /// The bytes that were hashed, and nothing else
    #[arg(long, conflicts_with_all = ["content", "json"])]
    pub(crate) raw: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// What the copy looks like
    #[arg(long)]
    pub(crate) format: ExportTo,
    /// Where it is written; the manifest comes beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// With what was said to models, and what they said
    #[arg(long)]
    pub(crate) content: bool,
}

/// What a copy looks like.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportTo {
    /// A line of Common Event Format each
    Cef,
    /// A table
    Csv,
    /// An array with the eight fields of Mastra
    Json,
    /// A line of JSON each, with everything that `audit verify` needs
    Ndjson,
    /// A line of OCSF each
    Ocsf,
    /// A table of Apache Parquet
    #[cfg(feature = "parquet")]
    Parquet,
}
