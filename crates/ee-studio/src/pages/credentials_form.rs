use maud::{Markup, html};

use crate::components::{Control, Field, FormErrors, checkbox, field};
use crate::paths;

/// What a password has to be, under the field of a new one. The server has the last word.
pub(super) const PASSWORD_HINT: &str = "15 characters or more, of any kind. A few words that do not belong together are \
    easy to remember; common passwords, your name and your address are refused.";

/// The form for e-mail and password.
#[derive(Clone, Debug, Default)]
pub struct CredentialsForm {
    /// Whether it signs in or up.
    pub mode: CredentialsMode,
    /// Whether new accounts are allowed; if not, nothing mentions them.
    pub sign_up_enabled: bool,
    /// Whether the password field also takes an access token.
    pub accepts_token: bool,
    /// Whether people may ask for a new password.
    pub can_reset: bool,
    /// The box for a longer session and whether it is ticked; `None` where all sessions last alike.
    pub remember: Option<bool>,
    /// The name typed before, when signing up.
    pub name: String,
    /// The e-mail address typed before.
    pub email: String,
    /// What is wrong with the fields.
    pub errors: FormErrors,
}

/// What a [`CredentialsForm`] does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CredentialsMode {
    /// Opens an existing account.
    #[default]
    SignIn,
    /// Creates an account.
    SignUp,
}

impl CredentialsForm {
    /// Signing up where it is switched off means signing in.
    pub(super) fn effective_mode(&self) -> CredentialsMode {
        if self.sign_up_enabled {
            self.mode
        } else {
            CredentialsMode::SignIn
        }
    }
}

pub(super) fn credentials_form(form: &CredentialsForm, redirect: &str) -> Markup {
    match form.effective_mode() {
        CredentialsMode::SignIn => sign_in(form, redirect),
        CredentialsMode::SignUp => sign_up(form, redirect),
    }
}

fn sign_in(form: &CredentialsForm, redirect: &str) -> Markup {
    let token = form.accepts_token;
    let hint = if token {
        "Not needed with an access token."
    } else {
        ""
    };
    html! {
        form.form method="post" action=(paths::LOGIN) {
            input type="hidden" name="redirect" value=(redirect);
            (field(&Field {
                hint: hint.to_owned(),
                required: !token,
                ..email(form)
            }))
            (field(&Field {
                label: if token { "Password or access token" } else { "Password" }.to_owned(),
                control: Control::CurrentPassword,
                ..password(form)
            }))
            @if form.remember.is_some() || form.can_reset {
                div.login-options {
                    @if let Some(is_ticked) = form.remember {
                        (checkbox("remember", "Stay signed in for 7 days on this device", is_ticked))
                    }
                    @if form.can_reset {
                        a href=(paths::FORGOT_PASSWORD) { "Forgot password?" }
                    }
                }
            }
            button.btn.btn--primary.btn--block type="submit" { "Sign in" }
        }
    }
}

fn sign_up(form: &CredentialsForm, redirect: &str) -> Markup {
    html! {
        form.form method="post" action=(paths::SIGN_UP) {
            input type="hidden" name="redirect" value=(redirect);
            (field(&Field {
                name: "name".to_owned(),
                label: "Name".to_owned(),
                value: form.name.clone(),
                hint: "Others see it. It may stay empty.".to_owned(),
                error: form.errors.of("name"),
                autofocus: focus(form) == Focus::Name,
                control: Control::PersonName,
                ..Field::default()
            }))
            (field(&Field { required: true, ..email(form) }))
            (field(&Field {
                hint: if form.can_reset { PASSWORD_HINT } else { "" }.to_owned(),
                control: Control::NewPassword,
                ..password(form)
            }))
            button.btn.btn--primary.btn--block type="submit" { "Create account" }
        }
    }
}

fn email(form: &CredentialsForm) -> Field {
    Field {
        name: "email".to_owned(),
        label: "Email".to_owned(),
        value: form.email.clone(),
        error: form.errors.of("email"),
        autofocus: focus(form) == Focus::Email,
        control: Control::Email,
        ..Field::default()
    }
}

fn password(form: &CredentialsForm) -> Field {
    Field {
        name: "password".to_owned(),
        label: "Password".to_owned(),
        error: form.errors.of("password"),
        required: true,
        autofocus: focus(form) == Focus::Password,
        ..Field::default()
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Focus {
    Email,
    Name,
    Password,
}

/// The first field that is wrong takes the focus, else the first that is empty.
fn focus(form: &CredentialsForm) -> Focus {
    let signing_up = form.effective_mode() == CredentialsMode::SignUp;
    let fields = [
        (Focus::Name, form.errors.is_about("name"), &form.name),
        (Focus::Email, form.errors.is_about("email"), &form.email),
    ];
    let fields = fields
        .iter()
        .filter(|(focus, ..)| signing_up || *focus != Focus::Name);
    let wrong = fields.clone().find(|(_, is_wrong, _)| *is_wrong);
    let empty = || fields.clone().find(|(.., value)| value.is_empty());
    let first = if form.errors.is_about("password") {
        wrong
    } else {
        wrong.or_else(empty)
    };
    first.map_or(Focus::Password, |(focus, ..)| *focus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(fields: &[&str]) -> FormErrors {
        let wrong = |name: &&str| ((*name).to_owned(), "Wrong.".to_owned());
        FormErrors {
            common: None,
            fields: fields.iter().map(wrong).collect(),
        }
    }

    #[test]
    fn exactly_one_field_takes_the_focus() {
        for (mode, wrong) in [
            (CredentialsMode::SignIn, &[][..]),
            (CredentialsMode::SignIn, &["password"]),
            (CredentialsMode::SignIn, &["email", "password"]),
            (CredentialsMode::SignUp, &[]),
            (CredentialsMode::SignUp, &["name", "email", "password"]),
            (CredentialsMode::SignUp, &["email"]),
            (CredentialsMode::SignUp, &["password"]),
        ] {
            let form = CredentialsForm {
                mode,
                sign_up_enabled: true,
                errors: errors(wrong),
                ..CredentialsForm::default()
            };
            let output = credentials_form(&form, "").into_string();
            assert_eq!(
                output.matches(" autofocus").count(),
                1,
                "{mode:?} {wrong:?}"
            );
        }
    }

    #[test]
    fn after_a_refusal_the_focus_is_where_typing_goes_on() {
        let refused = |name: &str, email: &str| {
            focus(&CredentialsForm {
                mode: CredentialsMode::SignUp,
                sign_up_enabled: true,
                name: name.to_owned(),
                email: email.to_owned(),
                ..CredentialsForm::default()
            })
        };

        assert!(refused("", "a@example.org") == Focus::Name);
        assert!(refused("Ada", "") == Focus::Email);
        assert!(refused("Ada", "a@example.org") == Focus::Password);
    }

    #[test]
    fn a_longer_session_and_a_new_password_are_offered_only_where_there_are() {
        let output = |remember, can_reset| {
            let form = CredentialsForm {
                can_reset,
                remember,
                ..CredentialsForm::default()
            };
            credentials_form(&form, "").into_string()
        };

        let without = output(None, false);
        assert!(!without.contains("remember") && !without.contains("Forgot"));
        let with = output(Some(true), true);
        assert!(with.contains("value=\"1\" checked") && with.contains(paths::FORGOT_PASSWORD));
        assert!(!output(Some(false), false).contains("checked"));
    }
}
