use maud::{Markup, html};

/// Renders a box to tick, which the form sends as `1`.
pub fn checkbox(name: &str, label: &str, is_checked: bool) -> Markup {
    html! {
        div.check {
            input id=(name) name=(name) type="checkbox" value="1" checked[is_checked];
            label for=(name) { (label) }
        }
    }
}
