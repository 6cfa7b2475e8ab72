use maud::{Markup, html};

use crate::Icon;

/// The top of a page: where it is, what it is, what can be done.
#[derive(Clone, Debug, Default)]
pub struct PageHeader {
    /// The pages above this one, as (label, address).
    pub trail: Vec<(String, String)>,
    /// The heading.
    pub title: String,
    /// One line under the heading.
    pub description: String,
}

/// Renders the top of a page. `meta` follows the heading on its line, `actions`
/// are the buttons at the right.
#[expect(
    clippy::needless_pass_by_value,
    reason = "markup is built in place by the caller"
)]
pub fn page_header(header: &PageHeader, meta: Markup, actions: Markup) -> Markup {
    html! {
        header.page-header {
            div.page-heading {
                @if !header.trail.is_empty() {
                    nav.trail aria-label="Breadcrumb" {
                        ol {
                            @for (index, (label, href)) in header.trail.iter().enumerate() {
                                li {
                                    @if index > 0 { (Icon::ChevronRight) }
                                    a href=(href) { (label) }
                                }
                            }
                        }
                    }
                }
                div.page-title { h1 { (header.title) } (meta) }
                @if !header.description.is_empty() {
                    p.page-description { (header.description) }
                }
            }
            @if !actions.0.is_empty() {
                div.page-actions { (actions) }
            }
        }
    }
}
