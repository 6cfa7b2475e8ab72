//! Asks over one connection and reads answers whole.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One connection that stays open.
#[derive(Debug)]
pub(crate) struct Client {
    buffer: Vec<u8>,
    stream: TcpStream,
}

/// What a server has answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) body: usize,
    pub(crate) head: &'a [u8],
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            buffer: vec![0; 64 * 1_024],
            stream,
        })
    }

    /// Sends a request and reads the answer. Every status but this one is a failure.
    pub(crate) async fn ask(&mut self, request: &[u8], status: u16) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room).await?;
            ensure!(read > 0, "the server closed the connection");
            filled += read;
            let so_far = self.buffer.get(..filled).unwrap_or_default();
            if let Some(Length { head, body }) = length(so_far, status)?
                && filled >= head + body
            {
                let all = head + body;
                ensure!(filled == all, "the server answered more than it was asked");
                let head = self.buffer.get(..head).unwrap_or_default();
                return Ok(Answer { body, head });
            }
        }
    }
}

impl Answer<'_> {
    /// Returns the first cookie that the answer sets, as a line of a request.
    pub(crate) fn cookie(&self) -> Result<String> {
        let head = String::from_utf8_lossy(self.head);
        cookie(&head).with_context(|| format!("no cookie: {head}"))
    }
}

/// Returns the first cookie that a head sets, as a line of a request.
pub(crate) fn cookie(head: &str) -> Option<String> {
    let set = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))?;
    Some(format!("Cookie: {}", set.split(';').next()?))
}

/// Writes a sign-in. `header` is one more line of the head, with its end.
pub(crate) fn sign_in(address: SocketAddr, header: &str, email: &str, password: &str) -> String {
    let body = serde_json::json!({ "email": email, "password": password }).to_string();
    format!(
        "POST /api/auth/credentials/sign-in HTTP/1.1\r\nHost: {address}\r\n{header}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[derive(Debug, Eq, PartialEq)]
struct Length {
    body: usize,
    head: usize,
}

/// Returns how long the answer is, as soon as its head is there.
fn length(answer: &[u8], status: u16) -> Result<Option<Length>> {
    const LENGTH: &[u8] = b"\r\ncontent-length: ";

    let Some(end) = find(answer, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = answer.get(..end).unwrap_or_default();
    if number(head.get(b"HTTP/1.1 ".len()..)) != usize::from(status) {
        bail!("the server answered {}", String::from_utf8_lossy(head));
    }
    let at = find(head, LENGTH).context("an answer of unknown length")?;
    Ok(Some(Length {
        body: number(head.get(at + LENGTH.len()..)),
        head: end + 4,
    }))
}

fn number(text: Option<&[u8]>) -> usize {
    text.unwrap_or_default()
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |sum, byte| sum * 10 + usize::from(byte - b'0'))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_its_head_says() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nvary: cookie\r\n\r\n";

        let head = text.len();
        assert_eq!(length(text, 200).unwrap(), Some(Length { body: 12, head }));
        assert_eq!(length(&text[..30], 200).unwrap(), None);
        assert!(length(text, 401).is_err());
        assert!(length(b"nonsense\r\n\r\n", 200).is_err());
    }

    #[test]
    fn a_cookie_is_shown_as_it_was_set() {
        let head = "HTTP/1.1 200 OK\r\nset-cookie: a=b; Path=/\r\nset-cookie: c=d\r\n\r\n";

        assert_eq!(cookie(head).as_deref(), Some("Cookie: a=b"));
        assert_eq!(cookie("HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
