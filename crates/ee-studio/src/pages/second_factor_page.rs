use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};

use super::login_frame::login_frame;
use crate::components::{
    AlertKind, Authenticator, Control, Field, FormErrors, alert, authenticator, field,
};
use crate::paths;

/// The second step of a sign-in.
#[derive(Clone, Debug, Default)]
pub struct SecondFactorPage {
    /// The sign-in that waits.
    pub waiting: WaitingSignIn,
    /// What it waits for.
    pub step: FactorStep,
    /// What is wrong with the last attempt.
    pub errors: FormErrors,
}

/// A sign-in that waits for its second step. All of it goes through the form: no cookie and no address holds it.
#[derive(Clone, Debug, Default)]
pub struct WaitingSignIn {
    /// When it is too late, in seconds since 1970. Only for what the page says; the server knows by itself.
    pub ends_at: i64,
    /// Whether a recovery code may be shown.
    pub has_recovery_codes: bool,
    /// Whether the session shall last longer.
    pub is_remembered: bool,
    /// A same-origin path to return to, empty for the first page.
    pub redirect: String,
    /// What continues it.
    pub token: SecretString,
}

/// What the second step of a sign-in asks for.
#[derive(Clone, Debug, Default)]
pub enum FactorStep {
    /// The account has no second factor and needs one.
    Announce,
    /// A code of the authenticator, or a recovery code.
    #[default]
    Code,
    /// The first code of an authenticator that is told this.
    Enrol(Authenticator),
}

impl SecondFactorPage {
    /// The title of the document.
    pub const fn title(&self) -> &'static str {
        match self.step {
            FactorStep::Announce | FactorStep::Enrol(_) => "Set up two-step sign-in",
            FactorStep::Code => "Enter your code",
        }
    }
}

/// Renders the second step of a sign-in; put it into the bare layout.
pub fn second_factor_page(page: &SecondFactorPage) -> Markup {
    let content = html! {
        @if let Some(error) = &page.errors.common { (alert(AlertKind::Error, error)) }
        div.login-card {
            @match &page.step {
                FactorStep::Announce => (announce(&page.waiting)),
                FactorStep::Code => (code(page)),
                FactorStep::Enrol(told) => (enrol(page, told)),
            }
        }
        p.login-switch { a href=(paths::login(&page.waiting.redirect)) { "Start the sign-in again" } }
    };
    login_frame(page.title(), None, content)
}

fn announce(waiting: &WaitingSignIn) -> Markup {
    html! {
        p { "Your password is right. Everybody here needs a second step as well: a code that an authenticator shows." }
        p.muted { "Have your phone with an authenticator app at hand, or a password manager that shows codes." }
        form.form method="post" action=(paths::ENROL) {
            (hidden(waiting))
            button.btn.btn--primary.btn--block type="submit" autofocus { "Set up" }
        }
    }
}

fn enrol(page: &SecondFactorPage, told: &Authenticator) -> Markup {
    html! {
        form.form method="post" action=(paths::SECOND_FACTOR) {
            (hidden(&page.waiting))
            (authenticator(told))
            (code_field(&page.errors, "The six digits that the authenticator shows now."))
            button.btn.btn--primary.btn--block type="submit" { "Turn on and sign in" }
        }
    }
}

fn code(page: &SecondFactorPage) -> Markup {
    let is_recovering = page.errors.is_about("recovery_code");
    html! {
        form.form method="post" action=(paths::SECOND_FACTOR) {
            (hidden(&page.waiting))
            (code_field(&page.errors, "The six digits that your authenticator shows now."))
            button.btn.btn--primary.btn--block type="submit" { "Sign in" }
        }
        @if page.waiting.has_recovery_codes {
            details.disclosure open[is_recovering] {
                summary { "Use a recovery code" }
                form.form.disclosure-body method="post" action=(paths::SECOND_FACTOR) {
                    (hidden(&page.waiting))
                    (field(&Field {
                        name: "recovery_code".to_owned(),
                        label: "Recovery code".to_owned(),
                        hint: "One of those that you kept. Each is good once.".to_owned(),
                        error: page.errors.of("recovery_code"),
                        required: true,
                        autofocus: is_recovering,
                        control: Control::RecoveryCode,
                        ..Field::default()
                    }))
                    button.btn.btn--block type="submit" { "Sign in with the recovery code" }
                }
            }
        }
    }
}

fn code_field(errors: &FormErrors, hint: &str) -> Markup {
    field(&Field {
        name: "code".to_owned(),
        label: "Code".to_owned(),
        hint: hint.to_owned(),
        error: errors.of("code"),
        required: true,
        autofocus: !errors.is_about("recovery_code"),
        control: Control::OneTimeCode,
        ..Field::default()
    })
}

fn hidden(waiting: &WaitingSignIn) -> Markup {
    html! {
        input type="hidden" name="token" value=(waiting.token.expose_secret());
        input type="hidden" name="ends_at" value=(waiting.ends_at);
        input type="hidden" name="redirect" value=(waiting.redirect);
        @if waiting.has_recovery_codes { input type="hidden" name="has_recovery_codes" value="1"; }
        @if waiting.is_remembered { input type="hidden" name="remember" value="1"; }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(step: FactorStep) -> SecondFactorPage {
        let hostile = "\"><script>x</script>";
        SecondFactorPage {
            waiting: WaitingSignIn {
                has_recovery_codes: true,
                redirect: hostile.to_owned(),
                token: hostile.into(),
                ..WaitingSignIn::default()
            },
            step,
            errors: FormErrors {
                common: Some(hostile.to_owned()),
                fields: vec![("recovery_code".to_owned(), hostile.to_owned())],
            },
        }
    }

    #[test]
    fn what_came_from_a_form_is_escaped_and_not_printed() {
        for step in [FactorStep::Announce, FactorStep::Code] {
            let page = page(step);
            let output = second_factor_page(&page).into_string();
            assert!(!output.contains("<script"), "{output}");
        }
        let waiting = WaitingSignIn {
            token: "s3cr3t".into(),
            ..WaitingSignIn::default()
        };
        assert!(!format!("{waiting:?}").contains("s3cr3t"));
    }

    #[test]
    fn the_wrong_field_takes_the_focus_and_is_open() {
        let output = second_factor_page(&page(FactorStep::Code)).into_string();

        assert_eq!(output.matches(" autofocus").count(), 1);
        assert!(output.contains("<details class=\"disclosure\" open>"));
    }
}
