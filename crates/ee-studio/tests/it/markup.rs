use std::collections::HashSet;

use crate::samples;

/// The opening tags of a document as (name, the rest up to `>`). Text and
/// attribute values are escaped, so every `<` and `>` belongs to a tag.
pub(crate) fn tags(html: &str) -> Vec<(&str, &str)> {
    html.split('<')
        .skip(1)
        .filter(|part| !part.starts_with(['/', '!']))
        .map(|part| {
            let (tag, _) = part.split_once('>').unwrap_or((part, ""));
            tag.split_once(' ').unwrap_or((tag, ""))
        })
        .collect()
}

pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("{name}=\"");
    if let Some(rest) = tag.strip_prefix(&start) {
        return rest.split('"').next();
    }
    tag.split_once(&format!(" {start}"))
        .and_then(|(_, rest)| rest.split('"').next())
}

#[test]
fn no_page_needs_more_than_the_content_security_policy_allows() {
    for sample in samples::all() {
        for (name, rest) in tags(&sample.html) {
            let attributes: Vec<&str> = rest
                .split('"')
                .step_by(2)
                .flat_map(str::split_whitespace)
                .collect();
            for attribute in attributes {
                assert!(
                    !attribute.starts_with("style"),
                    "{}: <{name} {rest}>",
                    sample.name
                );
                assert!(
                    !attribute.starts_with("on"),
                    "{}: <{name} {rest}>",
                    sample.name
                );
            }
            assert!(
                name != "style" && name != "iframe" && name != "base",
                "{}",
                sample.name
            );
            if name == "script" {
                assert!(attribute(rest, "src").is_some(), "{}", sample.name);
            }
        }
        assert_eq!(
            sample.html.matches("></script>").count(),
            sample.html.matches("<script").count()
        );
    }
}

#[test]
fn no_tag_has_an_attribute_twice() {
    for sample in samples::all() {
        for (name, rest) in tags(&sample.html) {
            let mut seen = HashSet::new();
            for part in rest.split('"').step_by(2) {
                if let Some(attribute) = part.trim().strip_suffix('=') {
                    let attribute = attribute.rsplit(' ').next().unwrap();
                    assert!(seen.insert(attribute), "{}: <{name} {rest}>", sample.name);
                }
            }
        }
    }
}

#[test]
fn no_page_loads_anything_from_another_origin() {
    for sample in samples::all() {
        for (name, rest) in tags(&sample.html) {
            if name == "a" {
                continue;
            }
            for attr in ["src", "href", "action", "hx-get", "data-stream"] {
                if let Some(url) = attribute(rest, attr) {
                    assert!(url.starts_with("/studio/"), "{}: {url}", sample.name);
                }
            }
        }
    }
}

#[test]
fn every_field_has_a_label() {
    for sample in samples::all() {
        let tags = tags(&sample.html);
        let labels: HashSet<&str> = tags
            .iter()
            .filter(|(name, _)| *name == "label")
            .filter_map(|(_, rest)| attribute(rest, "for"))
            .collect();
        for (name, rest) in &tags {
            let field = matches!(*name, "input" | "textarea" | "select");
            if field && attribute(rest, "type") != Some("hidden") {
                let id = attribute(rest, "id").unwrap_or_default();
                assert!(labels.contains(id), "{}: <{name} {rest}>", sample.name);
            }
        }
    }
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    for sample in samples::all() {
        let tags = tags(&sample.html);
        let mut ids = HashSet::new();
        for (_, rest) in &tags {
            if let Some(id) = attribute(rest, "id") {
                assert!(ids.insert(id), "{}: id `{id}` twice", sample.name);
            }
        }
        for (name, rest) in &tags {
            for attr in ["for", "aria-labelledby", "aria-describedby", "list"] {
                for id in attribute(rest, attr).unwrap_or_default().split_whitespace() {
                    assert!(
                        ids.contains(id),
                        "{}: <{name}> refers to `{id}`",
                        sample.name
                    );
                }
            }
        }
    }
}

#[test]
fn every_page_has_one_heading_of_the_first_level_and_one_main() {
    for sample in samples::all() {
        let tags = tags(&sample.html);
        let count = |wanted: &str| tags.iter().filter(|(name, _)| *name == wanted).count();
        assert_eq!(count("main"), 1, "{}", sample.name);
        if sample.name != "signed-out" {
            assert_eq!(count("h1"), 1, "{}", sample.name);
        }
    }
}

#[test]
fn every_change_is_a_post_form_with_a_button() {
    for sample in samples::all() {
        for form in sample.html.split("<form").skip(1) {
            let (head, body) = form.split_once('>').unwrap();
            let (body, _) = body.split_once("</form>").unwrap();
            let search = head.contains("role=\"search\"");
            assert_eq!(
                attribute(head, "method"),
                Some(if search { "get" } else { "post" })
            );
            assert!(body.contains("type=\"submit\""), "{}", sample.name);
        }
    }
}

#[test]
fn copy_says_what_happens_and_not_please() {
    for sample in samples::all() {
        assert!(
            !sample.html.to_lowercase().contains("please"),
            "{}",
            sample.name
        );
    }
}
