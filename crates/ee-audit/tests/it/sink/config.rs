use std::{path::PathBuf, sync::Arc, time::Duration};

use ee_audit::sink::{SinkConfig, SinkContext, SinkSettings};
use ee_core::{AuditField, AuditFilter, ErrorKind};
use ee_testkit::TestClock;
use jiff::Timestamp;

use super::file::product;

fn settings(text: &str) -> Result<SinkSettings, toml::de::Error> {
    toml::from_str(text)
}

fn context() -> SinkContext {
    SinkContext {
        clock: Arc::new(TestClock::default()),
        product: product(),
    }
}

#[tokio::test]
async fn every_kind_of_sink_is_configured() {
    for (kind, to) in [
        ("console", "style = \"pretty\""),
        (
            "file",
            "path = \"/var/log/audit.jsonl\", keep = 3, daily = false, max_bytes = 8192, format = \"cef\"",
        ),
        (
            "http",
            "url = \"https://siem.example.com/in\", body = \"json\", format = \"ocsf\", gzip = true, \
             headers = { Authorization = \"Bearer abc\" }, secret = \"0123456789abcdef\"",
        ),
        (
            "otlp",
            "url = \"http://127.0.0.1:4318\", gzip = true, headers = { X-Key = \"abc\" }",
        ),
        (
            "syslog",
            "url = \"tls://siem.example.com:6514\", facility = 10, app_name = \"a\", host_name = \"h\", format = \"cef\"",
        ),
    ] {
        let text = format!("name = \"siem\"\nto = {{ kind = \"{kind}\", {to} }}");
        let settings = settings(&text).unwrap();
        settings.check().unwrap();
        let sink = settings.to.open(&context()).unwrap();
        assert_eq!(sink.kind(), kind);
    }
}

#[test]
fn what_is_not_said_has_a_default() {
    let mut text = "name = \"siem\"\nto = { kind = \"console\" }".to_owned();
    let plain = settings(&text).unwrap();
    assert_eq!(
        plain.filter(Timestamp::UNIX_EPOCH).unwrap(),
        AuditFilter::EVERYTHING
    );
    assert_eq!(plain.options().unwrap().timeout, Duration::from_secs(5));

    text = format!("filter = \"outcome:denied\"\nbatch_events = 7\ntimeout_ms = 900\n{text}");
    let settings = settings(&text).unwrap();
    let options = settings.options().unwrap();
    assert_eq!(
        (options.batch_events, options.timeout),
        (7, Duration::from_millis(900))
    );
    let filter = settings.filter(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(filter, AuditFilter::is(AuditField::Outcome, "denied"));
}

#[test]
fn unknown_names_are_refused() {
    for text in [
        "name = \"siem\"\ncolour = 1\nto = { kind = \"console\" }",
        "name = \"siem\"\nto = { kind = \"console\", colour = 1 }",
        "name = \"siem\"\nto = { kind = \"file\", path = \"a\", colour = 1 }",
        "name = \"siem\"\nto = { kind = \"http\", url = \"https://a.example\", colour = 1 }",
        "name = \"siem\"\nto = { kind = \"otlp\", url = \"https://a.example\", colour = 1 }",
        "name = \"siem\"\nto = { kind = \"syslog\", url = \"tls://a.example\", colour = 1 }",
        "name = \"siem\"\nto = { kind = \"fax\" }",
        "name = \"siem\"\nto = { path = \"a\" }",
        "name = \"../siem\"\nto = { kind = \"console\" }",
        "name = \"siem\"",
        "to = { kind = \"console\" }",
    ] {
        assert!(settings(text).is_err(), "{text}");
    }
}

#[test]
fn errors_name_the_field_and_no_secret() {
    let http = "kind = \"http\", url = \"https://a.example\"";
    for (common, to, field) in [
        ("batch_events = 0", "kind = \"console\"", "batch_events"),
        (
            "batch_bytes = 99999999",
            "kind = \"console\"",
            "batch_bytes",
        ),
        ("timeout_ms = 1", "kind = \"console\"", "timeout_ms"),
        ("filter = \"colour:red\"", "kind = \"console\"", "filter"),
        ("", "kind = \"file\", path = \"/\"", "path"),
        ("", "kind = \"file\", path = \"a\", keep = 0", "keep"),
        (
            "",
            "kind = \"file\", path = \"a\", max_bytes = 1",
            "max_bytes",
        ),
        ("", "kind = \"http\", url = \"http://a.example\"", "url"),
        ("", "kind = \"otlp\", url = \"http://10.0.0.1:4318\"", "url"),
        ("", &format!("{http}, secret = \"hush\""), "secret"),
        (
            "",
            &format!("{http}, body = \"json\", format = \"cef\""),
            "body",
        ),
        (
            "",
            &format!("{http}, headers = {{ Host = \"hush\" }}"),
            "headers.Host",
        ),
        (
            "",
            &format!("{http}, headers = {{ X-EE-Signature = \"hush\" }}"),
            "headers.X-EE-Signature",
        ),
        (
            "",
            &format!("{http}, headers = {{ A = \"hush\\nhush: 1\" }}"),
            "headers.A",
        ),
        (
            "",
            &format!("{http}, headers = {{ \"a b\" = \"hush\" }}"),
            "headers.a b",
        ),
        (
            "",
            "kind = \"syslog\", url = \"tcp://a.example:601\"",
            "url",
        ),
        ("", "kind = \"syslog\", url = \"udp://10.0.0.1:514\"", "url"),
        (
            "",
            "kind = \"syslog\", url = \"tcp://127.0.0.1.example.com:1\"",
            "url",
        ),
        ("", "kind = \"syslog\", url = \"https://a.example\"", "url"),
        ("", "kind = \"syslog\", url = \"tls://a.example/x\"", "url"),
        (
            "",
            "kind = \"syslog\", url = \"tls://a.example\", facility = 24",
            "facility",
        ),
        (
            "",
            "kind = \"syslog\", url = \"tls://a.example\", app_name = \"a b\"",
            "app_name",
        ),
        (
            "",
            "kind = \"syslog\", url = \"tls://a.example\", host_name = \"a\\nb\"",
            "host_name",
        ),
    ] {
        let text = format!("name = \"siem\"\n{common}\nto = {{ {to} }}");
        let err = settings(&text).unwrap().check().unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Invalid, "{text}");
        assert_eq!(err.issues()[0].field, field, "{text}");
        assert!(!format!("{err} {err:?}").contains("hush"), "{err:?}");
    }
}

