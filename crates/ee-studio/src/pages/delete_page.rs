use maud::{Markup, html};

use crate::components::{AlertKind, alert};

/// The question before something is deleted.
#[derive(Clone, Debug, Default)]
pub struct DeletePage {
    /// The kind of thing, e.g. "agent".
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What goes with it, as a sentence.
    pub consequence: String,
    /// The target of the form.
    pub action: String,
    /// The page to go back to.
    pub cancel_href: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Renders the question before something is deleted.
pub fn delete_page(page: &DeletePage) -> Markup {
    html! {
        div.page.page--narrow {
            form.card.form method="post" action=(page.action) {
                h1 { "Delete " (page.kind) " \u{201c}" (page.name) "\u{201d}?" }
                @if let Some(error) = &page.error { (alert(AlertKind::Error, error)) }
                p { (page.consequence) " This cannot be undone." }
                div.form-actions {
                    button.btn.btn--danger type="submit" { "Delete " (page.kind) }
                    a.btn.btn--ghost href=(page.cancel_href) { "Cancel" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleting_is_a_post_and_the_name_is_escaped() {
        let output = delete_page(&DeletePage {
            kind: "agent".to_owned(),
            name: "<script>".to_owned(),
            action: "/studio/agents/a/delete".to_owned(),
            ..DeletePage::default()
        })
        .into_string();

        assert!(output.contains("method=\"post\" action=\"/studio/agents/a/delete\""));
        assert!(!output.contains("<script"));
    }
}
