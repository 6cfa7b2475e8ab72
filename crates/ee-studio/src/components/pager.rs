use maud::{Markup, html};

/// Where a page of a list stands among the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pager {
    /// Number of the first row, counted from 1.
    pub first: u64,
    /// Number of the last row.
    pub last: u64,
    /// How many rows there are on all pages.
    pub total: u64,
    /// The page before, if there is one.
    pub previous: Option<String>,
    /// The next page, if there is one.
    pub next: Option<String>,
}

/// Renders the way to the other pages; nothing when there are none.
pub fn pager(pager: &Pager) -> Markup {
    if pager.previous.is_none() && pager.next.is_none() {
        return html! {};
    }
    html! {
        nav.pager aria-label="Pages" {
            p.pager-place { (pager.first) "\u{2013}" (pager.last) " of " (pager.total) }
            @if let Some(href) = &pager.previous {
                a.btn.btn--small rel="prev" href=(href) { "Previous" }
            }
            @if let Some(href) = &pager.next {
                a.btn.btn--small rel="next" href=(href) { "Next" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_are_there_are_offered() {
        let href = |number: u8| Some(format!("/studio/agents?page={number}&q=\"a"));
        let middle = Pager {
            first: 51,
            last: 100,
            total: 130,
            previous: href(1),
            next: href(3),
        };
        let last = Pager {
            next: None,
            ..middle.clone()
        };

        let (middle, last) = (pager(&middle).into_string(), pager(&last).into_string());

        assert!(middle.contains("51\u{2013}100 of 130"));
        assert!(middle.contains("rel=\"prev\"") && middle.contains("rel=\"next\""));
        assert!(last.contains("rel=\"prev\"") && !last.contains("rel=\"next\""));
        assert!(!last.contains("q=\"a"));
        assert_eq!(pager(&Pager::default()).into_string(), "");
    }
}
