use maud::{Markup, html};

use crate::components::{
    AlertKind, ChatMessage, Composer, PageHeader, ThreadList, alert, chat_log, composer,
    page_header, thread_list,
};
use crate::{Icon, paths};

/// An agent and one conversation with it.
#[derive(Clone, Debug, Default)]
pub struct AgentPage {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The model, e.g. `openai/gpt-5`.
    pub model: String,
    /// What the agent is told before every conversation.
    pub instructions: String,
    /// Whether the model is the built-in one that only repeats.
    pub built_in_model: bool,
    /// Whether this person may talk to the agent.
    pub may_execute: bool,
    /// Whether this person may change the agent.
    pub may_edit: bool,
    /// Whether this person may delete the agent.
    pub may_delete: bool,
    /// The messages of the conversation on the screen.
    pub messages: Vec<ChatMessage>,
    /// The conversation to go on with; none for a new one.
    pub thread_id: Option<String>,
    /// All conversations of this person with the agent; none hides the list.
    pub threads: Option<ThreadList>,
    /// What the person wrote when the last attempt failed.
    pub draft: String,
    /// Why the last attempt failed.
    pub chat_error: Option<String>,
}

/// Renders an agent with its conversation.
pub fn agent_page(page: &AgentPage) -> Markup {
    let header = PageHeader {
        trail: vec![("Agents".to_owned(), paths::AGENTS.to_owned())],
        title: page.name.clone(),
        description: page.description.clone(),
    };
    let meta = html! { span.badge.badge--mono title="Model" { (page.model) } };
    let actions = html! {
        @if page.may_edit {
            a.btn href=(paths::edit_agent(&page.id)) { (Icon::Edit) "Edit" }
        }
        @if page.may_delete {
            a.btn.btn--danger-quiet href=(paths::delete_agent(&page.id)) { (Icon::Delete) "Delete" }
        }
    };
    html! {
        div.page.page--chat {
            (page_header(&header, meta, actions))
            div.chat-grid {
                (chat(page))
                aside.chat-side aria-label="About this agent" {
                    (instructions(&page.instructions))
                    @if let Some(threads) = &page.threads { (thread_list(threads)) }
                }
            }
        }
    }
}

fn chat(page: &AgentPage) -> Markup {
    html! {
        section.card.chat aria-label="Chat" {
            @if page.built_in_model {
                (alert(
                    AlertKind::Info,
                    "This agent uses the built-in model, which only repeats what you write. \
                     Configure a model provider to get real answers.",
                ))
            }
            (chat_log(&page.messages, &page.name))
            @if page.may_execute {
                (composer(&Composer {
                    agent_id: page.id.clone(),
                    agent_name: page.name.clone(),
                    thread_id: page.thread_id.clone(),
                    draft: page.draft.clone(),
                    error: page.chat_error.clone(),
                }))
            } @else {
                p.card-note { (Icon::Lock) "Your roles let you read this agent, but not talk to it." }
            }
        }
    }
}

fn instructions(text: &str) -> Markup {
    html! {
        details.card.panel open {
            summary { h2 { "Instructions" } (Icon::ChevronRight) }
            @if text.trim().is_empty() {
                p.card-note { "This agent has no instructions." }
            } @else {
                div.instructions tabindex="0" role="region" aria-label="Instructions" { (text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> AgentPage {
        AgentPage {
            id: "support".to_owned(),
            ..AgentPage::default()
        }
    }

    #[test]
    fn a_reader_gets_no_control() {
        let output = agent_page(&page()).into_string();

        for control in ["/edit", "/delete", "<form", "<textarea"] {
            assert!(!output.contains(control), "{control}");
        }
    }

    #[test]
    fn each_permission_brings_its_own_control() {
        for (page, control) in [
            (
                AgentPage {
                    may_edit: true,
                    ..page()
                },
                "/edit\"",
            ),
            (
                AgentPage {
                    may_delete: true,
                    ..page()
                },
                "/delete\"",
            ),
            (
                AgentPage {
                    may_execute: true,
                    ..page()
                },
                "/chat\"",
            ),
        ] {
            let output = agent_page(&page).into_string();
            let found = ["/edit\"", "/delete\"", "/chat\""].map(|c| output.contains(c));
            assert_eq!(found.into_iter().filter(|found| *found).count(), 1);
            assert!(output.contains(control));
        }
    }

    #[test]
    fn every_text_is_escaped() {
        let hostile = "<script>x</script>".to_owned();
        let output = agent_page(&AgentPage {
            id: hostile.clone(),
            name: hostile.clone(),
            description: hostile.clone(),
            model: hostile.clone(),
            instructions: hostile.clone(),
            draft: hostile.clone(),
            chat_error: Some(hostile),
            may_execute: true,
            may_edit: true,
            may_delete: true,
            ..AgentPage::default()
        })
        .into_string();

        assert!(!output.contains("<script"));
    }
}
