//! Events with secrets of every kind in every place, and what must be left of them.
//!
//! Whoever keeps or sends events takes [`payloads`], has them redacted, and looks with [`Payload::leak`] whether a
//! secret is in what came out.

mod lists;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ee_core::{
    ActorType, AuditAction, AuditActor, AuditAi, AuditChange, AuditContext, AuditEvent,
    AuditOutcome, AuditParty, AuditPermission, AuditResource,
};
use serde_json::{Map, Value, json};

use lists::{BASE64URL, DIGITS, HEX, ISSUED, LETTERS, NAMES, PLAIN_NAMES};

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        *list.get(self.below(list.len())).unwrap()
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| self.pick(&letters)).collect()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.roll().to_le_bytes()[0]).collect()
    }

    fn uuid(&mut self) -> String {
        let digits = self.text(HEX, 32);
        format!(
            "{}-{}-7{}-a{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..]
        )
    }
}

/// A text that holds secrets.
struct Secret {
    /// What must not be left of it.
    parts: Vec<String>,
    text: String,
}

impl Secret {
    fn whole(text: String) -> Self {
        Self {
            parts: vec![text.clone()],
            text,
        }
    }

    fn in_frame(secret: String, text: String) -> Self {
        Self {
            parts: vec![secret],
            text,
        }
    }
}

/// An event, the secrets in it, and what is none.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The event.
    pub event: AuditEvent,
    /// Values of the metadata that must stay as they are, by name.
    pub kept: Map<String, Value>,
    /// What must not be left.
    pub secrets: Vec<String>,
}

impl Payload {
    /// Returns a secret that is in a text, as it is or encoded.
    pub fn leak(&self, text: &str) -> Option<&str> {
        let mut secrets = self.secrets.iter();
        let is_there = |secret: &&String| {
            spellings(secret)
                .iter()
                .any(|it| text.contains(it.as_str()))
        };
        secrets.find(is_there).map(String::as_str)
    }

    /// Returns everything that must not be found, as it is and encoded.
    pub fn spellings(&self) -> impl Iterator<Item = String> {
        self.secrets.iter().flat_map(|secret| spellings(secret))
    }
}

/// Writes a secret as it is, as JSON does and as addresses do.
fn spellings(secret: &str) -> [String; 3] {
    let json = Value::from(secret).to_string();
    let escaped = json.trim_matches('"').to_owned();
    [secret.to_owned(), escaped, percent_encoded(secret)]
}

/// Makes so many payloads; the same ones for the same seed.
pub fn payloads(seed: u64, count: usize) -> impl Iterator<Item = Payload> {
    let mut dice = Dice::new(seed);
    (0..count).map(move |_| payload(&mut dice))
}

fn payload(dice: &mut Dice) -> Payload {
    let mut payload = Payload {
        event: plain_event(),
        kept: Map::new(),
        secrets: Vec::new(),
    };
    for _ in 0..=dice.below(3) {
        if dice.below(3) == 0 {
            put_named(&mut payload, dice);
        } else {
            let secret = secret(dice);
            payload.secrets.extend(secret.parts);
            let text = carried(dice, &secret.text);
            put(&mut payload.event, dice, text);
        }
    }
    keep(&mut payload, dice);
    payload
}

fn plain_event() -> AuditEvent {
    let mut actor = AuditActor::new(ActorType::User, "user_42");
    actor.email = Some("ada@example.com".to_owned());
    actor.ip = Some("192.0.2.7".parse().unwrap());
    let at = "2026-10-02T09:14:03.218Z".parse().unwrap();
    let mut event = AuditEvent::new(at, actor, AuditAction::AGENT_STREAM, AuditOutcome::Success);
    event.context = Some(Box::new(AuditContext::new(
        "0198a1de-7b1c-7d40-9f0e-2a61c0d4e001".to_owned(),
        "POST".to_owned(),
        "/api/agents/:id/stream".into(),
        200,
    )));
    let mut ai = AuditAi::default();
    ai.agent_id = Some("support".to_owned());
    ai.input = Some(json!([{"role": "user", "content": "hello"}]));
    event.ai = Some(Box::new(ai));
    event
}

/// A secret that is found wherever it stands.
fn secret(dice: &mut Dice) -> Secret {
    match dice.below(12) {
        0 => jwt(dice),
        1 => pem(dice),
        2..=4 => {
            let (begin, alphabet, length) = dice.pick(&ISSUED);
            let tail = dice.text(alphabet, length);
            Secret::in_frame(tail.clone(), format!("{begin}{tail}"))
        }
        5 => {
            let tail = dice.text(BASE64URL, 43);
            Secret::in_frame(tail.clone(), format!("ee_live_{}_{tail}", dice.uuid()))
        }
        6 => Secret::whole(URL_SAFE_NO_PAD.encode(dice.bytes(32))),
        7 => scheme(dice),
        8 => login(dice),
        9 => card(dice),
        10 => Secret::whole(
            STANDARD
                .encode(dice.bytes(32))
                .trim_end_matches('=')
                .to_owned(),
        ),
        _ => assigned(dice),
    }
}

