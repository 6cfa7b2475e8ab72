use maud::{Markup, html};

use crate::components::{EmptyState, NextStep, PageHeader, Pager, empty, page_header, pager};
use crate::{Icon, paths};

/// The list of agents.
#[derive(Clone, Debug, Default)]
pub struct AgentsPage {
    /// The agents of the page: this person may read them and they match the search.
    pub agents: Vec<AgentItem>,
    /// The way to the other pages.
    pub pager: Pager,
    /// The words searched for, empty for all.
    pub query: String,
    /// Whether this person may create agents.
    pub may_create: bool,
}

/// One agent of the list.
#[derive(Clone, Debug, Default)]
pub struct AgentItem {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for, in one line.
    pub description: String,
    /// The model, e.g. `openai/gpt-5`.
    pub model: String,
}

/// Renders the list of agents.
pub fn agents_page(page: &AgentsPage) -> Markup {
    let header = PageHeader {
        title: "Agents".to_owned(),
        description: "Assistants that this server runs for you.".to_owned(),
        ..PageHeader::default()
    };
    let actions = html! {
        @if page.may_create {
            a.btn.btn--primary href=(paths::NEW_AGENT) { (Icon::Plus) "New agent" }
        }
    };
    html! {
        div.page {
            (page_header(&header, html! {}, actions))
            @if !(page.agents.is_empty() && page.query.is_empty()) { (search(&page.query)) }
            div #agents { (results(page)) }
        }
    }
}

fn search(query: &str) -> Markup {
    html! {
        form.search role="search" method="get" action=(paths::AGENTS)
            hx-get=(paths::AGENTS) hx-target="#agents" hx-select="#agents" hx-swap="outerHTML"
            hx-trigger="input changed delay:250ms from:#q, submit" hx-replace-url="true" {
            (Icon::Search)
            label.sr-only for="q" { "Search agents" }
            input.input #q name="q" type="search" value=(query) placeholder="Search agents"
                autocomplete="off" maxlength="200";
            button.btn.btn--small type="submit" { "Search" }
        }
    }
}

fn results(page: &AgentsPage) -> Markup {
    if page.agents.is_empty() {
        return empty(&empty_state(page));
    }
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { "Name" }
                    th scope="col" { "Model" }
                    th scope="col" { "Id" }
                }
            }
            tbody {
                @for agent in &page.agents {
                    tr {
                        td.table-main {
                            a.table-link href=(paths::agent(&agent.id)) { (agent.name) }
                            @if !agent.description.is_empty() {
                                p.table-note { (agent.description) }
                            }
                        }
                        td data-label="Model" { span.badge.badge--mono { (agent.model) } }
                        td data-label="Id" { code.table-id { (agent.id) } }
                    }
                }
            }
        }
        (pager(&page.pager))
    }
}

fn empty_state(page: &AgentsPage) -> EmptyState {
    if !page.query.is_empty() {
        return EmptyState {
            icon: Icon::Search,
            title: format!("No agent matches \u{201c}{}\u{201d}", page.query),
            text: "Names, descriptions, ids and models are searched.".to_owned(),
            next: Some(NextStep {
                label: "Show all agents".to_owned(),
                href: paths::AGENTS.to_owned(),
            }),
        };
    }
    let (text, next) = if page.may_create {
        let next = NextStep {
            label: "Create the first agent".to_owned(),
            href: paths::NEW_AGENT.to_owned(),
        };
        (
            "An agent is a model with instructions. Create one and talk to it.",
            Some(next),
        )
    } else {
        (
            "Agents appear here as soon as somebody shares one with you.",
            None,
        )
    };
    EmptyState {
        icon: Icon::Agent,
        title: "No agents yet".to_owned(),
        text: text.to_owned(),
        next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_agent_is_offered_only_to_those_who_may_create() {
        for agents in [Vec::new(), vec![AgentItem::default()]] {
            let page = AgentsPage {
                agents,
                ..AgentsPage::default()
            };
            let allowed = AgentsPage {
                may_create: true,
                ..page.clone()
            };

            assert!(
                agents_page(&allowed)
                    .into_string()
                    .contains(paths::NEW_AGENT)
            );
            assert!(!agents_page(&page).into_string().contains(paths::NEW_AGENT));
        }
    }

    #[test]
    fn query_and_fields_are_escaped() {
        let hostile = "\"><script>x</script>".to_owned();
        let agent = AgentItem {
            id: hostile.clone(),
            name: hostile.clone(),
            description: hostile.clone(),
            model: hostile.clone(),
        };

        for agents in [vec![agent], Vec::new()] {
            let page = AgentsPage {
                agents,
                pager: Pager::default(),
                query: hostile.clone(),
                may_create: true,
            };
            assert!(!agents_page(&page).into_string().contains("<script"));
        }
    }
}
