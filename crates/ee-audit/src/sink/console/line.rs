//! A line for people: `[audit] 2026-01-02T03:04:05.678Z ✓ user:ada@example.com agents.create on agent:faq (4ms)`.

use std::fmt;

use ee_core::{AuditEvent, AuditOutcome};

/// Shows an event as one line for people, without its end.
pub(super) fn pretty(event: &AuditEvent) -> impl fmt::Display + '_ {
    Pretty(event)
}

struct Pretty<'a>(&'a AuditEvent);

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        let plain = |text| Escaped(text, Escape::Plain);
        let mark = match event.outcome {
            AuditOutcome::Denied => '⊘',
            AuditOutcome::Failure => '✗',
            AuditOutcome::Success => '✓',
        };
        let actor = &event.actor;
        let who = actor.email.as_deref().unwrap_or(&actor.id);
        let (kind, action) = (actor.actor_type.as_str(), event.action.as_str());
        write!(
            f,
            "[audit] {:.3} {mark} {kind}:{}",
            event.timestamp,
            plain(who)
        )?;
        write!(f, " {}", plain(action))?;
        if let Some(resource) = &event.resource {
            write!(f, " on {}:{}", plain(&resource.kind), plain(&resource.id))?;
        }
        match event.duration {
            Some(millis) => write!(f, " ({millis}ms)"),
            None => Ok(()),
        }
    }
}

/// How a character is written that steers a terminal.
#[derive(Clone, Copy)]
pub(super) enum Escape {
    /// As JSON writes it.
    Json,
    /// As Rust writes it.
    Plain,
}

impl Escape {
    /// Controls, what ends a line for some reader, what turns the direction of writing, and what begins an escape.
    fn is_due(self, c: char) -> bool {
        let turns = matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        c.is_control() || turns || (matches!(self, Self::Plain) && c == '\\')
    }
}

/// Text in which nothing steers a terminal.
pub(super) struct Escaped<'a>(pub(super) &'a str, pub(super) Escape);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        for (at, c) in self.0.char_indices().filter(|(_, c)| self.1.is_due(*c)) {
            f.write_str(self.0.get(written..at).unwrap_or_default())?;
            match self.1 {
                // All of them are below U+FFFF.
                Escape::Json => write!(f, "\\u{:04x}", u32::from(c))?,
                Escape::Plain => write!(f, "{}", c.escape_default())?,
            }
            written = at + c.len_utf8();
        }
        f.write_str(self.0.get(written..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use ee_core::{ActorType, AuditAction, AuditActor, AuditResource};

    use super::*;

    #[test]
    fn a_line_says_who_did_what_and_stays_one_line() {
        let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        let mut actor = AuditActor::new(ActorType::User, "u1");
        actor.email = Some("ada@example.com".to_owned());
        let action = AuditAction::AGENT_CREATE;
        let mut event = AuditEvent::new(at, actor, action, AuditOutcome::Success);
        event.resource = Some(AuditResource::new("agent", "a\n\u{1b}[2J\u{202e}\\"));
        event.duration = Some(4);

        assert_eq!(
            pretty(&event).to_string(),
            r"[audit] 2026-01-02T03:04:05.678Z ✓ user:ada@example.com agents.create on agent:a\n\u{1b}[2J\u{202e}\\ (4ms)"
        );
    }

    #[test]
    fn escaping_leaves_all_other_text_alone() {
        let escaped = |text, how| Escaped(text, how).to_string();

        assert_eq!(escaped("Größe 🦀 a b", Escape::Plain), "Größe 🦀 a b");
        assert_eq!(
            escaped("\u{7f}é\u{2028}\\n", Escape::Json),
            r"\u007fé\u2028\n"
        );
    }
}
