use std::sync::Arc;

use ee_auth_password::{
    HashProfile, LogMailer, PasswordAuth, PasswordConfig, PasswordConfigError, PasswordStores,
    SecondFactorDemand, SignUpMode,
};
use ee_core::{Error, ErrorKind};
use ee_testkit::TestClock;

use crate::store::TestStore;

const SECRETS: &str =
    "public_url = \"https://a.example\"\nsecrets = [\"9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d\"]\n";

fn auth(text: &str) -> Result<PasswordAuth, PasswordConfigError> {
    let config: PasswordConfig = toml::from_str(text).unwrap();
    let stores = PasswordStores::all_in(Arc::new(TestStore::default()));
    PasswordAuth::new(
        config,
        stores,
        Arc::new(TestClock::default()),
        Arc::new(LogMailer),
    )
}

fn refused(text: &str) -> String {
    auth(text).unwrap_err().to_string()
}

#[test]
fn everything_but_two_settings_has_a_default() {
    let config: PasswordConfig = toml::from_str(SECRETS).unwrap();

    assert_eq!(config.hashing.profile, HashProfile::Default);
    assert_eq!(config.hashing.memory_budget_mib, 256);
    assert_eq!(config.second_factor, SecondFactorDemand::Optional);
    assert_eq!(config.sign_up.mode, SignUpMode::Invitation);
    assert!(config.sign_up.verify_email);
    assert_eq!(config.pages.setup, "/studio/setup");
    assert!(auth(SECRETS).is_ok());
}

#[test]
fn all_settings_are_read() {
    let text = format!(
        "second_factor = \"required\"\n{SECRETS}
        [hashing]
        profile = \"strong\"
        iterations = 4
        parallelism = 2
        memory_kib = 70000
        memory_budget_mib = 512
        threads = 3
        pepper = [\"f81d4fae7dec11d0a76500a0c91e6bf6\"]
        [rules]
        words = [\"Babbage\"]
        [sign_up]
        mode = \"domains\"
        domains = [\"example.com\"]
        verify_email = true
        [pages]
        reset = \"/account/reset\""
    );

    let auth = auth(&text).unwrap();

    assert_eq!(auth.accounts().hashing().places(), 3);
    assert!(auth.accounts().sign_up_enabled());
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let with = |rest: &str| refused(&format!("{SECRETS}{rest}"));

    assert_eq!(refused(""), "`secrets` has no secret");
    assert_eq!(
        refused("secrets = [\"9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d\"]"),
        "`public_url` is not set"
    );
    assert_eq!(
        refused("public_url = \"https://a\"\nsecrets = [\"short\"]"),
        "secret 1 of `secrets` has 5 bytes; at least 32 are needed"
    );
    assert_eq!(
        with("[hashing]\npepper = [\"short\"]"),
        "secret 1 of `hashing.pepper` has 5 bytes; at least 32 are needed"
    );
    assert_eq!(
        with("[hashing]\nmemory_kib = 4096"),
        "Argon2id with 4096 KiB and 2 iterations is weaker than 47104 KiB with 1, 19456 KiB with 2 or \
         12288 KiB with 3"
    );
    assert_eq!(
        with("[hashing]\nmemory_budget_mib = 8"),
        "a hash of 19456 KiB does not fit into the memory budget of 8192 KiB for hashing"
    );
    assert_eq!(
        with("[sign_up]\nmode = \"domains\""),
        "sign-up is for some domains only, and `sign_up.domains` names none"
    );
    assert_eq!(
        with("[sign_up]\nmode = \"domains\"\ndomains = [\"example.com\"]\nverify_email = false"),
        "sign-up for some domains needs `sign_up.verify_email`"
    );
    assert_eq!(
        with("[sign_up]\ndomains = [\"*.example.com\"]"),
        "`*.example.com` cannot be the domain of an e-mail address"
    );
    assert_eq!(
        with("[pages]\nsetup = \"https://evil.example\""),
        "`pages.setup` must be a path that begins with `/`"
    );
    let error = Error::from(auth("").unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn unknown_options_are_not_read() {
    for rest in [
        "secret = \"x\"",
        "answer_floor_for_tests = 0",
        "[hashing]\nweak_for_tests = true",
        "[hashing]\nprofile = \"weak\"",
        "[sign_up]\nmode = \"everybody\"",
        "[rules]\nmin = 4",
        "[pages]\nlogin = \"/\"",
    ] {
        let text = format!("{SECRETS}{rest}");
        assert!(toml::from_str::<PasswordConfig>(&text).is_err(), "{rest}");
    }
}
