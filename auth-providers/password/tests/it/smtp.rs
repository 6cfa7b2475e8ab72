//! Letters to a server that speaks the protocol.

use ee_auth_password::{MailQueue, Mailer as _, SmtpConfig, SmtpMailer, SmtpTls};
use ee_core::ErrorKind;
use std::sync::Arc;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

/// Takes one letter and returns all that was said.
async fn server() -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let (mut said, mut is_letter) = (String::new(), false);
        writer.write_all(b"220 test\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            said.push_str(&line);
            said.push('\n');
            let answer = match line.as_str() {
                "." if is_letter => {
                    is_letter = false;
                    "250 kept\r\n"
                }
                _ if is_letter => continue,
                "DATA" => {
                    is_letter = true;
                    "354 go on\r\n"
                }
                "QUIT" => {
                    writer.write_all(b"221 bye\r\n").await.unwrap();
                    break;
                }
                line if line.starts_with("RCPT TO:<full@") => "452 no room\r\n",
                _ => "250 test\r\n",
            };
            writer.write_all(answer.as_bytes()).await.unwrap();
            if answer.starts_with("250 kept") {
                break;
            }
        }
        said
    };
    (port, tokio::spawn(talk))
}

fn config(port: u16) -> SmtpConfig {
    let mut config = SmtpConfig::new("127.0.0.1", "Agents <agents@example.com>");
    config.port = Some(port);
    config.tls = SmtpTls::Off;
    config
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let (port, talk) = server().await;
    let (queue, worker) = MailQueue::new(Arc::new(SmtpMailer::new(config(port)).unwrap()));
    let link =
        "https://agents.example.com/studio/setup#token=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

    queue
        .send(
            "ada@example.com",
            "Set a new password",
            &format!("Here:\n\n{link}\n"),
        )
        .await
        .unwrap();
    assert!(!format!("{queue:?} {worker:?}").contains("abcdefgh"));
    drop(queue);
    worker.run().await;

    let said = talk.await.unwrap();
    assert!(said.contains("MAIL FROM:<agents@example.com>"), "{said}");
    assert!(said.contains("RCPT TO:<ada@example.com>"), "{said}");
    assert!(said.contains("Subject: Set a new password"), "{said}");
    assert!(
        said.replace("=\n", "").replace("=3D", "=").contains(link),
        "{said}"
    );
}

#[tokio::test]
async fn a_letter_that_is_not_taken_is_an_error() {
    let (port, _talk) = server().await;
    let mailer = SmtpMailer::new(config(port)).unwrap();

    let refused = mailer
        .send("full@example.com", "Hello", "text")
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let refused = mailer
        .send("no address", "Hello", "text")
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[test]
fn a_server_that_cannot_be_meant_is_refused() {
    let refused = |change: fn(&mut SmtpConfig)| {
        let mut config = SmtpConfig::new("mail.example.com", "agents@example.com");
        change(&mut config);
        SmtpMailer::new(config)
            .map(drop)
            .map_err(|err| err.to_string())
    };

    assert_eq!(refused(|_| {}), Ok(()));
    for (change, text) in [
        (
            (|config| config.tls = SmtpTls::Off) as fn(&mut SmtpConfig),
            "mail cannot be sent as configured: `tls` may be off for this machine alone",
        ),
        (
            |config| config.username = Some("me".to_owned()),
            "mail cannot be sent as configured: `username` and `password` go together",
        ),
        (
            |config| config.from = "nobody".to_owned(),
            "mail cannot be sent as configured: `from` is no e-mail address",
        ),
    ] {
        assert_eq!(refused(change).unwrap_err(), text);
    }
    let read: SmtpConfig =
        toml::from_str("host = \"a\"\nfrom = \"a@b\"\ntls = \"starttls\"\npassword = \"s3cr3t\"")
            .unwrap();
    assert!(!format!("{read:?}").contains("s3cr3t"));
    assert!(toml::from_str::<SmtpConfig>("host = \"a\"\nfrom = \"a@b\"\nuser = \"x\"").is_err());
}
