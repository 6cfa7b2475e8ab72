use maud::{Markup, html};

use super::login_frame::login_frame;
use crate::components::{AlertKind, Control, Field, FormErrors, alert, field};
use crate::paths;

/// The form that asks for a link to set a new password.
#[derive(Clone, Debug, Default)]
pub struct ForgotPage {
    /// The e-mail address typed before.
    pub email: String,
    /// What is wrong with it.
    pub errors: FormErrors,
}

/// Renders the form; put it into the bare layout.
pub fn forgot_page(page: &ForgotPage) -> Markup {
    let content = html! {
        @if let Some(error) = &page.errors.common { (alert(AlertKind::Error, error)) }
        div.login-card {
            p { "A letter with a link lets you choose a new one. Two-step sign-in stays as it is." }
            form.form method="post" action=(paths::FORGOT_PASSWORD) {
                (field(&Field {
                    name: "email".to_owned(),
                    label: "Email".to_owned(),
                    value: page.email.clone(),
                    error: page.errors.of("email"),
                    required: true,
                    autofocus: true,
                    control: Control::Email,
                    ..Field::default()
                }))
                button.btn.btn--primary.btn--block type="submit" { "Send the letter" }
            }
        }
        p.login-switch { a href=(paths::LOGIN) { "Back to sign-in" } }
    };
    login_frame("Forgot your password?", None, content)
}
