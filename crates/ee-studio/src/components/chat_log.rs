use jiff::Timestamp;
use maud::{Markup, html};

use crate::Icon;
use crate::components::{AlertKind, alert, moment};
use crate::markdown::markdown;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Author {
    /// The agent.
    Agent,
    /// The person.
    User,
}

/// How a message ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum MessageState {
    /// It is all there.
    #[default]
    Complete,
    /// The agent failed, for this reason.
    Failed(String),
    /// The person stopped it.
    Stopped,
}

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct ChatMessage {
    /// The id, unique on the page.
    pub id: String,
    /// Who wrote it.
    pub author: Author,
    /// The name over it, e.g. that of the agent, or "You".
    pub author_name: String,
    /// Markdown of an agent, plain text of a person.
    pub text: String,
    /// How it ended.
    pub state: MessageState,
    /// When it was written.
    pub sent_at: Option<Timestamp>,
}

/// Renders one message. The script replaces a streamed answer by exactly this.
pub fn chat_message(message: &ChatMessage) -> Markup {
    let (class, icon) = match message.author {
        Author::Agent => ("message message--agent", Some(Icon::Agent)),
        Author::User => ("message message--user", None),
    };
    html! {
        article class=(class) id=(format!("message-{}", message.id)) {
            header.message-header {
                @if let Some(icon) = icon { (icon) }
                span.message-author { (message.author_name) }
                @if let Some(sent_at) = message.sent_at { (moment(sent_at)) }
            }
            @match message.author {
                Author::Agent => div.message-body.prose { (markdown(&message.text)) },
                Author::User => div.message-body.message-body--plain { (message.text) },
            }
            @match &message.state {
                MessageState::Complete => {},
                MessageState::Failed(reason) => (alert(AlertKind::Error, reason)),
                MessageState::Stopped => p.message-note { "Stopped" },
            }
        }
    }
}

/// Renders a conversation. New messages are announced to screen readers.
pub fn chat_log(messages: &[ChatMessage], agent_name: &str) -> Markup {
    html! {
        div.chat-log #chat-log role="log" aria-label="Conversation" tabindex="0" data-chat-log {
            @for message in messages { (chat_message(message)) }
            @if messages.is_empty() {
                div.chat-start data-chat-start {
                    span.empty-icon { (Icon::Message) }
                    p { "Start a conversation with " strong { (agent_name) } "." }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(author: Author, text: &str) -> ChatMessage {
        ChatMessage {
            id: "1".to_owned(),
            author,
            author_name: "<i>name".to_owned(),
            text: text.to_owned(),
            state: MessageState::Failed("<script>".to_owned()),
            sent_at: None,
        }
    }

    #[test]
    fn neither_author_can_write_markup() {
        for author in [Author::Agent, Author::User] {
            let output = chat_message(&message(author, "<script>x</script>")).into_string();
            assert!(
                !output.contains("<script") && !output.contains("<i>"),
                "{output}"
            );
        }
    }

    #[test]
    fn only_agents_write_markdown() {
        assert!(
            chat_message(&message(Author::Agent, "**b**"))
                .into_string()
                .contains("<strong>")
        );
        assert!(
            chat_message(&message(Author::User, "**b**"))
                .into_string()
                .contains("**b**")
        );
    }
}
