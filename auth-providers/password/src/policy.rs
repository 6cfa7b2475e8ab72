//! Which passwords are refused.

mod common;
mod fold;
mod words;

use ee_core::{Error, ErrorKind, Issue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::SecondFactorDemand;

use common::is_common;
use fold::fold;
use words::{Words, is_made_of};

pub(crate) use fold::normal;

/// Fewest characters of a password that stands alone (SP 800-63B-4 §3.1.1.2).
const MIN_ALONE: usize = 15;
/// Fewest characters of a password beside a second factor.
const MIN_WITH_FACTOR: usize = 8;
/// Most characters: all of them count, and longer ones are refused, not cut.
const MAX: usize = 256;

/// What is known of the person whose password it shall be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    pub(crate) email: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

/// The rules for new passwords (SP 800-63B-4 §3.1.1.2, ASVS 5.0 §6.2).
///
/// A password may hold any characters, and none are demanded. It is refused for its length, when it
/// is among the common ones, when nothing is left of it without words that stand near (the product,
/// the person), and when it is a repetition or a sequence.
#[derive(Debug)]
pub(crate) struct PasswordRules {
    min: usize,
    product: Words,
}

impl PasswordRules {
    pub(crate) fn new(demand: SecondFactorDemand, words: &[String]) -> Self {
        Self {
            min: match demand {
                SecondFactorDemand::Optional => MIN_ALONE,
                SecondFactorDemand::Required => MIN_WITH_FACTOR,
            },
            product: Words::of_product(words),
        }
    }

    /// Fails with [`ErrorKind::Invalid`] and all that is wrong, for the field `password`.
    pub(crate) fn check(&self, password: &SecretString, about: About<'_>) -> Result<(), Error> {
        let problems = self.problems(password.expose_secret(), about);
        if problems.is_empty() {
            return Ok(());
        }
        let issue = |message| Issue {
            field: "password".to_owned(),
            message,
        };
        let issues = problems.into_iter().map(issue).collect();
        Err(Error::new(ErrorKind::Invalid, "this password cannot be used").with_issues(issues))
    }

    fn problems(&self, password: &str, about: About<'_>) -> Vec<String> {
        let chars = password.chars().take(MAX + 1).count();
        if chars > MAX {
            return vec![format!("must not have more than {MAX} characters")];
        }
        let mut problems = Vec::new();
        if chars < self.min {
            problems.push(format!("must have at least {} characters", self.min));
        }
        problems.extend(self.weakness(&fold(password), about).map(str::to_owned));
        problems
    }

    /// Tells why a folded password is guessed early; the first reason suffices.
    fn weakness(&self, folded: &str, about: About<'_>) -> Option<&'static str> {
        if is_common(folded) {
            return Some("is one of the most common passwords");
        }
        if is_repetition(folded) {
            return Some("must not repeat one short piece");
        }
        if is_sequence(folded) {
            return Some("must not be a sequence of neighbouring characters");
        }
        let email = about.email.map(Words::of_email).unwrap_or_default();
        let name = about.name.map(Words::of_name).unwrap_or_default();
        if is_made_of(folded, &self.product) {
            return Some("must not consist of words such as `mastra` or `password`");
        }
        if is_made_of(folded, &email) {
            return Some("must not resemble your e-mail address");
        }
        if is_made_of(folded, &name) {
            return Some("must not resemble your name");
        }
        let all = self.product.and(&email).and(&name);
        is_made_of(folded, &all)
            .then_some("must not consist of your name, your address and words such as `mastra`")
    }
}

/// Tells whether the text is one piece, twice or oftener.
fn is_repetition(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=chars.len() / 2).any(|period| {
        chars
            .iter()
            .zip(chars.iter().skip(period))
            .all(|(a, b)| a == b)
    })
}

/// Tells whether the text goes on nearly everywhere as it began: up, down or not at all.
fn is_sequence(text: &str) -> bool {
    let points: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let steps: Vec<i64> = points
        .iter()
        .zip(points.iter().skip(1))
        .map(|(a, b)| b - a)
        .collect();
    let is_near = |step: &&i64| step.abs() <= 1;
    // A break belongs to every run of five: `abcdefgh12345678` is two runs.
    steps.len() >= 4 && steps.iter().filter(|step| !is_near(step)).count() <= steps.len() / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'static> = About {
        email: Some("Ada.Lovelace@analytical-engines.example"),
        name: Some("Ada King Lovelace"),
    };

    fn problems(password: &str) -> Vec<String> {
        let words = ["Babbage Works".to_owned()];
        PasswordRules::new(SecondFactorDemand::Optional, &words).problems(password, ABOUT)
    }

    #[test]
    fn good_passwords_of_any_characters_are_taken() {
        for password in [
            "correct horse battery staple",
            "                  x  y z  ",
            "drei Äpfel für Jörg",
            "пять зелёных ящериц",
            "七つの海を越えてゆく小さな船の歌",
            "kx93-vmq2-08zt-pp",
            "👩‍🚀 flies to the 🌒 at dawn",
            "my mastra agent likes blue cheese",
            "ada lovelace saw two owls at night",
            &format!("{} and then some", "long, longer, never cut; ".repeat(9)),
            "tab\tand\u{0}zero are characters",
        ] {
            assert_eq!(problems(password), [""; 0], "{password}");
        }
    }

    #[test]
    fn the_length_is_counted_in_characters() {
        let short = ["must have at least 15 characters"];
        let long = ["must not have more than 256 characters"];
        let text = |chars: usize| "äöüßéñçœø".chars().cycle().take(chars).collect::<String>();
        let unlike = |chars: usize| format!("qv {}", text(chars - 3));

        assert_eq!(problems(&unlike(14)), short);
        assert_eq!(problems("日本語の合言葉はとても長い"), short);
        assert_eq!(problems(&unlike(15)), [""; 0]);
        assert_eq!(problems(&unlike(256)), [""; 0]);
        assert_eq!(problems(&unlike(257)), long);
        assert_eq!(problems(&"x".repeat(1_000_000)), long);
    }

    #[test]
    fn beside_a_second_factor_eight_characters_suffice() {
        let rules = PasswordRules::new(SecondFactorDemand::Required, &[]);

        assert!(rules.problems("kx93vmq2", ABOUT).is_empty());
        assert_eq!(
            rules.problems("kx93vmq", ABOUT),
            ["must have at least 8 characters"]
        );
        assert_eq!(
            rules.problems("Passw0rd", ABOUT),
            ["is one of the most common passwords"]
        );
    }

    #[test]
    fn common_passwords_are_refused_in_any_case_and_form() {
        for password in [
            "passwordpassword",
            "PasswordPassword",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "QWERTYUIOPASDFGHJKL",
            "iloveyouforever",
            "1qaz2wsx3edc4rfv",
            "zaq12wsxcde34rfv",
        ] {
            assert_eq!(
                problems(password),
                ["is one of the most common passwords"],
                "{password}"
            );
        }
    }

    #[test]
    fn repetitions_and_sequences_are_refused() {
        for password in [
            "xkcdxkcdxkcdxkcd",
            "zz9zz9zz9zz9zz9z",
            "ÄÖÄÖÄÖÄÖÄÖÄÖÄÖÄÖ",
            "................",
        ] {
            assert_eq!(
                problems(password),
                ["must not repeat one short piece"],
                "{password}"
            );
        }
        for password in [
            "defghijklmnopqrstu",
            "абвгдежзийклмнопр",
            "mnopqrstuv98765432",
            "aaaaaaaabbbbbbbbc",
        ] {
            assert_eq!(
                problems(password),
                ["must not be a sequence of neighbouring characters"],
                "{password}"
            );
        }
    }

    #[test]
    fn words_that_stand_near_are_refused_unless_enough_is_left() {
        let table = [
            (
                "Mastra-Mastra-2026!",
                "must not consist of words such as `mastra` or `password`",
            ),
            (
                "m4str4.studio.m4str4",
                "must not consist of words such as `mastra` or `password`",
            ),
            (
                "babbage works 1837",
                "must not consist of words such as `mastra` or `password`",
            ),
            ("ada.lovelace.1815", "must not resemble your e-mail address"),
            (
                "Analytical Engines 1",
                "must not resemble your e-mail address",
            ),
            ("ecalevol.ada.1815", "must not resemble your e-mail address"),
            ("@d@.l0vel@ce.1815", "must not resemble your e-mail address"),
            ("kinglovelaceking", "must not resemble your name"),
            (
                "lovelace-mastra-99",
                "must not consist of your name, your address and words such as `mastra`",
            ),
        ];
        for (password, problem) in table {
            assert_eq!(problems(password), [problem], "{password}");
        }
    }

    #[test]
    fn the_refusal_is_about_the_field_and_does_not_hold_the_password() {
        let rules = PasswordRules::new(SecondFactorDemand::Optional, &[]);

        let refused = rules
            .check(&"Mastra1".into(), About::default())
            .unwrap_err();

        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert_eq!(refused.issues().len(), 2);
        assert!(
            refused
                .issues()
                .iter()
                .all(|issue| issue.field == "password")
        );
        assert!(!format!("{refused:?}").contains("Mastra1"));
    }
}
