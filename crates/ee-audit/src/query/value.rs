//! What the values of fields can be.

use std::net::IpAddr;

use ee_core::{
    ActionCard, ActorType, AuditAction, AuditField, AuditFilter, AuditOutcome, AuditTest,
};
use ipnet::IpNet;

use super::{
    NUL,
    normal::{all, any, nothing},
};

/// Number of all actions that are not ours.
const FOREIGN: u16 = 9_000;

/// Reads what a field is to be like, which says what is wrong with it.
pub(super) fn read(field: AuditField, test: AuditTest) -> Result<AuditFilter, String> {
    let (AuditTest::Is(text) | AuditTest::StartsWith(text) | AuditTest::EndsWith(text)) = &test;
    if text.contains(NUL) {
        return Err("must not hold a NUL character".to_owned());
    }
    if let Some(values) = closed(field) {
        return one_of(field, values, test);
    }
    match (field, test) {
        (AuditField::Action, test) => action(test),
        (AuditField::Ip, AuditTest::Is(text)) => addresses(&text),
        (AuditField::Ip, test) if settle(field, test.clone()) == nothing() => {
            Err("must be an address or the beginning or end of one".to_owned())
        }
        (field, test) => Ok(settle(field, test)),
    }
}

/// Reads a type and an id such as `agent/a`, or an id.
pub(super) fn resource(test: AuditTest) -> Result<AuditFilter, String> {
    let (kind, id) = match &test {
        AuditTest::Is(text) => match text.split_once('/') {
            Some((kind, id)) => (Some(kind), AuditTest::Is(id.to_owned())),
            None => (None, test),
        },
        AuditTest::StartsWith(text) => match text.split_once('/') {
            Some((kind, id)) => (Some(kind), AuditTest::StartsWith(id.to_owned())),
            None => (None, test),
        },
        AuditTest::EndsWith(end) if end.contains('/') => {
            return Err("has a `*` in its type; search for the `resourceType`".to_owned());
        }
        AuditTest::EndsWith(_) => (None, test),
    };
    let id_of = |id| read(AuditField::ResourceId, id);
    match kind {
        None => id_of(id),
        Some("") => Err("has no type before the `/`".to_owned()),
        Some(_) if id == AuditTest::Is(String::new()) => {
            Err("has no id behind the `/`; write `*` for any".to_owned())
        }
        Some(kind) => {
            let kind = read(AuditField::ResourceType, AuditTest::Is(kind.to_owned()))?;
            Ok(all([kind, id_of(id)?]))
        }
    }
}

/// Reads the id or the e-mail address of an actor.
pub(super) fn actor(test: AuditTest) -> Result<AuditFilter, String> {
    let id = read(AuditField::ActorId, test.clone())?;
    match &test {
        // No address, so one index is enough.
        AuditTest::Is(text) if !text.contains('@') => Ok(id),
        _ => Ok(any([id, read(AuditField::Email, test)?])),
    }
}

/// Reads the code of an action, with or without the letter of an outcome.
pub(super) fn code(text: &str) -> Result<AuditFilter, String> {
    let malformed = || "must be like `MA-2003W`".to_owned();
    let upper = text.to_ascii_uppercase();
    let rest = upper.strip_prefix("MA-").ok_or_else(malformed)?;
    let (number, letter) = rest.split_at_checked(4).ok_or_else(malformed)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let number: u16 = number.parse().map_err(|_| malformed())?;
    let outcome = match letter {
        "" => None,
        "E" => Some(AuditOutcome::Failure),
        "I" => Some(AuditOutcome::Success),
        "W" => Some(AuditOutcome::Denied),
        _ => return Err(malformed()),
    };
    if number == FOREIGN {
        let message = "is the number of every action of others; search for the `action`";
        return Err(message.to_owned());
    }
    let mut cards = ActionCard::ALL.iter();
    let Some(card) = cards.find(|card| card.number == number) else {
        return Err("is the code of no action".to_owned());
    };
    let action = AuditFilter::is(AuditField::Action, card.name);
    let outcome = outcome.map(|outcome| AuditFilter::is(AuditField::Outcome, outcome.as_str()));
    Ok(all([action].into_iter().chain(outcome)))
}

