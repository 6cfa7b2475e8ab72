//! Tells by its name what a value is.
//!
//! A name is cut into words at signs and capitals, so `X-API-Key`, `x_api_key`, `xApiKey` and `XAPIKEY` are one. Mostly
//! the last word decides: `refreshToken` is a token, `tokenCount` a count. Digits at the end of a word do not count.

mod vocabulary;
mod words;

use vocabulary::{
    ABOUT, COUNTED, DIGEST, ONE_TIME, PASSWORD, PLAIN_KEY, PUBLIC_KEY, SECRET, is_secret_compound,
    is_secret_key, is_secret_pair, meaning,
};
use words::Words;

use super::{detect, path::Pattern};

/// What a value is, by its name.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Class {
    /// Anything.
    Open,
    /// A digest, or something else that looks random and may be read.
    Digest,
    /// An id.
    Id,
    /// Secrets, or how many there are: `tokens`.
    Countable,
    /// A session: its id may be read, what a browser shows for it may not.
    Session,
    /// A secret.
    Secret,
}

/// Names that are secret here beyond those that always are.
#[derive(Debug)]
pub(super) struct Names(Vec<Vec<u8>>);

impl Names {
    /// Takes names in any spelling.
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| compact(name)).collect())
    }

    /// Tells what a value is by its name.
    pub(super) fn class_of(&self, name: &str) -> Class {
        // A name that held a secret says nothing of the value.
        if detect::begins_with_mark(name) {
            return Class::Open;
        }
        if !self.0.is_empty() && self.0.contains(&compact(name)) {
            return Class::Secret;
        }
        class_of_bytes(name.as_bytes())
    }

    /// Tells what a value is by the place where it was: what is in something secret is secret.
    pub(super) fn class_of_pointer(&self, pointer: &str) -> Class {
        let Some(pattern) = Pattern::parse(pointer) else {
            return self.class_of(pointer);
        };
        let steps = pattern.steps();
        let classes = steps.iter().map(|step| self.class_of(step));
        let secret = classes.max().filter(|class| *class >= Class::Countable);
        secret.unwrap_or_else(|| steps.last().map_or(Class::Open, |step| self.class_of(step)))
    }
}

fn compact(name: &str) -> Vec<u8> {
    let bytes = name
        .bytes()
        .filter(|it| it.is_ascii_alphanumeric() || *it >= 128);
    bytes.map(|it| it.to_ascii_lowercase()).collect()
}

/// Tells whether a text is a number, as counts are.
pub(super) fn is_count(text: &[u8]) -> bool {
    text.len() <= 12 && text.iter().all(|it| it.is_ascii_digit() || *it == b'.')
}

/// Tells whether a text is the id of a session and not what a browser shows for it: a UUID or a number.
pub(super) fn is_session_id(text: &[u8]) -> bool {
    let is_uuid = text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_uuid || is_count(text)
}

/// Tells what a value is by its name.
pub(super) fn class_of_bytes(name: &[u8]) -> Class {
    let words = Words::of(name);
    let (mut before, mut last, mut all) = ((&b""[..], 0), (&b""[..], 0), 0);
    let mut has_key = false;
    for word in words.iter() {
        before = last;
        last = (word, meaning(word));
        all |= last.1;
        has_key |= is_secret_key(before.0, word);
    }
    let is = |word: (&[u8], u8), meaning: u8| word.1 & meaning != 0;
    match last.0 {
        b"" => Class::Open,
        b"id" | b"ids" | b"uuid" | b"guid" => match before.0 {
            b"secret" => Class::Secret,
            b"session" | b"sess" => Class::Session,
            _ => Class::Id,
        },
        b"session" | b"sess" | b"sid" => Class::Session,
        // Hashes of passwords can be broken, those of random secrets cannot.
        _ if is(last, DIGEST) && all & PASSWORD == 0 => Class::Digest,
        _ if is(last, ABOUT) => Class::Open,
        b"key" | b"keys" if is(before, PUBLIC_KEY) => Class::Digest,
        b"key" | b"keys" if is(before, PLAIN_KEY) || before.0.is_empty() => Class::Open,
        b"key" => Class::Secret,
        b"keys" | b"tokens" => Class::Countable,
        b"token" if is(before, COUNTED) => Class::Countable,
        b"code" | b"codes" | b"link" if is(before, ONE_TIME) => Class::Secret,
        _ if is(last, SECRET) || is_secret_pair(before.0, last.0) => Class::Secret,
        _ if all & PASSWORD != 0 || has_key => Class::Secret,
        word => of_compound(word),
    }
}

