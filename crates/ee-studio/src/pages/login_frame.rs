use maud::{Markup, html};

use crate::{Icon, components::mark};

/// Renders the common shape of the pages before the sign-in. `note` stands beside a lock.
#[expect(
    clippy::needless_pass_by_value,
    reason = "markup is built in place by the caller"
)]
pub(super) fn login_frame(title: &str, note: Option<&str>, content: Markup) -> Markup {
    html! {
        div.login {
            div.login-head {
                (mark())
                h1 { (title) }
                @if let Some(note) = note {
                    p.login-note { (Icon::Lock) span { (note) } }
                }
            }
            (content)
        }
    }
}
