use maud::{Markup, html};

use crate::Icon;

/// The colour of the picture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tone {
    Danger,
    Neutral,
    Warning,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Danger => "tone-danger",
            Self::Neutral => "tone-accent",
            Self::Warning => "tone-warning",
        }
    }
}

/// Renders the common shape of pages that say one thing. `actions` are buttons.
pub(super) fn status_page(
    icon: Icon,
    tone: Tone,
    title: &str,
    text: &Markup,
    actions: &Markup,
) -> Markup {
    html! {
        section.status-page {
            span.empty-icon.(tone.class()) { (icon) }
            h1 { (title) }
            div.status-text { (text) }
            @if !actions.0.is_empty() { div.status-actions { (actions) } }
        }
    }
}
