use maud::{Markup, html};

use crate::components::{
    AlertKind, Authenticator, Control, Field, FormErrors, PageHeader, alert, authenticator, field,
    page_header,
};
use crate::paths;

/// The set-up of a second factor.
#[derive(Clone, Debug, Default)]
pub struct TotpPage {
    /// What the authenticator has to be told.
    pub told: Authenticator,
    /// What is wrong with the last attempt.
    pub errors: FormErrors,
}

/// Renders the set-up of a second factor.
pub fn totp_page(page: &TotpPage) -> Markup {
    let header = PageHeader {
        trail: vec![("Account".to_owned(), paths::ACCOUNT.to_owned())],
        title: "Set up two-step sign-in".to_owned(),
        ..PageHeader::default()
    };
    html! {
        div.page.page--narrow {
            (page_header(&header, html! {}, html! {}))
            form.card.form method="post" action=(paths::CONFIRM_TOTP) {
                @if let Some(error) = &page.errors.common { (alert(AlertKind::Error, error)) }
                (authenticator(&page.told))
                (field(&Field {
                    name: "code".to_owned(),
                    label: "Code".to_owned(),
                    hint: "The six digits that the authenticator shows now.".to_owned(),
                    error: page.errors.of("code"),
                    required: true,
                    autofocus: true,
                    control: Control::OneTimeCode,
                    ..Field::default()
                }))
                div.form-actions {
                    button.btn.btn--primary type="submit" { "Turn on" }
                    a.btn.btn--ghost href=(paths::ACCOUNT) { "Cancel" }
                }
            }
        }
    }
}
