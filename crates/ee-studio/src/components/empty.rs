use maud::{Markup, html};

use crate::Icon;

/// What a list shows when it holds nothing.
#[derive(Clone, Debug)]
pub struct EmptyState {
    /// A picture of what would be here.
    pub icon: Icon,
    /// What is missing, as a short sentence without a full stop.
    pub title: String,
    /// What it would be good for, or what to do.
    pub text: String,
    /// The next step, if the reader may take it.
    pub next: Option<NextStep>,
}

/// A link that leads on from an empty list.
#[derive(Clone, Debug)]
pub struct NextStep {
    /// A verb and its object.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// Renders an empty state.
pub fn empty(state: &EmptyState) -> Markup {
    html! {
        div.empty {
            span.empty-icon { (state.icon) }
            p.empty-title { (state.title) }
            p.empty-text { (state.text) }
            @if let Some(next) = &state.next {
                a.btn.btn--primary href=(next.href) { (next.label) }
            }
        }
    }
}
