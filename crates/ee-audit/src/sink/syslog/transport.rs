//! How messages travel.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::sleep,
};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::sink::{DeliveryError, endpoint::LOOPBACK};

/// How often a receiver may say something that nobody has asked for before it has to come to its end.
const MAX_READS: u32 = 64;

/// Sends messages over TLS (RFC 5425).
pub(super) async fn tls(
    url: &Url,
    config: &Arc<ClientConfig>,
    messages: impl Iterator<Item = Vec<u8>>,
) -> Result<(), DeliveryError> {
    let host = host(url);
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| DeliveryError::later("the host is no name of a server"))?;
    let frames = frames(messages);
    let port = url.port().unwrap_or(6_514);
    let socket = TcpStream::connect((host, port))
        .await
        .map_err(|err| unconnected(&err))?;
    let connector = TlsConnector::from(Arc::clone(config));
    let stream = connector
        .connect(name, socket)
        .await
        .map_err(|err| unconnected(&err))?;
    send(stream, |stream| stream.get_ref().0, &frames).await
}

/// Sends messages over TCP to this machine (RFC 6587 §3.4.1).
pub(super) async fn tcp(
    url: &Url,
    messages: impl Iterator<Item = Vec<u8>>,
) -> Result<(), DeliveryError> {
    let frames = frames(messages);
    let addresses = loopback(url, url.port().unwrap_or(601));
    let stream = TcpStream::connect(&*addresses)
        .await
        .map_err(|err| unconnected(&err))?;
    send(stream, |stream| stream, &frames).await
}

/// Sends messages over UDP to this machine (RFC 5426).
pub(super) async fn udp(
    url: &Url,
    messages: impl Iterator<Item = Vec<u8>>,
) -> Result<(), DeliveryError> {
    let addresses = loopback(url, url.port().unwrap_or(514));
    let Some(address) = addresses.first() else {
        return Err(DeliveryError::later("the host is not this machine"));
    };
    let own = SocketAddr::new(address.ip(), 0);
    let socket = UdpSocket::bind(own)
        .await
        .map_err(|err| unconnected(&err))?;
    socket
        .connect(address)
        .await
        .map_err(|err| unconnected(&err))?;
    for (sent, message) in messages.enumerate() {
        if let Err(err) = socket.send(&message).await {
            let err = match err.raw_os_error() {
                Some(TOO_LONG) => DeliveryError::refused("the message is too long for UDP"),
                _ => DeliveryError::later(format!("cannot send: {err}")),
            };
            return Err(err.after(sent));
        }
    }
    Ok(())
}

/// `EMSGSIZE`.
#[cfg(target_os = "linux")]
const TOO_LONG: i32 = 90;
#[cfg(not(target_os = "linux"))]
const TOO_LONG: i32 = 40;

/// Sends everything and waits until the other side has read it, which is when it answers our end with its own.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    socket: impl Fn(&S) -> &TcpStream,
    frames: &[u8],
) -> Result<(), DeliveryError> {
    let lost = |err: io::Error| DeliveryError::later(format!("the connection is lost: {err}"));
    stream.write_all(frames).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    stream.shutdown().await.map_err(lost)?;
    let mut unasked = [0; 1_024];
    for _ in 0..MAX_READS {
        match stream.read(&mut unasked).await {
            Ok(0) => return closed(socket(&stream)).await.map_err(lost),
            Ok(_) => {}
            // Many close without saying so in TLS.
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => {
                return closed(socket(&stream)).await.map_err(lost);
            }
            Err(err) => return Err(lost(err)),
        }
    }
    Err(DeliveryError::later("the receiver speaks another protocol"))
}

/// Waits until both ends of a connection are acknowledged: an end of the other side may have been on its way before it had
/// read anything, and then the system answers what comes after it with a reset.
async fn closed(socket: &TcpStream) -> io::Result<()> {
    // Linux forgets the other side when the connection is closed, in one way or the other.
    while cfg!(target_os = "linux") && socket.peer_addr().is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
    socket.take_error()?.map_or(Ok(()), Err)
}

/// Writes the length before each message (RFC 5425 §4.3).
fn frames(messages: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut frames = Vec::new();
    for message in messages {
        frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
        frames.extend(message);
    }
    frames
}

fn host(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Returns the addresses of this machine that a host stands for, without asking anybody.
fn loopback(url: &Url, port: u16) -> Vec<SocketAddr> {
    let wanted: Option<IpAddr> = host(url).parse().ok();
    let fits = |ip: &IpAddr| wanted.is_none_or(|wanted| wanted == *ip);
    let ips = LOOPBACK.into_iter().filter(fits);
    ips.map(|ip| SocketAddr::new(ip, port)).collect()
}

/// Nothing was sent yet, so the cause says nothing of an event.
fn unconnected(err: &io::Error) -> DeliveryError {
    DeliveryError::later(format!("cannot connect: {err}"))
}
