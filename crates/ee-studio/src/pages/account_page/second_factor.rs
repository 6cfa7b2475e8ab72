use ee_core::AccountSecurity;
use maud::{Markup, html};

use super::{AccountForm, AccountPage, common};
use crate::components::{AlertKind, Control, Field, FormErrors, alert, field};
use crate::{Icon, paths};

/// Renders the part about the second factor.
pub(super) fn second_factor(page: &AccountPage, security: &AccountSecurity) -> Markup {
    html! {
        section.card aria-labelledby="two-step" {
            div.card-header {
                h2 #two-step { "Two-step sign-in" }
                @if security.has_second_factor {
                    span.badge.tone-success { (Icon::Success) "On" }
                } @else {
                    span.badge { "Off" }
                }
            }
            div.card-body {
                (common(page.errors(AccountForm::SetUpTotp)))
                @if security.has_second_factor {
                    (codes_left(security.recovery_codes))
                    (new_codes(page.errors(AccountForm::RecoveryCodes), security.recovery_codes))
                    (turn_off(page.errors(AccountForm::DisableTotp)))
                } @else {
                    p { "With it, a sign-in takes a code of your authenticator beside the password. Whoever learns the password alone stays outside." }
                    form method="post" action=(paths::BEGIN_TOTP) {
                        button.btn.btn--primary type="submit" { (Icon::Key) "Set up" }
                    }
                }
            }
        }
    }
}

fn codes_left(count: usize) -> Markup {
    html! {
        @match count {
            0 => (alert(AlertKind::Warning, "You have no recovery codes. Make some now: without them, a lost authenticator locks you out.")),
            1 => p { "A sign-in takes a code of your authenticator. 1 recovery code is left." },
            _ => p { "A sign-in takes a code of your authenticator. " (count) " recovery codes are left." },
        }
    }
}

fn new_codes(errors: Option<&FormErrors>, left: usize) -> Markup {
    html! {
        details.disclosure open[errors.is_some() || left == 0] {
            summary { "Make new recovery codes" }
            form.form.disclosure-body method="post" action=(paths::RECOVERY_CODES) {
                (common(errors))
                p.muted { "Those from before stop working." }
                (password("codes_password", errors))
                div.form-actions { button.btn type="submit" { "Make new codes" } }
            }
        }
    }
}

fn turn_off(errors: Option<&FormErrors>) -> Markup {
    html! {
        details.disclosure open[errors.is_some()] {
            summary { "Turn it off" }
            form.form.disclosure-body method="post" action=(paths::DISABLE_TOTP) {
                (common(errors))
                p.muted { "A sign-in takes the password alone then. Every other browser is signed out." }
                (password("disable_password", errors))
                (field(&Field {
                    name: "disable_code".to_owned(),
                    label: "Code".to_owned(),
                    hint: "Of your authenticator, or a recovery code.".to_owned(),
                    error: errors.and_then(|errors| errors.of("disable_code")),
                    required: true,
                    // A recovery code holds letters too.
                    control: Control::RecoveryCode,
                    ..Field::default()
                }))
                div.form-actions { button.btn.btn--danger type="submit" { "Turn off" } }
            }
        }
    }
}

fn password(name: &str, errors: Option<&FormErrors>) -> Markup {
    field(&Field {
        name: name.to_owned(),
        label: "Password".to_owned(),
        error: errors.and_then(|errors| errors.of(name)),
        required: true,
        autofocus: errors.is_some(),
        control: Control::CurrentPassword,
        ..Field::default()
    })
}
