use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::Icon;
use crate::components::{LoginButton, Weight, login_button};

/// What somebody sees who opens a page without having signed in.
#[derive(Clone, Debug, Default)]
pub struct AuthRequired {
    /// Words of the operator.
    pub description: Option<String>,
    /// The way in, if there is one for browsers.
    pub sign_in: Option<LoginButton>,
    /// The address of the sign-up page, where it is on.
    pub sign_up_href: Option<String>,
}

/// Renders the gate before a page.
pub fn auth_required(gate: &AuthRequired) -> Markup {
    let text = html! {
        @match &gate.sign_in {
            Some(_) => p { "You need to be signed in to see this page." },
            None => p {
                "This server offers no sign-in page. Requests need an "
                code { "Authorization" } " header."
            },
        }
        @if let Some(description) = &gate.description {
            div.notice { (Icon::Lock) p { (description) } }
        }
    };
    let actions = html! {
        @if let Some(button) = &gate.sign_in { (login_button(button, Weight::Primary)) }
        @if let Some(href) = &gate.sign_up_href { a.btn.btn--ghost href=(href) { "Sign up" } }
    };
    let title = if gate.sign_in.is_some() {
        "Sign in to continue"
    } else {
        "Authentication required"
    };
    status_page(Icon::Lock, Tone::Neutral, title, &text, &actions)
}
