use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// Something dangerous in a session that began too long ago (401, RFC 9470).
#[derive(Clone, Debug, Default)]
pub struct StepUp {
    /// The same-origin path to return to after signing in, empty for the first page.
    pub redirect: String,
    /// Whether a form was on its way and is lost.
    pub unsaved: bool,
}

/// Renders the page that asks somebody who is signed in to sign in again.
pub fn step_up(wanted: &StepUp) -> Markup {
    let back = if wanted.redirect.is_empty() {
        paths::BASE
    } else {
        &wanted.redirect
    };
    let text = html! {
        p { "You signed in more than ten minutes ago, and this needs somebody who has just signed in." }
        @if wanted.unsaved { p { strong { "Nothing was changed." } } }
    };
    let actions = html! {
        a.btn.btn--primary href=(paths::step_up(&wanted.redirect)) { (Icon::SignIn) "Sign in again" }
        a.btn href=(back) { "Go back" }
    };
    status_page(
        Icon::Lock,
        Tone::Neutral,
        "Confirm that it is you",
        &text,
        &actions,
    )
}
