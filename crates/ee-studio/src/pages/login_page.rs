use maud::{Markup, html};

use crate::components::{
    AlertKind, Control, Field, LoginButton, Weight, alert, field, login_button, mark,
};
use crate::{Icon, paths};

/// The page for signing in and signing up.
#[derive(Clone, Debug, Default)]
pub struct LoginPage {
    /// What the server offers.
    pub state: LoginState,
    /// Why the last attempt failed, from the form or from `?error=`.
    pub error: Option<String>,
    /// Why somebody who was signed in is here again.
    pub notice: Option<String>,
    /// A same-origin path to return to, empty for the first page.
    pub redirect: String,
}

/// What the server offers to somebody who has not signed in.
#[derive(Clone, Debug, Default)]
pub enum LoginState {
    /// Authentication is switched off.
    #[default]
    NotConfigured,
    /// Authentication is on, but there is no way to sign in with a browser.
    Unavailable,
    /// There are ways to sign in.
    Ready(LoginOptions),
}

/// The ways to sign in; both may be offered.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    /// Words of the operator, shown beside a lock.
    pub description: Option<String>,
    /// The form for e-mail and password.
    pub credentials: Option<CredentialsForm>,
    /// The button for single sign-on.
    pub sso: Option<LoginButton>,
}

/// The form for e-mail and password.
#[derive(Clone, Debug, Default)]
pub struct CredentialsForm {
    /// Whether it signs in or up.
    pub mode: CredentialsMode,
    /// Whether new accounts are allowed; if not, nothing mentions them.
    pub sign_up_enabled: bool,
    /// Whether the password field also takes an access token.
    pub accepts_token: bool,
    /// The name typed before, when signing up.
    pub name: String,
    /// The e-mail address typed before.
    pub email: String,
    /// What is wrong with the name.
    pub name_error: Option<String>,
    /// What is wrong with the e-mail address.
    pub email_error: Option<String>,
    /// What is wrong with the password.
    pub password_error: Option<String>,
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

impl LoginPage {
    /// The title of the document.
    pub fn title(&self) -> &'static str {
        if self.is_signing_up() {
            "Sign up"
        } else {
            "Sign in"
        }
    }

    fn is_signing_up(&self) -> bool {
        matches!(&self.state, LoginState::Ready(LoginOptions {
            credentials: Some(form), ..
        }) if effective_mode(form) == CredentialsMode::SignUp)
    }

    fn description(&self) -> Option<&str> {
        match &self.state {
            LoginState::Ready(options) => options.description.as_deref(),
            LoginState::NotConfigured | LoginState::Unavailable => None,
        }
    }
}

/// Renders the sign-in page; put it into the bare layout.
pub fn login_page(page: &LoginPage) -> Markup {
    html! {
        div.login {
            div.login-head {
                (mark())
                h1 {
                    @match &page.state {
                        LoginState::NotConfigured => "Authentication is not configured",
                        LoginState::Unavailable => "Authentication required",
                        LoginState::Ready(_) if page.is_signing_up() => "Create your account",
                        LoginState::Ready(_) => "Sign in to Studio",
                    }
                }
                @if let Some(description) = page.description() {
                    p.login-note { (Icon::Lock) span { (description) } }
                }
            }
            @if let Some(notice) = &page.notice { (alert(AlertKind::Info, notice)) }
            @if let Some(error) = &page.error { (alert(AlertKind::Error, error)) }
            @match &page.state {
                LoginState::NotConfigured => (not_configured()),
                LoginState::Unavailable => (unavailable()),
                LoginState::Ready(options) => (ready(options, &page.redirect)),
            }
        }
    }
}

fn not_configured() -> Markup {
    html! {
        div.login-card {
            p { "This server is open to everyone who reaches it; there is nothing to sign in to." }
            a.btn.btn--primary.btn--block href=(paths::BASE) { "Open Studio" }
        }
    }
}

fn unavailable() -> Markup {
    html! {
        div.login-card {
            p {
                "This server offers no sign-in page. Requests need an "
                code { "Authorization" } " header with a token that your administrator issued."
            }
            p.muted { "To sign in with a browser, configure a provider with credentials or single sign-on." }
        }
    }
}

fn ready(options: &LoginOptions, redirect: &str) -> Markup {
    let weight = match options.credentials {
        Some(_) => Weight::Plain,
        None => Weight::Primary,
    };
    html! {
        div.login-card {
            @if let Some(form) = &options.credentials { (credentials(form, redirect)) }
            @if options.credentials.is_some() && options.sso.is_some() {
                div.divider { span { "or" } }
            }
            @if let Some(button) = &options.sso { (login_button(button, weight)) }
            @if options.credentials.is_none() && options.sso.is_none() {
                p { "No way to sign in is configured." }
            }
        }
        @if let Some(form) = options.credentials.as_ref().filter(|form| form.sign_up_enabled) {
            p.login-switch {
                @match form.mode {
                    CredentialsMode::SignIn => {
                        "No account yet? " a href=(paths::sign_up(redirect)) { "Sign up" }
                    }
                    CredentialsMode::SignUp => {
                        "Already have an account? " a href=(paths::login(redirect)) { "Sign in" }
                    }
                }
            }
        }
    }
}

/// Signing up where it is switched off means signing in.
fn effective_mode(form: &CredentialsForm) -> CredentialsMode {
    if form.sign_up_enabled {
        form.mode
    } else {
        CredentialsMode::SignIn
    }
}