/// Returns the test of a field in its normal form: what no event can have there fits nothing.
pub(super) fn settle(field: AuditField, test: AuditTest) -> AuditFilter {
    let test = match test {
        AuditTest::EndsWith(end) if end.is_empty() => AuditTest::StartsWith(end),
        test => test,
    };
    if let Some(values) = closed(field) {
        let fitting = values.iter().filter(|value| fits(&test, value));
        return any(fitting.map(|value| AuditFilter::is(field, *value)));
    }
    let can_fit = match (field, &test) {
        (AuditField::Action, AuditTest::Is(text)) => is_action(text),
        (AuditField::Action, AuditTest::StartsWith(text) | AuditTest::EndsWith(text)) => {
            text.chars().all(is_of_action)
        }
        (AuditField::Ip, AuditTest::Is(text)) => {
            return match text.parse::<IpAddr>() {
                Ok(ip) if ip.to_string() == *text => one_address(ip),
                _ => nothing(),
            };
        }
        (AuditField::Ip, AuditTest::StartsWith(text) | AuditTest::EndsWith(text)) => {
            text.chars().all(is_of_address)
        }
        (AuditField::Email, _) => return AuditFilter::Field(field, lower(test)),
        _ => true,
    };
    if can_fit {
        AuditFilter::Field(field, test)
    } else {
        nothing()
    }
}

/// Returns the values of a field that has no others.
fn closed(field: AuditField) -> Option<&'static [&'static str]> {
    match field {
        AuditField::ActorKind => Some(&[
            "agent",
            "anonymous",
            "api_key",
            "human",
            "scheduler",
            "service",
            "support",
        ]),
        AuditField::ActorType => Some(&["apikey", "system", "user"]),
        AuditField::Outcome => Some(&["denied", "failure", "success"]),
        AuditField::Stage => Some(&["intent", "result"]),
        _ => None,
    }
}

fn one_of(
    field: AuditField,
    values: &[&'static str],
    test: AuditTest,
) -> Result<AuditFilter, String> {
    let found = match (field, &test) {
        (AuditField::ActorType, AuditTest::Is(text)) => {
            let actor_type = ActorType::find(text).map(ActorType::as_str);
            actor_type.map_or_else(nothing, |text| AuditFilter::is(field, text))
        }
        _ => settle(field, test),
    };
    if found == nothing() {
        return Err(format!("must be one of `{}`", values.join("`, `")));
    }
    Ok(found)
}

fn action(test: AuditTest) -> Result<AuditFilter, String> {
    let dotted = match test {
        AuditTest::Is(text) => AuditTest::Is(text.replace(':', ".")),
        AuditTest::StartsWith(text) => AuditTest::StartsWith(text.replace(':', ".")),
        AuditTest::EndsWith(text) => AuditTest::EndsWith(text.replace(':', ".")),
    };
    let found = settle(AuditField::Action, dotted);
    if found == nothing() {
        return Err("is not like an action, such as `agents.create` or `agents.*`".to_owned());
    }
    Ok(found)
}

/// Reads an address, a network such as `10.0.0.0/8`, or a span such as `10.0.0.1..10.0.0.9`.
fn addresses(text: &str) -> Result<AuditFilter, String> {
    let found = if let Ok(ip) = text.parse::<IpAddr>() {
        Some((ip, ip))
    } else if let Ok(net) = text.parse::<IpNet>() {
        Some((net.network(), net.broadcast()))
    } else {
        let ends = text.split_once("..");
        ends.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)))
    };
    match found {
        Some((first, last)) if first.is_ipv4() == last.is_ipv4() && first <= last => {
            Ok(AuditFilter::Addresses { first, last })
        }
        Some(_) => Err("is no span of addresses".to_owned()),
        None => Err("must be an address or a network such as `10.0.0.0/8`".to_owned()),
    }
}

