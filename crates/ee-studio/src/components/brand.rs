use maud::{Markup, html};

use crate::paths;

/// Renders the mark: a gate with a keyhole.
pub fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false" {
            rect.mark-ground width="32" height="32" rx="8" {}
            path.mark-line d="M8.5 24V15a7.5 7.5 0 0 1 15 0v9" fill="none" stroke-width="3"
                stroke-linecap="round" {}
            circle.mark-dot cx="16" cy="16.5" r="2.6" {}
            path.mark-line d="M16 17v7" fill="none" stroke-width="2.6" stroke-linecap="round" {}
        }
    }
}

/// Renders the mark and the name, leading to the first page.
pub fn brand() -> Markup {
    html! {
        a.brand href=(paths::BASE) { (mark()) span { "Studio" } }
    }
}
