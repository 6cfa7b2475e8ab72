//! How soon a change that one server makes counts at another.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use processes::{Answer, Api, Ask, Credential, Dice, Installation, Server, Times};

use crate::changes::{Change, Ready, WANTED};

/// How soon every server must know.
const SOON: Duration = Duration::from_secs(1);

/// How often those who are refused ask again.
const KNOCKS: usize = 10;

/// Two servers on one store.
pub(crate) struct Pair {
    /// Somebody whom no change concerns.
    pub(crate) bystander: Credential,
    dice: Mutex<Dice>,
    pub(crate) installation: Installation,
    pub(crate) one: Server,
    pub(crate) other: Server,
}

impl Pair {
    /// Starts both, with the owner of the configuration as the bystander.
    pub(crate) async fn start(installation: Installation) -> Self {
        let owner = installation.owner();
        Self::start_with(installation, owner).await
    }

    /// Starts both.
    pub(crate) async fn start_with(installation: Installation, bystander: Credential) -> Self {
        // Slow enough for an answer that is not over before it is ended.
        let installation = installation.configured("[models]\nword_delay_ms = 200");
        let one = installation.start("one").await;
        let other = installation.start("other").await;
        Self {
            bystander,
            dice: Mutex::new(Dice::new(1)),
            installation,
            one,
            other,
        }
    }

    /// Makes every change on one server, some times, and fails the test unless the other refuses within a second whoever
    /// it concerns.
    pub(crate) async fn show_refusals(&self, rounds: usize) {
        for change in Change::ALL {
            let mut times = Times::default();
            for _ in 0..rounds {
                let ready = change.prepare(&self.installation, &self.one.api).await;
                times.note(self.show(&format!("{change:?}"), ready).await.refused);
            }
            println!("{change:?}: refused after {times}");
            assert!(times.max() < SOON, "{change:?}: refused after {times}");
        }
    }

    /// The same for an answer that whoever it concerns is getting from the other server: it ends.
    pub(crate) async fn show_ended_streams(&self, rounds: usize) {
        for change in Change::ALL {
            let mut times = Times::default();
            for _ in 0..rounds {
                let ready = change.prepare(&self.installation, &self.one.api).await;
                times.note(self.show_with_stream(&format!("{change:?}"), ready).await.0);
            }
            println!("{change:?}: stream ended after {times}");
            assert!(times.max() < SOON, "{change:?}: stream ended after {times}");
        }
    }

    /// Makes one change and fails the test unless both happen within a second: the refusal, and the end of a stream.
    /// Returns what the server answered that made the change.
    pub(crate) async fn show_both(&self, change: &str, ready: Ready) -> Answer {
        let (
            ended,
            Shown {
                answer, refused, ..
            },
        ) = self.show_with_stream(change, ready).await;
        println!("{change}: refused after {refused:.1?}, stream ended after {ended:.1?}");
        assert!(
            refused < SOON && ended < SOON,
            "{change}: {refused:?}, {ended:?}"
        );
        answer
    }

    /// Makes one change while whoever it concerns gets an answer from the other server, and returns when that ended.
    async fn show_with_stream(&self, change: &str, ready: Ready) -> (Duration, Shown) {
        until(&self.other.api, &ready.credential, 200).await;
        let stream = self.other.api.stream(&ready.credential).await;
        let unconcerned = self.other.api.stream(&self.bystander).await;

        let shown = self.show_kept(change, ready).await;
        let end = stream.end().await;

        let (ended, said) = end.unwrap_or_else(|| panic!("{change}: the stream goes on"));
        assert!(!said.contains("\"stop\""), "{change}: it was not cut off");
        assert!(
            unconcerned.is_open(),
            "{change}: somebody else's stream ended"
        );
        (ended.duration_since(shown.sent), self.undone(shown).await)
    }

    async fn show(&self, change: &str, ready: Ready) -> Shown {
        let shown = self.show_kept(change, ready).await;
        self.undone(shown).await
    }

    /// Makes one change, and fails the test unless both servers refuse then, the one that made it at once.
    async fn show_kept(&self, change: &str, ready: Ready) -> Shown {
        let Ready {
            ask,
            credential,
            refused,
            undo,
        } = ready;
        let other = &self.other.api;
        // The second answer comes out of what is remembered.
        for _ in 0..2 {
            let time = until(other, &credential, 200).await;
            assert!(time < SOON, "{change}: let in after {time:?}");
        }
        self.pause().await;

        let sent = Instant::now();
        let answer = ask.send().await;
        let own = self.one.api.get(WANTED).by(&credential).send().await;
        until(other, &credential, refused).await;
        let time = sent.elapsed();

        assert!(
            answer.is_success(),
            "{change}: {} {}",
            answer.status,
            answer.text
        );
        assert_eq!(own.status, refused, "{change}: where it was made");
        for _ in 0..KNOCKS {
            let again = other.get(WANTED).by(&credential).send().await;
            assert_eq!(again.status, refused, "{change}: {}", again.text);
        }
        Shown {
            answer,
            refused: time,
            sent,
            undo,
        }
    }

    async fn undone(&self, mut shown: Shown) -> Shown {
        if let Some(undo) = shown.undo.take() {
            undo.done().await;
        }
        shown
    }

    /// Lets a random moment come: whoever looks every now and then must not be met just before he looks.
    async fn pause(&self) {
        let millis = self.dice.lock().unwrap().roll(300);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// What was seen of a change.
struct Shown {
    /// What the server said that made it.
    answer: Answer,
    /// How long it took from when it was sent until the other server refused.
    refused: Duration,
    sent: Instant,
    undo: Option<Ask>,
}

/// Asks until there is such an answer, and returns how long that took. Until then everybody is let in or refused as before,
/// or refused in another way: one request may look for a key before the change and for roles after it. Who was refused is
/// not let in again.
async fn until(api: &Api, credential: &Credential, status: u16) -> Duration {
    let begun = Instant::now();
    let mut seen = Vec::new();
    while begun.elapsed() < SOON * 3 {
        let answer = api.get(WANTED).by(credential).send().await;
        if answer.status == status {
            return begun.elapsed();
        }
        let is_expected = match answer.status {
            200 => seen.iter().all(|before| *before == 200),
            401 | 403 => true,
            _ => false,
        };
        assert!(
            is_expected,
            "{seen:?}, then {}: {}",
            answer.status, answer.text
        );
        seen.push(answer.status);
    }
    panic!("{seen:?} and not {status} for {:?}", begun.elapsed());
}
