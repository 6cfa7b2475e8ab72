use maud::{Markup, html};

/// Renders a labelled block of data or long text in a fixed-width face.
pub fn data_block(label: &str, text: &str) -> Markup {
    html! {
        figure.data {
            figcaption { (label) }
            pre tabindex="0" { code { (text) } }
        }
    }
}
