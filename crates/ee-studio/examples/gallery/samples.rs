//! Pages with made-up content, shared by the gallery and the tests.

#[path = "samples/account.rs"]
mod account;
#[path = "samples/agents.rs"]
mod agents;
#[path = "samples/links.rs"]
mod links;
#[path = "samples/messages.rs"]
mod messages;
#[path = "samples/sign_in.rs"]
mod sign_in;
#[path = "samples/workflows.rs"]
mod workflows;

use ee_studio::components::{AuthStatus, Theme, UserCard};
use ee_studio::layout::{Nav, Section, Shell, bare_layout, layout};
use jiff::Timestamp;
use maud::Markup;

/// A rendered page under a name.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The name of the page and of its state.
    pub(crate) name: &'static str,
    /// The whole document.
    pub(crate) html: String,
}

/// Renders every sample.
pub(crate) fn all() -> Vec<Sample> {
    let mut samples = sign_in::sign_in();
    samples.extend(links::links());
    samples.extend(account::account());
    samples.extend(agents::agents());
    samples.extend(workflows::workflows());
    samples.extend(messages::messages());
    samples
}

fn s(text: &str) -> String {
    text.to_owned()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_270_000 + seconds).unwrap_or_default()
}

fn user(roles: &[&str]) -> AuthStatus {
    AuthStatus::SignedIn(UserCard {
        id: s("usr_01"),
        name: s("Ada Lovelace"),
        email: s("ada@example.org"),
        avatar_url: None,
        roles: roles.iter().copied().map(s).collect(),
    })
}

fn shell(title: &str, section: Section) -> Shell {
    Shell {
        title: s(title),
        theme: Theme::System,
        nav: Nav {
            agents: true,
            workflows: true,
        },
        section,
        auth: user(&["owner"]),
        banner: None,
        current_path: s("/studio/agents"),
    }
}

fn page(name: &'static str, section: Section, content: Markup) -> Sample {
    let html = layout(&shell(name, section), content).into_string();
    Sample { name, html }
}

fn bare(name: &'static str, content: Markup) -> Sample {
    let html = bare_layout(&shell(name, Section::Other), content).into_string();
    Sample { name, html }
}
