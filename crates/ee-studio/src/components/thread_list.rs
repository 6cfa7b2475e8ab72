use jiff::Timestamp;
use maud::{Markup, html};

use crate::Icon;
use crate::components::moment;
use crate::paths;

/// The conversations with one agent.
#[derive(Clone, Debug, Default)]
pub struct ThreadList {
    /// The agent they are with.
    pub agent_id: String,
    /// Newest first.
    pub threads: Vec<ThreadItem>,
    /// The one on the screen; none for a new conversation.
    pub current: Option<String>,
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct ThreadItem {
    /// The id.
    pub id: String,
    /// The title, empty when there is none yet.
    pub title: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Renders the conversations with one agent, and the way to a new one.
pub fn thread_list(list: &ThreadList) -> Markup {
    html! {
        section.card.threads #threads aria-labelledby="threads-title" {
            header.card-header {
                h2 #threads-title { "Conversations" }
                a.btn.btn--small href=(paths::agent(&list.agent_id)) { (Icon::Plus) "New" }
            }
            @if list.threads.is_empty() {
                p.card-note { "Nothing here yet. Your first message starts a conversation." }
            } @else {
                ul.rows {
                    @for thread in &list.threads {
                        @let current = list.current.as_deref() == Some(thread.id.as_str());
                        li {
                            a.row href=(paths::thread(&list.agent_id, &thread.id))
                                aria-current=[current.then_some("page")] {
                                span.row-title {
                                    @if thread.title.is_empty() { "Untitled conversation" }
                                    @else { (thread.title) }
                                }
                                span.row-meta { (moment(thread.updated_at)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