fn jwt(dice: &mut Dice) -> Secret {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{}","iat":1767323045}}"#, dice.uuid()));
    let signature = dice.text(BASE64URL, 43);
    Secret {
        text: format!("{header}.{body}.{signature}"),
        parts: vec![body, signature],
    }
}

fn pem(dice: &mut Dice) -> Secret {
    let kind = dice.pick(&[
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "EC PRIVATE KEY",
    ]);
    let lines: Vec<String> = (0..3).map(|_| STANDARD.encode(dice.bytes(48))).collect();
    Secret {
        text: format!(
            "-----BEGIN {kind}-----\n{}\n-----END {kind}-----",
            lines.join("\n")
        ),
        parts: lines,
    }
}

fn scheme(dice: &mut Dice) -> Secret {
    if dice.below(2) == 0 {
        let token = dice.text(LETTERS, 20);
        let scheme = dice.pick(&["Bearer", "bearer", "BEARER"]);
        return Secret::in_frame(token.clone(), format!("{scheme} {token}"));
    }
    let password = dice.text(LETTERS, 12);
    let token = STANDARD.encode(format!("ada:{password}"));
    let scheme = dice.pick(&["Basic", "basic"]);
    Secret {
        text: format!("{scheme} {token}"),
        parts: vec![token],
    }
}

fn login(dice: &mut Dice) -> Secret {
    let sign = dice.pick(&["", "!", "$", "/", "@"]);
    let password = format!("{}{sign}{}", dice.text(LETTERS, 5), dice.text(LETTERS, 5));
    let scheme = dice.pick(&["postgres", "https", "redis", "mongodb+srv", "amqp"]);
    Secret::in_frame(
        password.clone(),
        format!("{scheme}://app:{password}@db.example.com:5432/main"),
    )
}

fn card(dice: &mut Dice) -> Secret {
    let (begin, length) = dice.pick(&[
        ("4", 16),
        ("51", 16),
        ("2221", 16),
        ("37", 15),
        ("6011", 16),
        ("36", 14),
    ]);
    let mut digits = format!("{begin}{}", dice.text(DIGITS, length - begin.len() - 1));
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    digits.push_str(&((10 - sum % 10) % 10).to_string());
    let grouped = |sign: &str| {
        let digits: Vec<char> = digits.chars().collect();
        let groups: Vec<String> = digits
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        groups.join(sign)
    };
    Secret::whole(match dice.below(3) {
        0 => grouped(" "),
        1 => grouped("-"),
        _ => digits,
    })
}

/// A password that only its name gives away.
fn weak(dice: &mut Dice) -> String {
    let word = dice.pick(&["Sommer", "hunter", "correcthorse", "letmein", "Passw0rt"]);
    format!("{word}{}", dice.text(DIGITS, 6))
}

fn assigned(dice: &mut Dice) -> Secret {
    let password = weak(dice);
    let text = match dice.below(12) {
        0 => format!("password={password}"),
        1 => format!("user=ada&client_secret={password}&scope=all"),
        2 => format!("{{\"user\":\"ada\",\"password\":\"{password}\"}}"),
        3 => format!("'apiKey': '{password}'"),
        4 => format!("mysql --user ada --password {password} main"),
        5 => format!("Cookie: theme=dark; ee_session={password}"),
        6 => format!("Authorization: Digest username=ada, response={password}"),
        7 => format!("<password>{password}</password>"),
        8 => format!("https://example.com/callback?code={password}&state=1"),
        9 => format!("Server=db;User Id=sa;Password={password};Encrypt=true"),
        10 => format!("DB_PASSWORD: {password}"),
        _ => format!("https://example.com/files?sig={password}#access_token={password}"),
    };
    Secret::in_frame(password, text)
}

/// A text around a secret.
fn carried(dice: &mut Dice, secret: &str) -> String {
    match dice.below(10) {
        0..=2 => secret.to_owned(),
        3 => format!("the client sent {secret} and was refused"),
        4 => format!("({secret})"),
        5 => json!({"step": 3, "note": secret}).to_string(),
        6 => json!({"body": json!({"note": [secret]}).to_string()}).to_string(),
        7 => format!(
            "https://example.com/cb?next={}&lang=en",
            percent_encoded(secret)
        ),
        8 => format!("<{secret}>, first line\nsecond line"),
        _ => format!("\"{secret}\""),
    }
}

