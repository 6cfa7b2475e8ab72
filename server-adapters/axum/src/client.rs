//! Whom a connection belongs to.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who holds the other end of the connection.
pub(crate) type Peer = ConnectInfo<SocketAddr>;

/// Judges the client's address: the peer of the connection, or what configured proxies say of it.
///
/// Without proxies every forwarding header is ignored. With them the right-most address that is not one of
/// theirs wins, since everything left of it came from outside.
pub(crate) fn address(
    peer: Option<Peer>,
    headers: &HeaderMap,
    proxies: &[IpNet],
) -> Option<IpAddr> {
    let ConnectInfo(peer) = peer?;
    let peer = peer.ip().to_canonical();
    let is_proxy = |ip: IpAddr| proxies.iter().any(|net| net.contains(&ip));
    if !is_proxy(peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    for value in headers.get_all(FORWARDED_FOR).iter().rev() {
        let Ok(text) = value.to_str() else {
            return Some(nearest);
        };
        for hop in text.rsplit(',') {
            let Ok(ip) = hop.trim().parse::<IpAddr>() else {
                return Some(nearest);
            };
            nearest = ip.to_canonical();
            if !is_proxy(nearest) {
                return Some(nearest);
            }
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let peer = ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let proxies: Vec<IpNet> = proxies.iter().map(|net| net.parse().unwrap()).collect();
        address(Some(peer), &headers, &proxies).unwrap().to_string()
    }

    #[test]
    fn v02_a_stranger_does_not_choose_his_address() {
        assert_eq!(judge("203.0.113.9", &["1.1.1.1"], &[]), "203.0.113.9");
        assert_eq!(
            judge("203.0.113.9", &["1.1.1.1"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
        assert_eq!(
            judge("10.0.0.1", &["1.1.1.1, 203.0.113.9"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
        assert_eq!(
            judge(
                "10.0.0.1",
                &["1.1.1.1", "203.0.113.9, 10.0.0.2"],
                &["10.0.0.0/8"]
            ),
            "203.0.113.9"
        );
        assert_eq!(
            judge("10.0.0.1", &["1.1.1.1, nonsense"], &["10.0.0.0/8"]),
            "10.0.0.1"
        );
        assert_eq!(judge("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(
            judge("::ffff:10.0.0.1", &["::ffff:1.1.1.1"], &["10.0.0.0/8"]),
            "1.1.1.1"
        );
    }
}
