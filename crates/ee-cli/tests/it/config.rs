use std::path::PathBuf;

use serde_json::Value;

use crate::running::{binary, run, text};

/// Says what `config check` says.
fn refusal(config: &str) -> String {
    let output = run(config, &["config", "check"]);
    assert!(!output.status.success(), "accepted: {config}");
    text(&output.stderr)
}

#[test]
fn an_empty_file_is_a_good_configuration() {
    let output = run("", &["config", "check"]);

    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("ok: "));
}

#[test]
fn unknown_names_are_refused_with_file_line_and_the_nearest_name() {
    let top = refusal("auth = \"simple\"\nlissten = \"127.0.0.1:1\"\n");
    assert!(
        top.contains("given.toml:2:1: unknown field `lissten`"),
        "{top}"
    );
    assert!(top.contains("did you mean `listen`?"), "{top}");

    let nested = refusal("[sessions]\n\nidle_minute = 3\n");
    assert!(
        nested.contains("given.toml:3:1") && nested.contains("did you mean `idle_minutes`?"),
        "{nested}"
    );
}

#[test]
fn what_contradicts_itself_is_refused_with_the_reason() {
    let cases = [
        ("auth = \"none\"\nlisten = \"0.0.0.0:1\"", "loopback"),
        (
            "auth = \"none\"\nenvironment = \"production\"\npublic_url = \"https://a.example\"",
            "production",
        ),
        ("environment = \"production\"", "public_url"),
        ("public_url = \"https://a.example/path\"", "has a path"),
        ("public_url = \"ftp://a.example\"", "neither http nor https"),
        ("public_url = \"https://u:p@a.example\"", "credentials"),
        ("cross_origin = [\"*\"]", "cross_origin"),
        ("store = \"mysql://x\"", "is not known"),
        ("store = \"ee.db\"", "is no address"),
        ("store = \"sqlite:\"", "is not known"),
        ("[sessions]\nkind = \"cookie\"", "cookie_secrets"),
        (
            "[sessions]\nkind = \"cookie\"\ncookie_secrets = [\"short\"]",
            "shorter than 32 bytes",
        ),
        ("[sessions]\nidle_minutes = 0", "idle_minutes"),
        (
            "[sessions]\nidle_minutes = 61\nabsolute_hours = 1",
            "absolute_hours",
        ),
        (
            "[simple.tokens.\"a-token-of-somebody\"]\nid = \"u\"\nrole = \"viewr\"",
            "unknown role `viewr`",
        ),
        ("[simple]", "simple"),
        ("[simple.tokens.\"with space\"]\nid = \"u\"", "simple"),
        ("[simple.tokens.\"\"]\nid = \"u\"", "simple"),
        (
            "[[rbac.roles]]\nid = \"a\"\nname = \"A\"\npermissions = []\ninherits = [\"a\"]",
            "rbac.roles",
        ),
        (
            "[[rbac.roles]]\nid = \"a\"\nname = \"A\"\npermissions = [\"\"]",
            "permission",
        ),
        (
            "[[rbac.roles]]\nid = \"a\"\nname = \"A\"\npermissions = []\ninherits = [\"b\"]",
            "`b`",
        ),
        (
            "rbac.mapping.a = [\"*\"]\n[[rbac.roles]]\nid = \"a\"\nname = \"A\"\npermissions = []",
            "exclude each other",
        ),
        (
            "trusted_proxies = [\"everybody\"]",
            "given.toml:1:20: invalid IP address",
        ),
        ("listen = 4111", "given.toml:1:10: invalid type"),
        ("[models]\nproduction = true", "unknown field `production`"),
        ("[models]\nmodels = [\"no-slash\"]", "models"),
        ("[audit]\nactions = [\"agnets.*\"]", "no action `agnets.*`"),
        (
            "[[rbac.roles]]\nid = \"a\"\nname = \"A\"\npermissions = [\"*\"]",
            "unknown role `owner`",
        ),
        ("auth = \"simple", "given.toml:1"),
    ];
    for (config, reason) in cases {
        let message = refusal(config);
        assert!(message.contains(reason), "{config}\n  gave: {message}");
        assert!(
            !message.contains("a-token-of-somebody"),
            "a token is printed: {message}"
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let output = binary()
        .args(["config", "check", "--config", "/nowhere/x.toml"])
        .output()
        .unwrap();

    assert!(
        text(&output.stderr).contains("/nowhere/x.toml"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn print_shows_what_is_in_effect_and_no_secret() {
    let config = "
        public_url = \"https://a.example\"
        [license]
        key = \"licence-key-licence-key-licence-key\"
        [models]
        openai_api_key = \"sk-very-secret\"
        openai_base_url = \"http://127.0.0.1:9/v1\"
        [sessions]
        kind = \"cookie\"
        cookie_secrets = [\"0123456789abcdef0123456789abcdef\"]
        [simple.tokens.\"token-of-ada-123456\"]
        id = \"ada\"
        role = \"owner\"
    ";

    let json = run(config, &["config", "print", "--json"]);
    let toml = run(config, &["config", "print"]);

    let effective: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(effective["public_url"], "https://a.example");
    assert_eq!(effective["listen"], "127.0.0.1:4111");
    assert!(toml.status.success(), "{}", text(&toml.stderr));
    for output in [text(&json.stdout), text(&toml.stdout)] {
        assert!(
            output.contains("[REDACTED]") && output.contains("ada"),
            "{output}"
        );
        for secret in ["licence-key", "sk-very", "0123456789", "token-of-ada"] {
            assert!(!output.contains(secret), "{secret} is printed");
        }
    }
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let print = |args: &[&str], variable: Option<&str>| {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("a.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"").unwrap();
        let mut command = binary();
        command
            .args(["config", "print", "--json", "--config"])
            .arg(&file)
            .args(args);
        if let Some(value) = variable {
            command.env("MASTRA_EE_LISTEN", value);
        }
        let output = command.output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["listen"]
            .as_str()
            .unwrap()
            .to_owned()
    };

    assert_eq!(print(&[], None), "127.0.0.1:1");
    assert_eq!(print(&[], Some("127.0.0.1:2")), "127.0.0.1:2");
    assert_eq!(print(&[], Some("")), "127.0.0.1:1");
    assert_eq!(
        print(&["--listen", "127.0.0.1:3"], Some("127.0.0.1:2")),
        "127.0.0.1:3"
    );
}

#[test]
fn an_empty_variable_counts_as_not_set_and_a_wrong_one_is_named() {
    let dir = tempfile::TempDir::new().unwrap();
    let check = |value: &str| {
        let mut command = binary();
        command.args(["config", "check"]).current_dir(&dir);
        for name in ["CONFIG", "DATA", "ENVIRONMENT", "LICENSE", "LISTEN", "LOG"] {
            command.env(format!("MASTRA_EE_{name}"), "");
        }
        command
            .env("MASTRA_EE_STORE", " ")
            .env("OPENAI_API_KEY", "");
        command.env("MASTRA_EE_LISTEN", value).output().unwrap()
    };

    let empty = check("");
    let wrong = check("everywhere");

    assert!(empty.status.success(), "{}", text(&empty.stderr));
    let message = text(&wrong.stderr);
    assert!(!wrong.status.success() && message.contains("MASTRA_EE_LISTEN is `everywhere`"));
}

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src")
}

#[test]
fn the_documented_configuration_is_accepted() {
    let output = binary()
        .args(["config", "check", "--config"])
        .arg(docs().join("examples/mastra-ee.toml"))
        .output()
        .unwrap();

    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn the_documentation_names_every_key() {
    let example = std::fs::read_to_string(docs().join("examples/mastra-ee.toml")).unwrap();
    let reference = std::fs::read_to_string(docs().join("configuration.md")).unwrap();

    for section in [
        "",
        "audit",
        "audit.integrity",
        "audit.redaction",
        "audit.retention",
        "audit.spool",
        "license",
        "mail",
        "models",
        "password",
        "password.hashing",
        "password.pages",
        "password.rules",
        "password.sign_up",
        "rbac",
        "sessions",
        "simple",
    ] {
        let header = if section.is_empty() {
            String::new()
        } else {
            format!("[{section}]\n")
        };
        let message = refusal(&format!("{header}no_such_key = 1\n"));
        let (_, expected) = message.split_once("expected").unwrap();
        for key in expected.split('`').skip(1).step_by(2) {
            let path = format!("{section}.{key}");
            let path = path.trim_start_matches('.');
            // The one of the server counts, and this one is refused.
            if path == "password.public_url" {
                continue;
            }
            assert!(
                reference.contains(&format!("`{path}`")),
                "{path} in the reference"
            );
            // It follows from `environment`.
            assert!(
                path == "models.production" || is_in(&example, key, path),
                "{path} in the example"
            );
        }
    }
}

/// Tells whether a line of the example sets the key or opens its table, commented out or not.
fn is_in(example: &str, key: &str, path: &str) -> bool {
    example.lines().any(|line| {
        let line = line.trim_start_matches(['#', ' ']);
        let table = line.trim_start_matches('[');
        line.starts_with(&format!("{key} ="))
            || line.starts_with('[')
                && table
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with([']', '.']))
    })
}