/// Writes what [`addresses`] reads, as short as it can be.
pub(super) fn addresses_text(first: IpAddr, last: IpAddr) -> String {
    if first == last {
        return first.to_string();
    }
    let prefix = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (first.to_bits() ^ last.to_bits()).leading_zeros(),
        (IpAddr::V6(first), IpAddr::V6(last)) => (first.to_bits() ^ last.to_bits()).leading_zeros(),
        _ => 0,
    };
    let net = u8::try_from(prefix).map(|prefix| IpNet::new(first, prefix));
    match net {
        Ok(Ok(net)) if net.network() == first && net.broadcast() == last => net.to_string(),
        _ => format!("{first}..{last}"),
    }
}

fn one_address(ip: IpAddr) -> AuditFilter {
    AuditFilter::Addresses {
        first: ip,
        last: ip,
    }
}

fn lower(test: AuditTest) -> AuditTest {
    match test {
        AuditTest::Is(text) => AuditTest::Is(text.to_lowercase()),
        AuditTest::StartsWith(text) => AuditTest::StartsWith(text.to_lowercase()),
        AuditTest::EndsWith(text) => AuditTest::EndsWith(text.to_lowercase()),
    }
}

fn fits(test: &AuditTest, value: &str) -> bool {
    match test {
        AuditTest::Is(whole) => value == whole,
        AuditTest::StartsWith(start) => value.starts_with(&**start),
        AuditTest::EndsWith(end) => value.ends_with(&**end),
    }
}

fn is_action(text: &str) -> bool {
    AuditAction::new(text).is_ok_and(|action| action.as_str() == text)
}

fn is_of_action(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_of_address(c: char) -> bool {
    matches!(c, '0'..='9' | 'a'..='f' | '.' | ':')
}

#[cfg(test)]
mod tests {
    use ee_core::{ActorKind, AuditStage};

    use super::*;

    #[test]
    fn closed_fields_have_the_values_that_there_are() {
        let kinds = ActorKind::ALL.map(ActorKind::as_str);
        assert_eq!(closed(AuditField::ActorKind), Some(kinds.as_slice()));
        let outcomes = AuditOutcome::ALL.map(AuditOutcome::as_str);
        assert_eq!(closed(AuditField::Outcome), Some(outcomes.as_slice()));
        let types = [ActorType::Apikey, ActorType::System, ActorType::User].map(ActorType::as_str);
        assert_eq!(closed(AuditField::ActorType), Some(types.as_slice()));
        let stages = [AuditStage::Intent, AuditStage::Result].map(AuditStage::as_str);
        assert_eq!(closed(AuditField::Stage), Some(stages.as_slice()));
    }

    #[test]
    fn networks_are_spans_and_written_short_again() {
        for (text, written) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1/32", "10.0.0.1"),
            ("10.0.0.1..10.0.0.9", "10.0.0.1..10.0.0.9"),
            ("10.0.0.0..10.255.255.255", "10.0.0.0/8"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8:0:0::1", "2001:db8::1"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ] {
            let Ok(AuditFilter::Addresses { first, last }) = addresses(text) else {
                panic!("{text}");
            };
            assert_eq!(addresses_text(first, last), written);
        }
        for text in [
            "10.0.0.0/33",
            "10.0.0",
            "10.0.0.9..10.0.0.1",
            "10.0.0.1..::1",
            "fe80::1%eth0",
            "010.0.0.1",
            "0x0a.1",
            "1e3",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/ 8",
            "..",
            "",
        ] {
            assert!(addresses(text).is_err(), "{text}");
        }
    }

    #[test]
    fn codes_are_actions_and_outcomes() {
        let action = AuditFilter::is(AuditField::Action, "agents.delete");
        let denied = AuditFilter::is(AuditField::Outcome, "denied");

        assert_eq!(code("MA-2003W").unwrap(), all([action.clone(), denied]));
        assert_eq!(code("ma-2003").unwrap(), action);
        assert!(code("MA-9000I").unwrap_err().contains("`action`"));
        for text in [
            "",
            "MA-",
            "MA-1",
            "MA-99999",
            "MA-2003X",
            "MA-+200",
            "MA-٢٠٠",
            "2003W",
        ] {
            assert!(code(text).is_err(), "{text}");
        }
    }
}
