//! The frame around a page.

use maud::{DOCTYPE, Markup, html};

use crate::assets::{AssetName, asset_url};
use crate::components::{AuthStatus, Theme, auth_status, brand};
use crate::{Icon, paths};

/// No styles of its own, nothing evaluated, no foreign addresses, and no copies
/// of pages in the storage of the browser.
const HTMX_CONFIG: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"allowScriptTags":false,"historyCacheSize":0,"refreshOnHistoryMiss":true}"#;

/// What the frame needs to know.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// The title of the page, without the name of the product.
    pub title: String,
    /// The chosen colours.
    pub theme: Theme,
    /// What the navigation offers.
    pub nav: Nav,
    /// The part of Studio that the page belongs to.
    pub section: Section,
    /// Who is looking.
    pub auth: AuthStatus,
    /// A notice over every page.
    pub banner: Option<Banner>,
    /// Path and query of this page, to come back to.
    pub current_path: String,
}

/// The parts of Studio that this person may open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nav {
    /// Whether agents may be read.
    pub agents: bool,
    /// Whether workflows may be read.
    pub workflows: bool,
}

/// A part of Studio.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Section {
    /// The agents.
    Agents,
    /// None in particular.
    #[default]
    Other,
    /// The workflows.
    Workflows,
}

/// A notice over every page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Banner {
    /// Everything is open to everyone who reaches the server.
    AuthenticationOff,
    /// Something else to be aware of.
    Notice(String),
}

/// Renders a whole page with navigation around `content`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "markup is built in place by the caller"
)]
pub fn layout(shell: &Shell, content: Markup) -> Markup {
    document(
        shell,
        &html! {
            div.shell {
                header.sidebar {
                    (brand())
                    nav.nav aria-label="Main" {
                        ul {
                            @if shell.nav.agents {
                                (nav_item(shell, Section::Agents, paths::AGENTS, Icon::Agent, "Agents"))
                            }
                            @if shell.nav.workflows {
                                (nav_item(shell, Section::Workflows, paths::WORKFLOWS, Icon::Workflow, "Workflows"))
                            }
                        }
                    }
                    div.sidebar-foot { (auth_status(&shell.auth, shell.theme, &shell.current_path)) }
                }
                div.content {
                    @if let Some(banner) = &shell.banner { (banner_bar(banner)) }
                    main #main tabindex="-1" { (content) }
                }
            }
        },
    )
}

/// Renders a whole page without navigation, for signing in and for errors that
/// leave no room to navigate.
#[expect(
    clippy::needless_pass_by_value,
    reason = "markup is built in place by the caller"
)]
pub fn bare_layout(shell: &Shell, content: Markup) -> Markup {
    document(
        shell,
        &html! {
            div.bare {
                @if let Some(banner) = &shell.banner { (banner_bar(banner)) }
                main #main tabindex="-1" { (content) }
            }
        },
    )
}

fn document(shell: &Shell, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[shell.theme.attribute()] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX_CONFIG);
                title { (shell.title) " · Studio" }
                link rel="icon" type="image/svg+xml" href=(asset_url(AssetName::Favicon));
                link rel="stylesheet" href=(asset_url(AssetName::Style));
                script src=(asset_url(AssetName::Htmx)) defer {}
                script src=(asset_url(AssetName::Script)) defer {}
            }
            body {
                a.skip-link href="#main" { "Skip to content" }
                (body)
            }
        }
    }
}

fn nav_item(shell: &Shell, section: Section, href: &str, icon: Icon, label: &str) -> Markup {
    let current = (shell.section == section).then_some("page");
    html! {
        li { a href=(href) aria-current=[current] { (icon) (label) } }
    }
}

fn banner_bar(banner: &Banner) -> Markup {
    html! {
        div.banner role="note" {
            (Icon::Warning)
            @match banner {
                Banner::AuthenticationOff => p {
                    strong { "Authentication is switched off." }
                    " Everyone who reaches this server may do everything."
                },
                Banner::Notice(text) => p { (text) },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_navigation_offers_only_what_is_allowed() {
        let shell = Shell {
            nav: Nav {
                agents: true,
                workflows: false,
            },
            ..Shell::default()
        };

        let output = layout(&shell, html! {}).into_string();

        assert!(output.contains("href=\"/studio/agents\""));
        assert!(!output.contains("Workflows"));
    }

    #[test]
    fn the_theme_is_an_attribute_only_when_chosen() {
        let dark = Shell {
            theme: Theme::Dark,
            ..Shell::default()
        };

        assert!(
            layout(&dark, html! {})
                .into_string()
                .contains("<html lang=\"en\" data-theme=\"dark\">")
        );
        assert!(
            layout(&Shell::default(), html! {})
                .into_string()
                .contains("<html lang=\"en\">")
        );
    }

    #[test]
    fn title_and_banner_are_escaped() {
        let shell = Shell {
            title: "</title><script>x</script>".to_owned(),
            banner: Some(Banner::Notice("<img src=x>".to_owned())),
            ..Shell::default()
        };

        for output in [layout(&shell, html! {}), bare_layout(&shell, html! {})] {
            let output = output.into_string();
            assert!(!output.contains("<script>") && !output.contains("<img"));
        }
    }
}