#[test]
fn two_sinks_of_one_name_would_share_a_cursor_and_are_refused() {
    let console = |name: &str| {
        let text = format!("name = \"{name}\"\nto = {{ kind = \"console\" }}");
        settings(&text).unwrap()
    };
    let file = "name = \"disk\"\nto = { kind = \"file\", path = \"a\", keep = 0 }";
    let field = |all: &[SinkSettings]| {
        let err = SinkSettings::check_all(all).unwrap_err();
        err.issues()[0].field.clone()
    };

    assert!(SinkSettings::check_all(&[console("a"), console("b")]).is_ok());
    assert_eq!(field(&[console("a"), console("b"), console("a")]), "a.name");
    assert_eq!(field(&[console("a"), settings(file).unwrap()]), "disk.keep");
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let text = "name = \"siem\"\nto = { kind = \"http\", url = \"https://a.example\", \
                headers = { Authorization = \"Bearer hush\" }, secret = \"hush hush hush hush\" }";
    let settings = settings(text).unwrap();
    let sink = settings.to.open(&context()).unwrap();

    assert!(!format!("{settings:?} {sink:?}").contains("hush"));
}

#[test]
fn certificates_that_cannot_be_read_are_told_at_the_start() {
    let mut settings =
        settings("name = \"siem\"\nto = { kind = \"syslog\", url = \"tls://a.example\" }");
    let SinkConfig::Syslog(config) = &mut settings.as_mut().unwrap().to else {
        panic!("it is another kind");
    };
    for path in ["/nonexistent/roots.pem", "/dev/null"] {
        config.roots = Some(PathBuf::from(path));
        let err = SinkConfig::Syslog(config.clone())
            .open(&context())
            .unwrap_err();
        assert_eq!(err.issues()[0].field, "roots");
    }
}
