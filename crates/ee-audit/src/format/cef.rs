//! The Common Event Format, version 0: a line of text.

use std::fmt::Write as _;

use ee_core::storage::AuditEntry;

use super::Product;

/// Writes an event as one line of CEF, without its end.
///
/// In the header, `\` and `|` are escaped, in the extension `\`, `=` and line breaks: what somebody else wrote begins no
/// field and no event. Other control characters become spaces.
pub fn cef(entry: &AuditEntry, product: &Product) -> String {
    let event = &entry.record.event;
    let mut line = "CEF:0".to_owned();
    let code = event.code();
    let severity = event.severity().to_string();
    for part in [
        product.vendor.as_str(),
        &product.name,
        &product.version,
        &code,
        event.action.as_str(),
        &severity,
    ] {
        line.push('|');
        escape(&mut line, part, Place::Header);
    }
    line.push('|');
    let mut fields = Fields { line };
    fields.add("rt", event.timestamp.as_millisecond().to_string());
    fields.add("externalId", event.id.to_string());
    fields.add("act", event.action.as_str());
    fields.add("outcome", event.outcome.as_str());
    fields.add("suid", &event.actor.id);
    let name = event.actor.name.as_ref().or(event.actor.email.as_ref());
    fields.option("suser", name);
    if let Some(ip) = event.actor.ip.map(|ip| ip.to_canonical()) {
        if ip.is_ipv4() {
            fields.add("src", ip.to_string());
        } else {
            fields.labelled("c6a2", "Source IPv6 Address", Some(ip.to_string()));
        }
    }
    fields.option("requestClientApplication", event.actor.user_agent.as_ref());
    let context = event.context.as_deref();
    fields.option("request", context.map(|it| &it.route));
    fields.option("requestMethod", context.map(|it| &it.method));
    fields.option("reason", event.reason.as_ref());
    fields.add("cat", event.action.category());
    let resource = event.resource.as_ref();
    fields.labelled("cs1", "Resource Type", resource.map(|it| &it.kind));
    fields.labelled("cs2", "Resource ID", resource.map(|it| &it.id));
    fields.labelled(
        "cs3",
        "Resource Name",
        resource.and_then(|it| it.name.as_ref()),
    );
    fields.labelled("cs4", "Request ID", context.map(|it| &it.request_id));
    fields.labelled("cs5", "Organization", event.actor.organization_id.as_ref());
    let ai = event.ai.as_deref();
    let agent = ai.map(|ai| {
        [&ai.agent_id, &ai.model]
            .map(|it| it.as_deref().unwrap_or_default())
            .join("/")
    });
    fields.labelled("cs6", "Agent and Model", agent.filter(|it| it != "/"));
    fields.labelled(
        "cn1",
        "Duration in Milliseconds",
        event.duration.map(|it| it.to_string()),
    );
    fields.labelled("cn2", "Sequence Number", Some(entry.seq.to_string()));
    fields.line
}

/// The extension of a line, field by field. What is empty is left out.
struct Fields {
    line: String,
}

impl Fields {
    fn add(&mut self, key: &str, value: impl AsRef<str>) {
        let value = value.as_ref();
        if value.is_empty() {
            return;
        }
        if !self.line.ends_with('|') {
            self.line.push(' ');
        }
        let _ = write!(self.line, "{key}=");
        escape(&mut self.line, value, Place::Extension);
    }

    fn option(&mut self, key: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    fn labelled(&mut self, key: &str, label: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value.filter(|it| !it.as_ref().is_empty()) {
            self.add(key, value);
            self.add(&format!("{key}Label"), label);
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Extension,
    Header,
}

fn escape(line: &mut String, text: &str, place: Place) {
    for c in text.chars() {
        match (c, place) {
            ('\\', _) => line.push_str("\\\\"),
            ('|', Place::Header) => line.push_str("\\|"),
            ('=', Place::Extension) => line.push_str("\\="),
            ('\r', Place::Extension) => line.push_str("\\r"),
            (c, Place::Extension) if is_break(c) => line.push_str("\\n"),
            (c, _) if c.is_control() || is_break(c) => line.push(' '),
            (c, _) => line.push(c),
        }
    }
}

/// What some reader takes for the end of a line.
const fn is_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}
