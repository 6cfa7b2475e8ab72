//! A place that events are taken to, which does as it is told.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What it does with whoever connects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conduct {
    /// Neither reads nor answers.
    Hangs,
    /// Says that it will never want this.
    Refuses,
    /// Takes everything.
    Takes,
}

/// A receiver of HTTP or of syslog over TCP, on this machine.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    conduct: watch::Sender<Conduct>,
    taken: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy)]
enum Protocol {
    Http,
    Syslog,
}

impl Receiver {
    /// Listens for requests, and takes them.
    pub async fn http() -> Self {
        Self::listen(Protocol::Http).await
    }

    /// Listens for messages, and takes them.
    pub async fn syslog() -> Self {
        Self::listen(Protocol::Syslog).await
    }

    async fn listen(protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("this machine can be listened on");
        let address = listener.local_addr().expect("it listens");
        let (conduct, told) = watch::channel(Conduct::Takes);
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let keep = Arc::clone(&taken);
        tokio::spawn(async move {
            // Ends with the runtime of the test.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, protocol, told.clone(), Arc::clone(&keep)));
            }
        });
        Self {
            address,
            conduct,
            taken,
        }
    }

    /// Returns where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Behaves so from now on. Whoever was kept waiting is left.
    pub fn behave(&self, conduct: Conduct) {
        self.conduct.send_replace(conduct);
    }

    /// Returns what begins so in the texts that it took, each once, in the order in which it came for the first time.
    pub fn taken(&self, begin: &str) -> Vec<String> {
        let texts = self.taken.lock().expect("nobody panics with it");
        let (mut known, mut words) = (HashSet::new(), Vec::new());
        for text in texts.iter() {
            for (at, _) in text.match_indices(begin) {
                let rest = &text[at..];
                let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '-');
                let word = &rest[..end.unwrap_or(rest.len())];
                if known.insert(word) {
                    words.push(word.to_owned());
                }
            }
        }
        words
    }
}

/// Serves one connection. Whoever goes away in the middle is not missed.
async fn serve(
    mut stream: TcpStream,
    protocol: Protocol,
    mut told: watch::Receiver<Conduct>,
    taken: Arc<Mutex<Vec<String>>>,
) {
    let conduct = *told.borrow_and_update();
    if conduct == Conduct::Hangs {
        drop(told.changed().await);
        return;
    }
    let text = match protocol {
        Protocol::Http => request(&mut stream).await,
        Protocol::Syslog => to_end(&mut stream).await,
    };
    let Some(text) = text else {
        return;
    };
    let status = match conduct {
        Conduct::Takes => "204 No Content",
        Conduct::Hangs | Conduct::Refuses => "422 Unprocessable Content",
    };
    if conduct == Conduct::Takes {
        taken.lock().expect("nobody panics with it").push(text);
    }
    if matches!(protocol, Protocol::Http) {
        let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n");
        drop(stream.write_all(answer.as_bytes()).await);
    }
}

async fn to_end(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    String::from_utf8(bytes).ok()
}

/// Reads a request that says how long its body is, and returns the body.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut headers = head.lines().filter_map(|line| line.split_once(": "));
            let length = headers.find(|header| header.0.eq_ignore_ascii_case("content-length"));
            if body.len() >= length?.1.parse().ok()? {
                return Some(body.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
