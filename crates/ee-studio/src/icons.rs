//! Icons of the lucide set, inlined so that they take the colour of the text.

use maud::{Markup, PreEscaped, Render, html};

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident => $file:literal,)+) => {
        /// An icon; rendering it writes an inline, decorative SVG.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Icon {
            $($(#[$doc])* $name,)+
        }

        impl Icon {
            const fn source(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("../assets/icons/", $file, ".svg")),)+
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Icon] = &[$(Icon::$name),+];
    };
}

icons! {
    /// An agent.
    Agent => "bot",
    /// A running step.
    Busy => "loader-circle",
    /// A cancelled run.
    Cancelled => "circle-slash",
    /// The next level of a path.
    ChevronRight => "chevron-right",
    /// A menu that opens.
    ChevronsUpDown => "chevrons-up-down",
    /// A time span.
    Clock => "clock",
    /// A wrong turn.
    Compass => "compass",
    /// Takes a text along.
    Copy => "copy",
    /// The dark theme.
    Dark => "moon",
    /// Removes something.
    Delete => "trash-2",
    /// A refused permission.
    Denied => "shield-x",
    /// Changes something.
    Edit => "pencil",
    /// Something went wrong.
    Error => "circle-alert",
    /// A failed step.
    Failed => "circle-x",
    /// A remark.
    Info => "info",
    /// A run cut off by a stopped server.
    Interrupted => "unplug",
    /// A secret that opens something.
    Key => "key-round",
    /// The light theme.
    Light => "sun",
    /// Something protected.
    Lock => "lock",
    /// A letter.
    Mail => "mail",
    /// A conversation.
    Message => "message-square",
    /// A step that waits.
    Pending => "circle-dashed",
    /// Adds something.
    Plus => "plus",
    /// Puts on paper.
    Print => "printer",
    /// Starts again.
    Restart => "rotate-ccw",
    /// Starts a run.
    Run => "play",
    /// A search field.
    Search => "search",
    /// Sends a message.
    Send => "send",
    /// Signs in.
    SignIn => "log-in",
    /// Signs out.
    SignOut => "log-out",
    /// Stops an answer.
    Stop => "square",
    /// A successful step.
    Success => "circle-check",
    /// The theme of the system.
    System => "monitor",
    /// A person.
    User => "user",
    /// A warning.
    Warning => "triangle-alert",
    /// A workflow.
    Workflow => "workflow",
}

impl Icon {
    /// The shapes between the `<svg>` tags of the vendored file.
    fn shapes(self) -> &'static str {
        self.source()
            .split_once("<svg")
            .and_then(|(_, rest)| rest.split_once('>'))
            .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
            .map_or("", |(shapes, _)| shapes.trim())
    }
}

impl Render for Icon {
    fn render(&self) -> Markup {
        html! {
            svg.icon.icon--spin[*self == Self::Busy]
                viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor"
                stroke-width="2" stroke-linecap="round" stroke-linejoin="round"
                aria-hidden="true" focusable="false" {
                (PreEscaped(self.shapes()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_shapes_and_nothing_else() {
        for icon in ALL {
            let shapes = icon.shapes();

            assert!(
                shapes.starts_with('<') && shapes.ends_with("/>"),
                "{icon:?}"
            );
            assert!(
                !shapes.contains("svg") && !shapes.contains("style"),
                "{icon:?}"
            );
        }
    }
}