fn credentials(form: &CredentialsForm, redirect: &str) -> Markup {
    let (action, button, password) = match effective_mode(form) {
        CredentialsMode::SignIn => (paths::LOGIN, "Sign in", Control::CurrentPassword),
        CredentialsMode::SignUp => (paths::SIGN_UP, "Create account", Control::NewPassword),
    };
    let signing_up = action == paths::SIGN_UP;
    let token = form.accepts_token && !signing_up;
    let focus = focus(form);
    html! {
        form.form method="post" action=(action) {
            input type="hidden" name="redirect" value=(redirect);
            @if signing_up {
                (field(&Field {
                    name: "name".to_owned(),
                    label: "Name".to_owned(),
                    value: form.name.clone(),
                    hint: "Others see it. It may stay empty.".to_owned(),
                    error: form.name_error.clone(),
                    autofocus: focus == Focus::Name,
                    control: Control::PersonName,
                    ..Field::default()
                }))
            }
            (field(&Field {
                name: "email".to_owned(),
                label: "Email".to_owned(),
                value: form.email.clone(),
                hint: if token { "Not needed with an access token.".to_owned() } else { String::new() },
                error: form.email_error.clone(),
                required: !token,
                autofocus: focus == Focus::Email,
                control: Control::Email,
            }))
            (field(&Field {
                name: "password".to_owned(),
                label: if token { "Password or access token" } else { "Password" }.to_owned(),
                error: form.password_error.clone(),
                required: true,
                autofocus: focus == Focus::Password,
                control: password,
                ..Field::default()
            }))
            button.btn.btn--primary.btn--block type="submit" { (button) }
        }
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
    let signing_up = effective_mode(form) == CredentialsMode::SignUp;
    let fields = [
        (Focus::Name, form.name_error.is_some(), &form.name),
        (Focus::Email, form.email_error.is_some(), &form.email),
    ];
    let fields = fields
        .iter()
        .filter(|(focus, ..)| signing_up || *focus != Focus::Name);
    let wrong = fields.clone().find(|(_, is_wrong, _)| *is_wrong);
    let empty = || fields.clone().find(|(.., value)| value.is_empty());
    let first = match form.password_error {
        Some(_) => wrong,
        None => wrong.or_else(empty),
    };
    first.map_or(Focus::Password, |(focus, ..)| *focus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(form: Option<CredentialsForm>, sso: bool) -> String {
        login_page(&LoginPage {
            state: LoginState::Ready(LoginOptions {
                description: None,
                credentials: form,
                sso: sso.then(|| LoginButton {
                    label: "Sign in with Acme".to_owned(),
                    href: "/studio/login/sso".to_owned(),
                }),
            }),
            error: Some("<script>x</script>".to_owned()),
            notice: Some("<script>x</script>".to_owned()),
            redirect: "/studio/agents\"><script>".to_owned(),
        })
        .into_string()
    }

    #[test]
    fn each_way_to_sign_in_stands_alone() {
        let credentials = render(Some(CredentialsForm::default()), false);
        let sso = render(None, true);
        let both = render(Some(CredentialsForm::default()), true);

        assert!(credentials.contains("name=\"password\"") && !credentials.contains("Acme"));
        assert!(!sso.contains("name=\"password\"") && sso.contains("Acme"));
        assert!(both.contains("name=\"password\"") && both.contains("divider"));
    }

    #[test]
    fn sign_up_is_mentioned_only_where_it_is_on() {
        let off = CredentialsForm {
            mode: CredentialsMode::SignUp,
            ..CredentialsForm::default()
        };
        let on = CredentialsForm {
            sign_up_enabled: true,
            ..off.clone()
        };

        assert!(!render(Some(off), false).contains("/studio/signup"));
        assert!(render(Some(on), false).contains("name=\"name\""));
    }

    #[test]
    fn exactly_one_field_takes_the_focus() {
        for (mode, name, email, password) in [
            (CredentialsMode::SignIn, false, false, false),
            (CredentialsMode::SignIn, false, false, true),
            (CredentialsMode::SignIn, false, true, true),
            (CredentialsMode::SignUp, false, false, false),
            (CredentialsMode::SignUp, true, true, true),
            (CredentialsMode::SignUp, false, true, false),
            (CredentialsMode::SignUp, false, false, true),
        ] {
            let error = |wrong: bool| wrong.then(|| "wrong".to_owned());
            let output = render(
                Some(CredentialsForm {
                    mode,
                    sign_up_enabled: true,
                    name_error: error(name),
                    email_error: error(email),
                    password_error: error(password),
                    ..CredentialsForm::default()
                }),
                false,
            );
            assert_eq!(
                output.matches(" autofocus").count(),
                1,
                "{mode:?} {name} {email} {password}"
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
    fn the_title_follows_what_is_shown() {
        let title = |sign_up_enabled| {
            let form = CredentialsForm {
                mode: CredentialsMode::SignUp,
                sign_up_enabled,
                ..CredentialsForm::default()
            };
            let state = LoginState::Ready(LoginOptions {
                credentials: Some(form),
                ..LoginOptions::default()
            });
            LoginPage {
                state,
                ..LoginPage::default()
            }
            .title()
        };

        assert_eq!((title(true), title(false)), ("Sign up", "Sign in"));
    }

    #[test]
    fn errors_and_redirects_are_escaped() {
        assert!(!render(Some(CredentialsForm::default()), true).contains("<script"));
    }
}
