use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// The end of a session that an identity provider had a part in.
#[derive(Clone, Debug, Default)]
pub struct SignedOut {
    /// The address at the identity provider that ends the session there too.
    pub provider_href: String,
}

/// Renders the page between signing out here and at the identity provider. It is a page, and not
/// a redirect, because the policy for form targets would refuse that.
pub fn signed_out(end: &SignedOut) -> Markup {
    let text = html! {
        p { "You are signed out of Studio. Your identity provider may still know you." }
    };
    let actions = html! {
        a.btn.btn--primary href=(end.provider_href) { (Icon::SignOut) "Sign out there too" }
        a.btn href=(paths::LOGIN) { "Sign in again" }
    };
    status_page(Icon::SignOut, Tone::Neutral, "Signed out", &text, &actions)
}
