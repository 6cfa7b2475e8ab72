use maud::{Markup, html};

use super::status_page::{Tone, status_page};
use crate::{Icon, paths};

/// A request that failed for another reason than permission.
#[derive(Clone, Debug, Default)]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// The heading, e.g. "Something went wrong".
    pub title: String,
    /// What to tell the person; never an internal detail.
    pub message: String,
    /// The id under which the log has the cause.
    pub request_id: String,
    /// The page to try again, if trying again can help.
    pub retry_href: Option<String>,
}

/// Renders the page for a failed request.
pub fn error_page(error: &ErrorPage) -> Markup {
    let text = html! {
        p { (error.message) }
        dl.facts {
            div { dt { "Status" } dd { (error.status) } }
            @if !error.request_id.is_empty() {
                div { dt { "Request id" } dd { code { (error.request_id) } } }
            }
        }
    };
    let actions = html! {
        @if let Some(href) = &error.retry_href { a.btn.btn--primary href=(href) { "Try again" } }
        a.btn href=(paths::BASE) { "Go to the first page" }
    };
    status_page(Icon::Warning, Tone::Warning, &error.title, &text, &actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_request_id_and_escapes_the_message() {
        let output = error_page(&ErrorPage {
            status: 500,
            message: "<script>".to_owned(),
            request_id: "req_1".to_owned(),
            ..ErrorPage::default()
        })
        .into_string();

        assert!(output.contains("req_1") && !output.contains("<script"));
    }
}
