use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};

use crate::components::{AlertKind, PageHeader, alert, page_header};
use crate::{Icon, paths};

/// Recovery codes, shown once.
#[derive(Clone, Debug, Default)]
pub struct RecoveryCodesPage {
    /// The codes.
    pub codes: Vec<SecretString>,
    /// Whether the second factor was turned on just now.
    pub is_first: bool,
}

/// Renders the codes.
pub fn recovery_codes_page(page: &RecoveryCodesPage) -> Markup {
    let header = PageHeader {
        trail: vec![("Account".to_owned(), paths::ACCOUNT.to_owned())],
        title: "Your recovery codes".to_owned(),
        ..PageHeader::default()
    };
    let done = if page.is_first {
        "Two-step sign-in is on, and every other browser was signed out."
    } else {
        "These replace all codes from before."
    };
    html! {
        div.page.page--narrow {
            (page_header(&header, html! {}, html! {}))
            (alert(AlertKind::Success, done))
            section.card.form {
                p {
                    "Each of them is good once, in place of a code, on the day when the authenticator is lost. "
                    strong { "They are not shown again." }
                    " Keep them where you keep passwords, or on paper."
                }
                ul.codes #recovery-codes {
                    @for code in &page.codes { li { (code.expose_secret()) } }
                }
                div.form-actions {
                    a.btn.btn--primary href=(paths::ACCOUNT) { "I have kept them" }
                    button.btn.needs-script type="button" data-copy="recovery-codes" {
                        (Icon::Copy) span aria-live="polite" { "Copy" }
                    }
                    button.btn.needs-script type="button" data-print { (Icon::Print) "Print" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_shown_and_not_printed() {
        let page = RecoveryCodesPage {
            codes: vec!["ABCD-EFGH".into()],
            is_first: true,
        };

        assert!(
            recovery_codes_page(&page)
                .into_string()
                .contains("<li>ABCD-EFGH</li>")
        );
        assert!(!format!("{page:?}").contains("ABCD"));
    }
}
