use maud::{Markup, html};
use secrecy::{ExposeSecret as _, SecretString};

use super::qr;

const SCHEME: &str = "otpauth://totp/";
/// Longest address that is drawn: name of the server, e-mail address and secret.
const MAX_BYTES: usize = 2_048;

/// What an authenticator has to be told. It goes through the form, so that a wrong code does not make another secret.
#[derive(Clone, Debug, Default)]
pub struct Authenticator {
    secret: SecretString,
    uri: SecretString,
}

impl Authenticator {
    /// Reads an `otpauth` address. `None` for anything else: it comes from a form.
    pub fn from_uri(uri: &str) -> Option<Self> {
        let is_ours = uri.len() <= MAX_BYTES && uri.bytes().all(|byte| byte.is_ascii_graphic());
        let (_, query) = uri
            .strip_prefix(SCHEME)
            .filter(|_| is_ours)?
            .split_once('?')?;
        let secret = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("secret="))?;
        let is_base32 = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
        ((16..=128).contains(&secret.len()) && secret.bytes().all(is_base32)).then(|| Self {
            secret: secret.into(),
            uri: uri.into(),
        })
    }

    /// Returns the secret in groups of four, for typing.
    fn groups(&self) -> Vec<&str> {
        let mut rest = self.secret.expose_secret();
        let mut groups = Vec::new();
        while let Some((group, more)) = rest.split_at_checked(4) {
            groups.push(group);
            rest = more;
        }
        groups.extend((!rest.is_empty()).then_some(rest));
        groups
    }
}

/// Renders what an authenticator has to be told, inside the form that asks for its first code.
pub fn authenticator(told: &Authenticator) -> Markup {
    html! {
        input type="hidden" name="uri" value=(told.uri.expose_secret());
        div.authenticator {
            (qr(told.uri.expose_secret(), "QR code for an authenticator"))
            div.authenticator-text {
                p { "Scan the picture with an authenticator: an app on your phone, or your password manager." }
                p.muted { "Without a camera, type this key there:" }
                p.authenticator-key {
                    @for group in told.groups() { span { (group) } " " }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ABCDEFGHIJKLMNOP234567";

    #[test]
    fn an_address_of_ours_is_read_and_its_secret_stands_in_groups() {
        let uri = format!("{SCHEME}Ops%20Co:a%40example.com?secret={SECRET}&issuer=Ops%20Co");
        let told = Authenticator::from_uri(&uri).unwrap();

        assert_eq!(
            told.groups(),
            ["ABCD", "EFGH", "IJKL", "MNOP", "2345", "67"]
        );
        assert!(!format!("{told:?}").contains(SECRET));
    }

    #[test]
    fn anything_else_is_refused() {
        for uri in [
            String::new(),
            format!("https://evil.example/?secret={SECRET}"),
            format!("otpauth://hotp/x?secret={SECRET}"),
            format!("{SCHEME}x"),
            format!("{SCHEME}x?secret="),
            format!("{SCHEME}x?secret=short"),
            format!("{SCHEME}x?secret=<script>alert(1)</script>"),
            format!("{SCHEME}x?secret={SECRET}{}", "A".repeat(200)),
            format!("{SCHEME}x y?secret={SECRET}"),
            format!("{SCHEME}{}?secret={SECRET}", "x".repeat(MAX_BYTES)),
        ] {
            assert!(Authenticator::from_uri(&uri).is_none(), "{uri}");
        }
    }

    #[test]
    fn what_comes_back_from_a_form_is_escaped() {
        let uri = format!("{SCHEME}\"><script>?secret={SECRET}");
        let told = Authenticator::from_uri(&uri).unwrap();

        assert!(!authenticator(&told).into_string().contains("<script"));
    }
}
