use std::{fmt::Write as _, io::Read as _, sync::Arc};

use aws_lc_rs::hmac;
use ee_audit::sink::{AuditSink as _, EventFormat, HttpBody, HttpConfig, HttpSink};
use ee_testkit::TestClock;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    file::product,
    receiver::{Answer, Receiver},
    world::entries,
};

pub(super) fn sink(config: &HttpConfig) -> HttpSink {
    HttpSink::new(config, product(), Arc::new(TestClock::default())).unwrap()
}

#[tokio::test]
async fn a_batch_is_posted_with_its_signature_and_a_key_that_is_its_own() {
    let receiver = Receiver::start(|_, _| Answer::status(202)).await;
    let mut config = HttpConfig::new(receiver.url());
    config.secret = Some(SecretString::from("a secret of some length"));
    let token = SecretString::from("Bearer abc");
    config.headers.insert("Authorization".to_owned(), token);
    let sink = sink(&config);
    let batch = entries(1..=3);

    sink.deliver(&batch).await.unwrap();
    sink.deliver(&batch).await.unwrap();
    sink.deliver(&batch[..2]).await.unwrap();
    sink.deliver(&batch[..1]).await.unwrap();

    let received = receiver.received();
    let first = &received[0];
    assert_eq!((first.seqs(), &*first.path), (vec![1, 2, 3], "/in"));
    assert_eq!(first.header("content-type"), "application/x-ndjson");
    assert_eq!(first.header("authorization"), "Bearer abc");
    assert!(first.header("user-agent").starts_with("mastra-ee/"));

    let (at, signature) = first.header("x-ee-signature").split_once(",v1=").unwrap();
    let at = at.strip_prefix("t=").unwrap();
    assert_eq!(at, "1767225600", "the time of the clock");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of some length");
    let signed = [at.as_bytes(), b".", &first.body].concat();
    let mut expected = String::new();
    for byte in hmac::sign(&key, &signed).as_ref() {
        write!(expected, "{byte:02x}").unwrap();
    }
    assert_eq!(signature, expected);

    let keys: Vec<&str> = received
        .iter()
        .map(|it| it.header("idempotency-key"))
        .collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_eq!(keys[3], batch[0].record.event.id.to_string());
}

#[tokio::test]
async fn bodies_are_lines_or_an_array_and_compressed_where_that_is_wanted() {
    let receiver = Receiver::start(|_, _| Answer::status(200)).await;
    let config = HttpConfig::new(receiver.url());
    let batch = entries(1..=2);
    let id = |at: usize| batch[at].record.event.id.to_string();

    let mut array = config.clone();
    (array.body, array.gzip) = (HttpBody::Json, true);
    sink(&array).deliver(&batch).await.unwrap();
    let mut ocsf = config.clone();
    ocsf.format = EventFormat::Ocsf;
    sink(&ocsf).deliver(&batch).await.unwrap();
    let mut cef = config.clone();
    cef.format = EventFormat::Cef;
    sink(&cef).deliver(&batch).await.unwrap();

    let received = receiver.received();
    assert_eq!(received[0].header("content-encoding"), "gzip");
    assert_eq!(received[0].header("content-type"), "application/json");
    let mut text = String::new();
    let mut plain = flate2::read::GzDecoder::new(&*received[0].body);
    plain.read_to_string(&mut text).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!((events.len(), &events[1]["id"]), (2, &Value::from(id(1))));

    let text = String::from_utf8(received[1].body.clone()).unwrap();
    let event: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(event["metadata"]["uid"], id(0));

    let text = String::from_utf8(received[2].body.clone()).unwrap();
    assert_eq!(
        received[2].header("content-type"),
        "text/plain; charset=utf-8"
    );
    assert!(text.lines().all(|line| line.starts_with("CEF:0|")));
    assert!(text.contains(&id(1)) && text.lines().count() == 2);
    assert_eq!(received[2].header("x-ee-signature"), "");
}