/// What a word is that may be several, written without a sign between them.
fn of_compound(word: &[u8]) -> Class {
    match word
        .strip_suffix(b"tokens")
        .or_else(|| word.strip_suffix(b"token"))
    {
        Some(before) if word.ends_with(b"s") || meaning(before) & COUNTED != 0 => {
            return Class::Countable;
        }
        Some(_) => return Class::Secret,
        None => {}
    }
    let starts = [&b"passphrase"[..], b"passwd", b"password"];
    match starts.iter().find_map(|start| word.strip_prefix(*start)) {
        Some(rest) if meaning(rest) & ABOUT == 0 && rest != b"less" => Class::Secret,
        None if is_secret_compound(word) => Class::Secret,
        _ if word.ends_with(b"id") => Class::Id,
        _ => Class::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(name: &str) -> Class {
        Names::new(&[]).class_of(name)
    }

    #[test]
    fn secrets_are_told_by_their_names_in_any_spelling() {
        let names = "ACCESS_TOKEN APIKEY APIKey API-Key API_KEY_2 AWS_SECRET_ACCESS_KEY AccountKey Authorization Cookie \
             DB_PASSWORD JSESSIONID MASTRA_EE_LICENSE OTP PASSWORD1 PHPSESSID PROXY-AUTHORIZATION Set-Cookie \
             X-API-Key X-Amz-Signature XApiKey _csrf accessToken access_token access_tokens_key accesstoken \
             api_key api.key apiKey apiKeyValue apikey authToken authorization backupCodes client-secret \
             clientSecret client_assertion client_secret_value codeVerifier connectionString cookie cookies \
             credentials csrfToken currentPassword cvv2 database.password dsn encryptionKey idToken jwt kennwort \
             licenseKey magic_link masterkey mfa_code myApiKeyProd newPasswordAgain nextPageToken oauth2_token \
             openaiApiKey otp passphrase passwd passwordConfirmation passwordHash password_1 pin privateKey \
             private_key_pem recoveryCodes recovery_code refresh-token reset_code samlResponse secret secretId \
             secrets seed_phrase sentryDsn sessionToken setCookie signing_key smtp_pass sshKey ssn token token2 \
             totp totp_secret userPassword user_password_old verification_code webhookSecret x-auth-token";
        for name in names.split(' ') {
            assert_eq!(class_of(name), Class::Secret, "{name}");
        }
    }

    #[test]
    fn what_is_said_of_secrets_is_none() {
        let names = "Authority KeyName accessTokenExpiresAt amount arrow_key author authorizationUrl cache_key code \
             cookieConsent count donkey errorCode hasPasswordPolicy idempotencyKey issue_key key keyCode keyName \
             keyPrefix keyVersion keyboard keys keyword keywords license monkey name note objectKey partitionKey \
             passenger passwordChangedAt passwordExpiresInDays passwordLength passwordPolicy passwordless \
             password_required primaryKey secretName secretary sort_key state status_code tokenBudget tokenCount \
             tokenEndpoint tokenExpiry tokenType tokenUsage token_type tokenizer topic turkey usage value zipCode";
        for name in names.split(' ') {
            assert_eq!(class_of(name), Class::Open, "{name}");
        }
    }

    #[test]
    fn counts_ids_and_digests_are_told_apart() {
        for (class, names) in [
            (
                Class::Countable,
                "api_keys completionTokens inputTokens input_token maxTokens max_tokens maxtokens outputTokens \
                 promptTokens reasoning_tokens tokens tokensPerToken totalTokens",
            ),
            (
                Class::Digest,
                "checksum commit commitSha etag fileSha256 fingerprint keyFingerprint md5 publicKey public_key \
                 requestHash rootHash sha-256 sha256 tokenHash",
            ),
            (
                Class::Id,
                "accessKeyId apiKeyId credentialId clientId id ids keyId key_id privateKeyId runId thread-id threadid \
                 tokenId user_uuid",
            ),
            (
                Class::Session,
                "ASP.NET_SessionId connect.sid ee_session session sessionId session_id sid",
            ),
        ] {
            for name in names.split_whitespace() {
                assert_eq!(class_of(name), class, "{name}");
            }
        }
    }

    #[test]
    fn names_of_the_configuration_are_secret_in_any_spelling() {
        let names = Names::new(&["Kunden-Nummer".to_owned()]);

        for name in ["kundenNummer", "KUNDEN_NUMMER", "kundennummer"] {
            assert_eq!(names.class_of(name), Class::Secret, "{name}");
        }
        assert_eq!(names.class_of("nummer"), Class::Open);
        assert_eq!(names.class_of_pointer("/a/kunden_nummer/b"), Class::Secret);
        assert_eq!(names.class_of_pointer("/a/b~1c/password"), Class::Secret);
        assert_eq!(
            names.class_of_pointer("/tokens/promptTokens"),
            Class::Countable
        );
        assert_eq!(names.class_of_pointer("/a/runId"), Class::Id);
        assert_eq!(names.class_of_pointer(""), Class::Open);
    }

    #[test]
    fn of_a_long_name_the_end_decides() {
        let long = format!("{}.password", "a.b".repeat(200));

        assert_eq!(class_of(&long), Class::Secret);
        assert_eq!(class_of(&"aB".repeat(500)), Class::Open);
        assert_eq!(class_of(&"1".repeat(500)), Class::Open);
        assert_eq!(class_of("паролиKey"), Class::Secret);
    }
}
