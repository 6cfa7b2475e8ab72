use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// Something that does not exist, or is not visible to this person (404).
#[derive(Clone, Debug, Default)]
pub struct NotFound {
    /// What was looked for, e.g. "agent"; empty for an unknown address.
    pub what: String,
}

/// Renders the page for a wrong address.
pub fn not_found(missing: &NotFound) -> Markup {
    let title = if missing.what.is_empty() {
        "Page not found".to_owned()
    } else {
        format!("No such {}", missing.what)
    };
    let text = html! {
        p { "It may have been deleted or renamed, or the address has a mistake in it." }
    };
    let actions = html! { a.btn href=(paths::BASE) { "Go to the first page" } };
    status_page(Icon::Compass, Tone::Neutral, &title, &text, &actions)
}
