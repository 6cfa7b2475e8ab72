//! A mail server that keeps what it is given.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::{Duration, sleep},
};

use crate::patiently;

/// A mail server without encryption, for as long as the runtime lives.
#[derive(Debug)]
pub struct Mailbox {
    letters: Arc<Mutex<Vec<String>>>,
    port: u16,
}

impl Mailbox {
    /// Takes letters to anybody.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let letters = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&letters);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                // A sender that breaks off has sent nothing.
                tokio::spawn(async move { drop(receive(stream, &kept).await) });
            }
        });
        Self { letters, port }
    }

    /// Returns the lines of a configuration that send letters here.
    pub fn config(&self) -> String {
        let port = self.port;
        format!(
            "[mail]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"off\"\nfrom = \"ee@example.com\""
        )
    }

    /// Waits for a letter that holds a link, and returns the secret behind it. The letter is gone then.
    pub async fn secret(&self) -> String {
        patiently("a letter", async {
            loop {
                let letters = self
                    .letters
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop();
                if let Some(secret) = letters.as_deref().and_then(secret_of_link) {
                    return secret;
                }
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }
}

/// Returns what stands behind `#token=` in a text.
pub fn secret_of_link(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("#token=")?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

/// Speaks as much of SMTP (RFC 5321) as it takes to be given letters.
async fn receive(stream: TcpStream, letters: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mailbox\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let command = line.split(' ').next().unwrap_or_default().to_uppercase();
        let answer: &[u8] = match &*command {
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut letter = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    letter.push_str(&line);
                    letter.push('\n');
                }
                let letter = unquoted(&letter);
                letters
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(letter);
                b"250 kept\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 yes\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

/// Undoes quoted-printable (RFC 2045 §6.7) where a letter uses it.
fn unquoted(letter: &str) -> String {
    if letter.to_lowercase().contains("quoted-printable") {
        letter.replace("=\n", "").replace("=3D", "=")
    } else {
        letter.to_owned()
    }
}
