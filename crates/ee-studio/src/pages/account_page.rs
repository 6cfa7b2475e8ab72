use ee_core::AccountSecurity;
use maud::{Markup, html};

mod second_factor;

use super::credentials_form::PASSWORD_HINT;
use crate::components::{
    AlertKind, Control, Field, FormErrors, Notice, PageHeader, SessionItem, alert, field,
    page_header, session_table,
};
use crate::{Icon, paths};
use second_factor::second_factor;

/// What somebody sees of his own account.
#[derive(Clone, Debug, Default)]
pub struct AccountPage {
    /// The name, empty when unknown.
    pub name: String,
    /// The e-mail address, empty when unknown.
    pub email: String,
    /// The names of the roles.
    pub roles: Vec<String>,
    /// How the account is protected; `None` where others look after that.
    pub security: Option<AccountSecurity>,
    /// Where he is signed in; `None` where the server does not know.
    pub sessions: Option<Vec<SessionItem>>,
    /// What was done.
    pub notice: Option<Notice>,
    /// The form that was refused.
    pub refused: Option<(AccountForm, FormErrors)>,
}

/// A form of the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountForm {
    /// Changes the password.
    ChangePassword,
    /// Turns the second factor off.
    DisableTotp,
    /// Makes new recovery codes.
    RecoveryCodes,
    /// Begins to set the second factor up.
    SetUpTotp,
    /// Sends the letter that confirms the address.
    Verify,
}

impl AccountPage {
    /// Returns what is wrong with a form.
    fn errors(&self, form: AccountForm) -> Option<&FormErrors> {
        let (refused, errors) = self.refused.as_ref()?;
        (*refused == form).then_some(errors)
    }
}

/// Renders somebody's own account.
pub fn account_page(page: &AccountPage) -> Markup {
    let header = PageHeader {
        title: "Account".to_owned(),
        ..PageHeader::default()
    };
    html! {
        div.page.page--narrow {
            (page_header(&header, html! {}, html! {}))
            @if let Some(Notice { kind, text }) = &page.notice { (alert(*kind, text)) }
            (profile(page))
            @if let Some(security) = &page.security {
                @if security.has_password { (password(page)) }
                (second_factor(page, security))
            }
            @if let Some(sessions) = &page.sessions { (session_list(sessions)) }
        }
    }
}

fn profile(page: &AccountPage) -> Markup {
    let is_verified = page.security.map(|security| security.is_email_verified);
    html! {
        section.card aria-labelledby="profile" {
            div.card-header { h2 #profile { "Profile" } }
            div.card-body {
                (common(page.errors(AccountForm::Verify)))
                dl.facts.facts--wide {
                    @if !page.name.is_empty() { div { dt { "Name" } dd { (page.name) } } }
                    @if !page.email.is_empty() {
                        div {
                            dt { "Email" }
                            dd.pair {
                                span { (page.email) }
                                @match is_verified {
                                    Some(true) => span.badge.tone-success { (Icon::Success) "Confirmed" },
                                    Some(false) => span.badge.tone-warning { (Icon::Warning) "Not confirmed" },
                                    None => {},
                                }
                            }
                        }
                    }
                    @if !page.roles.is_empty() { div { dt { "Roles" } dd { (page.roles.join(", ")) } } }
                }
                @if is_verified == Some(false) && !page.email.is_empty() {
                    form method="post" action=(paths::SEND_VERIFICATION) {
                        button.btn.btn--small type="submit" { (Icon::Mail) "Send a letter to confirm it" }
                    }
                }
            }
        }
    }
}

fn password(page: &AccountPage) -> Markup {
    let errors = page.errors(AccountForm::ChangePassword);
    let of = |name: &str| errors.and_then(|errors| errors.of(name));
    let is_new_wrong = of("new_password").is_some();
    html! {
        section.card aria-labelledby="password" {
            div.card-header { h2 #password { "Password" } }
            form.form.card-body method="post" action=(paths::CHANGE_PASSWORD) {
                (common(errors))
                (account_name(&page.email))
                (field(&Field {
                    name: "current_password".to_owned(),
                    label: "Current password".to_owned(),
                    error: of("current_password"),
                    required: true,
                    autofocus: errors.is_some() && !is_new_wrong,
                    control: Control::CurrentPassword,
                    ..Field::default()
                }))
                (field(&Field {
                    name: "new_password".to_owned(),
                    label: "New password".to_owned(),
                    hint: PASSWORD_HINT.to_owned(),
                    error: of("new_password"),
                    required: true,
                    autofocus: is_new_wrong,
                    control: Control::NewPassword,
                    ..Field::default()
                }))
                p.muted { "You stay signed in here; every other browser is signed out." }
                div.form-actions { button.btn.btn--primary type="submit" { "Change password" } }
            }
        }
    }
}

fn session_list(sessions: &[SessionItem]) -> Markup {
    let has_others = sessions.iter().any(|session| !session.is_current);
    html! {
        section.card aria-labelledby="sessions" {
            div.card-header {
                h2 #sessions { "Where you are signed in" }
                @if has_others {
                    form method="post" action=(paths::END_OTHER_SESSIONS) {
                        button.btn.btn--small.btn--danger-quiet type="submit" { "End all others" }
                    }
                }
            }
            (session_table(sessions))
        }
    }
}

/// Renders what is wrong with a form as a whole.
fn common(errors: Option<&FormErrors>) -> Markup {
    let text = errors.and_then(|errors| errors.common.as_ref());
    html! { @if let Some(text) = text { (alert(AlertKind::Error, text)) } }
}

/// Tells password managers whose password it is; people see nothing of it.
fn account_name(email: &str) -> Markup {
    html! {
        @if !email.is_empty() {
            div hidden {
                label for="account-name" { "Email" }
                input id="account-name" type="email" autocomplete="username" value=(email) readonly;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected() -> AccountSecurity {
        let mut security = AccountSecurity::none();
        security.has_password = true;
        security.has_second_factor = true;
        security
    }

    #[test]
    fn names_and_errors_are_escaped() {
        let hostile = "\"><script>x</script>".to_owned();
        for form in [
            AccountForm::ChangePassword,
            AccountForm::DisableTotp,
            AccountForm::RecoveryCodes,
            AccountForm::Verify,
        ] {
            let page = AccountPage {
                name: hostile.clone(),
                email: hostile.clone(),
                roles: vec![hostile.clone()],
                security: Some(protected()),
                refused: Some((form, FormErrors::whole(hostile.clone()))),
                notice: Some(Notice::success(hostile.clone())),
                ..AccountPage::default()
            };
            let output = account_page(&page).into_string();
            assert!(!output.contains("<script"), "{form:?}");
            assert!(output.contains("alert--danger"), "{form:?}");
        }
    }

    #[test]
    fn what_others_look_after_is_not_offered() {
        let output = account_page(&AccountPage {
            name: "Ada".to_owned(),
            sessions: Some(Vec::new()),
            ..AccountPage::default()
        })
        .into_string();

        assert!(output.contains("Where you are signed in"));
        assert!(!output.contains("type=\"password\"") && !output.contains("Two-step"));
    }

    #[test]
    fn a_factor_without_recovery_codes_is_warned_of() {
        let output = |codes| {
            let mut security = protected();
            security.recovery_codes = codes;
            let page = AccountPage {
                security: Some(security),
                ..AccountPage::default()
            };
            account_page(&page).into_string()
        };

        assert!(output(0).contains("no recovery codes"));
        assert!(output(1).contains("1 recovery code is left"));
        assert!(output(7).contains("7 recovery codes are left"));
    }
}
