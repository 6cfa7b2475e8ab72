use jiff::Timestamp;
use maud::{Markup, html};

use super::moment;
use crate::paths;

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, Default)]
pub struct SessionItem {
    /// What names the session. It does not continue it.
    pub id: String,
    /// A browser and its system, empty when unknown.
    pub device: String,
    /// Where it began, empty when unknown.
    pub address: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// Whether it is the one that looks at the page.
    pub is_current: bool,
}

/// Renders the browsers in which somebody is signed in.
pub fn session_table(sessions: &[SessionItem]) -> Markup {
    html! {
        table.table.table--inset {
            thead {
                tr {
                    th scope="col" { "Browser" }
                    th scope="col" { "Signed in" }
                    th scope="col" { "Last seen" }
                    th scope="col" { span.sr-only { "End" } }
                }
            }
            tbody {
                @for session in sessions { (row(session)) }
            }
        }
    }
}

fn row(session: &SessionItem) -> Markup {
    let device = if session.device.is_empty() {
        "Unknown browser"
    } else {
        &session.device
    };
    html! {
        tr {
            td {
                span.pair {
                    span.table-name { (device) }
                    @if session.is_current { span.badge.tone-accent { "This browser" } }
                }
                @if !session.address.is_empty() { p.table-id { "from " (session.address) } }
            }
            td data-label="Signed in" { (moment(session.created_at)) }
            td data-label="Last seen" { (moment(session.last_seen_at)) }
            td.table-action {
                @if !session.is_current {
                    form method="post" action=(paths::end_session(&session.id)) {
                        button.btn.btn--small type="submit" aria-label=(format!("End the session of {device}")) {
                            "End"
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_strangers_text() {
        let hostile = "\"><script>x</script>".to_owned();
        let output = session_table(&[SessionItem {
            id: "../../logout?\"><script>".to_owned(),
            device: hostile.clone(),
            address: hostile,
            ..SessionItem::default()
        }])
        .into_string();

        assert!(!output.contains("<script"));
        assert!(output.contains("action=\"/studio/account/sessions/..%2F..%2Flogout"));
    }

    #[test]
    fn the_session_that_looks_is_not_ended_here() {
        let output = session_table(&[SessionItem {
            is_current: true,
            ..SessionItem::default()
        }])
        .into_string();

        assert!(output.contains("This browser") && !output.contains("<form"));
    }
}
