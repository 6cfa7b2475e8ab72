use maud::{Markup, html};

use crate::Icon;

/// A link that starts signing in.
#[derive(Clone, Debug, Default)]
pub struct LoginButton {
    /// What it says, e.g. "Sign in" or "Sign in with Acme".
    pub label: String,
    /// A same-origin address that starts the flow.
    pub href: String,
}

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weight {
    /// Beside something else.
    Plain,
    /// The one thing to do.
    Primary,
}

/// Renders the way in. It is a link and not a form, because the policy for form
/// targets would also refuse the redirect to an identity provider.
pub fn login_button(button: &LoginButton, weight: Weight) -> Markup {
    html! {
        a.btn.btn--block.btn--primary[weight == Weight::Primary] href=(button.href) { (Icon::SignIn) (button.label) }
    }
}
