//! What is redacted beyond what always is.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

/// Says what is redacted beyond what always is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RedactionConfig {
    /// How much of an address is kept.
    pub addresses: Addresses,
    /// What is kept of what is said to models, and of what they say.
    pub content: ContentMode,
    /// Where keyed digests stand in place of values, as JSON pointers in which `*` is any member or entry, such as
    /// `/actor/email` or `/metadata/customer`.
    pub digests: Vec<String>,
    /// More names whose values are removed, in any spelling.
    pub names: Vec<String>,
    /// Agents of whose content something else is kept, by id.
    pub agents: BTreeMap<String, ContentMode>,
}

/// What is kept of what is said to a model, and of what it says.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentMode {
    /// Everything but credentials whose format is known and values whose names say that they are secret.
    Full,
    /// Its size.
    #[default]
    Off,
    /// What every other text keeps as well.
    Redacted,
}

/// How much of the addresses of clients is kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Addresses {
    /// The network: the first 24 bits of an IPv4 address, the first 48 of another one. This holds for the address of
    /// the actor, and for every value that is an address and nothing else.
    Network,
    /// All of it.
    #[default]
    Whole,
}

impl Addresses {
    /// Returns what is kept of an address.
    pub(super) fn keep(self, address: IpAddr) -> IpAddr {
        if self == Self::Whole {
            return address;
        }
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
            }
        }
    }

    /// Returns what is kept of a text that is an address. `None` when it is none, or all of it is kept.
    pub(super) fn keep_text(self, text: &str) -> Option<String> {
        // The longest is an IPv4 address as an IPv6 one.
        if self == Self::Whole || text.len() > 45 {
            return None;
        }
        let address: IpAddr = text.parse().ok()?;
        let kept = self.keep(address);
        (kept != address).then(|| kept.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_the_network_is_kept() {
        for (address, network) in [
            ("192.0.2.77", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("::ffff:192.0.2.77", "192.0.2.0"),
            ("::1", "::"),
        ] {
            let kept = Addresses::Network.keep(address.parse().unwrap());
            assert_eq!(kept.to_string(), network);
            assert_eq!(Addresses::Network.keep(kept), kept);
            assert_eq!(
                Addresses::Network.keep_text(address).as_deref(),
                Some(network)
            );
            assert_eq!(Addresses::Whole.keep_text(address), None);
        }
        assert_eq!(Addresses::Network.keep_text("1.2.3"), None);
    }
}
