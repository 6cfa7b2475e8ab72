use maud::{Markup, html};

use crate::Icon;

/// Renders the common shape of pages that say one thing. `actions` are buttons.
pub(super) fn status_page(icon: Icon, title: &str, text: &Markup, actions: &Markup) -> Markup {
    html! {
        section.status-page {
            span.empty-icon { (icon) }
            h1 { (title) }
            div.status-text { (text) }
            @if !actions.0.is_empty() { div.status-actions { (actions) } }
        }
    }
}