/// Puts a text anywhere.
fn put(event: &mut AuditEvent, dice: &mut Dice, text: String) {
    let actor = &mut event.actor;
    let name = dice.pick(&PLAIN_NAMES).to_owned();
    match dice.below(26) {
        0 => actor.id = text,
        1 => actor.email = Some(text),
        2 => actor.user_agent = Some(format!("Mozilla/5.0 {text}")),
        3 => actor.name = Some(text),
        4 => actor.session_id = Some(text),
        5 => actor.credential_id = Some(text),
        6 => actor.roles.push(text),
        7 => event.resource = Some(AuditResource::new(text, "x")),
        8 => event.resource = Some(AuditResource::new("agent", text)),
        9 => {
            let mut target = AuditResource::new("agent", "x");
            target.name = Some(text);
            event.targets.push(target);
        }
        10 => event.reason = Some(text),
        11 => event.on_behalf_of = Some(AuditParty::new(ActorType::User, text)),
        12 => event.permission = Some(AuditPermission::new(text)),
        13 => event.context.as_mut().unwrap().route = text.into(),
        14 => event.context.as_mut().unwrap().request_id = text,
        15 => event.ai.as_mut().unwrap().thread_id = Some(text),
        16 => event.ai.as_mut().unwrap().input = Some(json!([{"role": "user", "content": text}])),
        17 => event.ai.as_mut().unwrap().output = Some(json!({"text": text})),
        18 => event.changes.push(AuditChange::new(
            "/instructions",
            Some(json!("old")),
            Some(json!(text)),
        )),
        19 => event.changes.push(AuditChange::new(text, None, None)),
        20 => {
            event.metadata.insert(text, json!(1));
        }
        21 => {
            event.metadata.insert(name, json!({"a": {(text): [true]}}));
        }
        22 => {
            event
                .metadata
                .insert(name, json!({"a": [1, {"b": [[text]]}]}));
        }
        _ => {
            event.metadata.insert(name, text.into());
        }
    }
}

/// Puts a value behind a name that says what it is.
fn put_named(payload: &mut Payload, dice: &mut Dice) {
    let name = dice.pick(&NAMES);
    // A number is the id of a session, and a secret everywhere else.
    let is_of_session = name.ends_with("sid") || name.ends_with("session");
    let (secret, value) = match dice.below(4) {
        0 if !is_of_session => {
            let number = 100_000_000 + dice.roll() % 900_000_000;
            (number.to_string(), json!(number))
        }
        1 => {
            let text = weak(dice);
            (text.clone(), json!([text, "x"]))
        }
        _ => {
            let text = weak(dice);
            (text.clone(), json!(text))
        }
    };
    payload.secrets.push(secret);
    let event = &mut payload.event;
    let own = dice.pick(&PLAIN_NAMES).to_owned();
    match dice.below(8) {
        0 => {
            event.metadata.insert(name.to_owned(), value);
        }
        1 => {
            event
                .metadata
                .insert(own, json!({"deep": [{"er": {(name): value}}]}));
        }
        2 => event.changes.push(AuditChange::new(
            format!("/config/{name}"),
            Some(value.clone()),
            Some(value),
        )),
        3 => event.changes.push(AuditChange::new(
            "/config",
            None,
            Some(json!({(name): value})),
        )),
        4 => {
            event.ai.as_mut().unwrap().input =
                Some(json!({"tool": {"arguments": {(name): value}}}));
        }
        5 => {
            event
                .metadata
                .insert(own, json!([{"name": name, "value": value}]));
        }
        6 => {
            event.metadata.insert(own, json!([[name, value]]));
        }
        _ => {
            event
                .metadata
                .insert(own, json!(json!({"request": {(name): value}}).to_string()));
        }
    }
}

/// Adds what must stay.
fn keep(payload: &mut Payload, dice: &mut Dice) {
    let text = format!(
        "The quick brown fox jumps over {} lazy dogs.",
        dice.below(1_000)
    );
    let values = [
        json!(dice.uuid()),
        json!(dice.text(HEX, 64)),
        json!(dice.text(HEX, 40)),
        json!("2026-10-02T09:14:03.218Z"),
        json!(STANDARD.encode(&text)),
        json!(text),
        json!(dice.roll() >> 24),
        json!(true),
        json!("agents:write:support"),
    ];
    for (letter, value) in ('A'..).zip(values) {
        let name = format!("kept{letter}");
        payload.event.metadata.insert(name.clone(), value.clone());
        payload.kept.insert(name, value);
    }
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
