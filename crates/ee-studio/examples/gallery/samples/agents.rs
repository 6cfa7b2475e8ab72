//! Agents and conversations.

use ee_studio::components::{Author, ChatMessage, MessageState, Pager, ThreadItem, ThreadList};
use ee_studio::layout::Section;
use ee_studio::pages::{
    AgentForm, AgentFormErrors, AgentItem, AgentPage, AgentsPage, DeletePage, FormMode, agent_form,
    agent_page, agents_page, delete_page,
};

use super::{Sample, at, page, s};

pub(super) fn agents() -> Vec<Sample> {
    let mut samples = lists();
    samples.extend(chats());
    samples.extend(forms());
    samples
}

fn lists() -> Vec<Sample> {
    let item = |id: &str, name: &str, description: &str, model: &str| AgentItem {
        id: s(id),
        name: s(name),
        description: s(description),
        model: s(model),
    };
    let list = AgentsPage {
        agents: vec![
            item(
                "support",
                "Support",
                "Answers questions of customers from the handbook, and says so when it does not know.",
                "openai/gpt-5-mini",
            ),
            item(
                "summarizer",
                "Summarizer",
                "Makes three sentences of any text.",
                "echo/dev",
            ),
            item(
                "translator",
                "Translator",
                "",
                "anthropic/claude-sonnet-4-5",
            ),
            item(
                "release-notes-writer-for-the-platform-team",
                "Release notes",
                "Turns a list of merged changes into notes that people read.",
                "openrouter/meta-llama/llama-3.3-70b-instruct",
            ),
        ],
        pager: Pager {
            first: 51,
            last: 54,
            total: 54,
            previous: Some(s("/studio/agents?page=1")),
            next: None,
        },
        query: String::new(),
        may_create: true,
    };
    let none_found = AgentsPage {
        query: s("billing"),
        may_create: true,
        ..AgentsPage::default()
    };
    let no_agents = AgentsPage {
        may_create: true,
        ..AgentsPage::default()
    };
    vec![
        page("agents", Section::Agents, agents_page(&list)),
        page(
            "agents-none-found",
            Section::Agents,
            agents_page(&none_found),
        ),
        page("agents-empty", Section::Agents, agents_page(&no_agents)),
    ]
}

fn chats() -> Vec<Sample> {
    let chat = agent();
    let built_in = AgentPage {
        model: s("echo/dev"),
        built_in_model: true,
        thread_id: None,
        messages: Vec::new(),
        threads: Some(ThreadList {
            agent_id: s("support"),
            ..ThreadList::default()
        }),
        ..agent()
    };
    let failed = AgentPage {
        chat_error: Some(s("The model provider did not answer within 30 seconds.")),
        draft: s("And what about shipping to Norway?"),
        ..agent()
    };
    let reader = AgentPage {
        may_edit: false,
        may_delete: false,
        may_execute: false,
        ..agent()
    };
    vec![
        page("agent", Section::Agents, agent_page(&chat)),
        page("agent-new-chat", Section::Agents, agent_page(&built_in)),
        page("agent-chat-failed", Section::Agents, agent_page(&failed)),
        page("agent-read-only", Section::Agents, agent_page(&reader)),
    ]
}

fn forms() -> Vec<Sample> {
    let new = AgentForm {
        models: vec![s("openai/gpt-5-mini"), s("echo/dev")],
        ..AgentForm::default()
    };
    let edit = AgentForm {
        mode: FormMode::Edit,
        id: s("support"),
        name: s("Support"),
        description: s("Answers questions of customers."),
        instructions: s("You answer questions of customers from the handbook."),
        model: s("opnai/gpt-5"),
        errors: AgentFormErrors {
            form: Some(s("The agent was not saved.")),
            model: Some(s(
                "Unknown provider `opnai`; the nearest known one is `openai`.",
            )),
            ..AgentFormErrors::default()
        },
        ..new.clone()
    };
    vec![
        page("agent-new", Section::Agents, agent_form(&new)),
        page("agent-edit-error", Section::Agents, agent_form(&edit)),
        page(
            "agent-delete",
            Section::Agents,
            delete_page(&DeletePage {
                kind: s("agent"),
                name: s("Support"),
                consequence: s("Its 12 conversations are deleted with it."),
                action: s("/studio/agents/support/delete"),
                cancel_href: s("/studio/agents/support"),
                error: None,
            }),
        ),
    ]
}

fn agent() -> AgentPage {
    let message = |id: &str, author, text: &str, state, seconds| ChatMessage {
        id: s(id),
        author,
        author_name: s(if author == Author::User {
            "You"
        } else {
            "Support"
        }),
        text: s(text),
        state,
        sent_at: Some(at(seconds)),
    };
    let thread = |id: &str, title: &str, seconds| ThreadItem {
        id: s(id),
        title: s(title),
        updated_at: at(seconds),
    };
    AgentPage {
        id: s("support"),
        name: s("Support"),
        description: s("Answers questions of customers from the handbook."),
        model: s("openai/gpt-5-mini"),
        instructions: s(
            "You answer questions of customers.\n\n- Use the handbook alone.\n- Say so when you \
             do not know.\n- Never promise a date.",
        ),
        may_execute: true,
        may_edit: true,
        may_delete: true,
        messages: vec![
            message(
                "1",
                Author::User,
                "How long may a customer send things back?",
                MessageState::Complete,
                0,
            ),
            message(
                "2",
                Author::Agent,
                "**30 days** from the day of delivery, with these exceptions:\n\n\
                 | Goods | Days | Condition |\n|---|--:|---|\n| Clothes | 30 | unworn |\n\
                 | Electronics | 14 | sealed |\n\nThe return is started with the order number:\n\n\
                 ```sh\nreturns open --order A-1042\n```\n\nSee the \
                 [handbook](https://handbook.example/returns) or `docs/returns.md`.",
                MessageState::Complete,
                4,
            ),
            message(
                "3",
                Author::User,
                "Thanks. And gift cards?",
                MessageState::Complete,
                60,
            ),
            message(
                "4",
                Author::Agent,
                "Gift cards are not taken back, but",
                MessageState::Stopped,
                63,
            ),
        ],
        thread_id: Some(s("th_2")),
        threads: Some(ThreadList {
            agent_id: s("support"),
            current: Some(s("th_2")),
            threads: vec![
                thread("th_2", "How long may a customer send things back?", 63),
                thread("th_1", "Opening hours over the holidays", -86_400),
                thread("th_0", "", -172_800),
            ],
        }),
        ..AgentPage::default()
    }
}
