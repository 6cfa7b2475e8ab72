use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// A session that has ended (401).
#[derive(Clone, Debug, Default)]
pub struct SessionExpired {
    /// The same-origin path to return to after signing in.
    pub redirect: String,
    /// Whether a form was on its way and is lost.
    pub unsaved: bool,
}

/// Renders the page for a session that has ended.
pub fn session_expired(expired: &SessionExpired) -> Markup {
    let text = html! {
        p { "You were signed out because your session ended. Sign in again to go on where you were." }
        @if expired.unsaved { p { strong { "What you sent was not saved." } } }
    };
    let actions = html! {
        a.btn.btn--primary href=(paths::login(&expired.redirect)) { (Icon::SignIn) "Sign in" }
    };
    status_page(
        Icon::Clock,
        Tone::Neutral,
        "Session expired",
        &text,
        &actions,
    )
}
