use maud::{Markup, html};

use crate::Icon;

/// The state of a run or of one of its steps.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Status {
    /// Somebody stopped it.
    Canceled,
    /// It ended with an error.
    Failed,
    /// The server stopped while it ran.
    Interrupted,
    /// It waits for its turn.
    #[default]
    Pending,
    /// It is at work.
    Running,
    /// It was left out.
    Skipped,
    /// It ended well.
    Success,
}

impl Status {
    /// The word that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Canceled => "Canceled",
            Self::Failed => "Failed",
            Self::Interrupted => "Interrupted",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Skipped => "Skipped",
            Self::Success => "Succeeded",
        }
    }

    /// Whether more is going to happen by itself.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }

    /// The picture of the state.
    pub const fn icon(self) -> Icon {
        match self {
            Self::Canceled | Self::Skipped => Icon::Cancelled,
            Self::Failed => Icon::Failed,
            Self::Interrupted => Icon::Interrupted,
            Self::Pending => Icon::Pending,
            Self::Running => Icon::Busy,
            Self::Success => Icon::Success,
        }
    }

    /// The class that carries its colour.
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Canceled | Self::Pending | Self::Skipped => "tone-neutral",
            Self::Failed => "tone-danger",
            Self::Interrupted => "tone-warning",
            Self::Running => "tone-info",
            Self::Success => "tone-success",
        }
    }
}

/// Renders a state as picture and word, so that colour is never alone.
pub fn status_badge(status: Status) -> Markup {
    html! {
        span.badge.(status.tone()) { (status.icon()) (status.label()) }
    }
}
