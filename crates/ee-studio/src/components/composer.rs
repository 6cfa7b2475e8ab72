use maud::{Markup, html};

use crate::components::{AlertKind, alert};
use crate::{Icon, paths};

/// The form under a conversation.
#[derive(Clone, Debug, Default)]
pub struct Composer {
    /// The agent that answers.
    pub agent_id: String,
    /// Its name.
    pub agent_name: String,
    /// The conversation to go on with; none for a new one.
    pub thread_id: Option<String>,
    /// What the person wrote when the last attempt failed.
    pub draft: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Renders the form that sends a message. With the script the answer arrives in
/// pieces; without it the page comes back with the whole answer.
pub fn composer(composer: &Composer) -> Markup {
    html! {
        form.composer method="post" action=(paths::chat(&composer.agent_id))
            data-chat data-stream=(paths::chat_stream(&composer.agent_id))
            data-agent-name=(composer.agent_name) {
            div data-chat-error {
                @if let Some(error) = &composer.error { (alert(AlertKind::Error, error)) }
            }
            input type="hidden" name="thread_id"
                value=(composer.thread_id.as_deref().unwrap_or_default());
            label.sr-only for="message" { "Message to " (composer.agent_name) }
            textarea #message name="message" rows="2" required maxlength="32000"
                placeholder=(format!("Message {}", composer.agent_name))
                autofocus[composer.error.is_some()]
                aria-describedby="composer-hint" {
                "\n" (composer.draft)
            }
            div.composer-bar {
                p.composer-hint #composer-hint {
                    span.needs-script { kbd { "Ctrl" } " + " kbd { "Enter" } " to send" }
                    noscript { "Without JavaScript the answer appears at once, when it is complete." }
                }
                button.btn.btn--small type="button" data-chat-stop hidden { (Icon::Stop) "Stop" }
                button.btn.btn--primary.btn--small type="submit" data-chat-send {
                    (Icon::Send) "Send"
                }
            }
        }
        template data-message-template {
            article.message {
                header.message-header { span.message-author {} }
                div.message-body.message-body--plain {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_works_without_a_script() {
        let output = composer(&Composer {
            agent_id: "a/b".to_owned(),
            draft: "</textarea><script>x</script>".to_owned(),
            ..Composer::default()
        })
        .into_string();

        assert!(output.contains("method=\"post\" action=\"/studio/agents/a%2Fb/chat\""));
        assert!(output.contains("<noscript>"));
        assert!(!output.contains("<script"));
    }
}
