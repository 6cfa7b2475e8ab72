//! What was said and written, and what must not be in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use processes::{Answer, Ask, Credential, Vault};
use reqwest::header::SET_COOKIE;

use super::files;

/// The files of the data directory that are there to hold secrets, for whoever may read it.
const LEGAL: &[&str] = &["first-start.json", "password-secret", "setup-link"];

/// Secrets, answers and what was found.
#[derive(Default)]
pub(crate) struct Watch {
    /// Answers that may hold no secret, with what was asked.
    answers: Vec<String>,
    errors: usize,
    found: BTreeMap<String, String>,
    places: BTreeSet<String>,
    searched: usize,
    vault: Vault,
}

impl Watch {
    pub(crate) fn keep(&mut self, what: &str, secret: &str) {
        self.vault.keep(what, secret);
    }

    /// Sends a request and keeps the answer. What it sets as a cookie is a secret from now on, and may stand there alone.
    pub(crate) async fn send(&mut self, what: &str, ask: Ask) -> Answer {
        let answer = self.reveal(ask).await;
        let mut headers = answer.headers.clone();
        headers.remove(SET_COOKIE);
        self.errors += usize::from(answer.status >= 400);
        self.answers.push(format!(
            "{what}: {} {headers:?}\n{}",
            answer.status, answer.text
        ));
        answer
    }

    /// Sends a request whose answer hands a secret out.
    pub(crate) async fn reveal(&mut self, ask: Ask) -> Answer {
        let answer = ask.send().await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let value = pair.split_once('=').unwrap().1;
            if !value.is_empty() {
                self.vault.keep("a cookie", value);
            }
        }
        answer
    }

    /// Signs in and returns the session.
    pub(crate) async fn sign_in(&mut self, what: &str, ask: Ask) -> Credential {
        let answer = self.send(what, ask).await;
        answer
            .cookie()
            .unwrap_or_else(|| panic!("{what}: {} {}", answer.status, answer.text))
    }

    /// Looks for every secret that was used so far.
    pub(crate) fn search<T: AsRef<[u8]>>(&mut self, places: impl IntoIterator<Item = (String, T)>) {
        let search = self.vault.search();
        for (place, hay) in places {
            self.searched += hay.as_ref().len();
            for (what, around) in search.find(hay.as_ref()) {
                let found = format!("{what} is in {place}");
                self.found.entry(found).or_insert(around);
            }
            self.places.insert(place);
        }
    }

    pub(crate) fn search_answers(&mut self) {
        let answers = std::mem::take(&mut self.answers);
        self.search(
            answers
                .into_iter()
                .map(|answer| ("an answer".to_owned(), answer)),
        );
    }

    pub(crate) fn search_files(&mut self, data: &Path, when: &str) {
        let mut places = Vec::new();
        for file in files(data) {
            let name = file.file_name().unwrap().to_str().unwrap();
            if !LEGAL.contains(&name) {
                places.push((format!("the file {name} {when}"), fs::read(&file).unwrap()));
            }
        }
        self.search(places);
    }

    pub(crate) fn search_logs(&mut self, dir: &Path) {
        let read = |name: &str| (name.to_owned(), fs::read(dir.join(name)).unwrap());
        let (log, audit) = (read("log.jsonl"), read("audit.jsonl"));
        assert!(log.1.windows(7).any(|window| window == b"\"TRACE\""));
        self.search([log, audit]);
    }

    /// Fails the test with everything that was found.
    pub(crate) fn conclude(self, whose: &str) {
        println!(
            "{whose}: {} secrets looked for in {} KiB, {} answers with errors among them, in {} places: {:?}",
            self.vault.count(),
            self.searched / 1_024,
            self.errors,
            self.places.len(),
            self.places
        );
        assert!(self.vault.count() > 10 && self.errors > 100);
        assert!(self.found.is_empty(), "{:#?}", self.found);
    }
}
