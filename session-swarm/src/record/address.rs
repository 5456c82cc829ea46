//! Addresses that a node may have.

use core::net::Ipv4Addr;

/// The addresses that a list of nodes may name. A client that connects to any address in an
/// untrusted list can be made to send requests into its own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AddressPolicy {
    /// Only addresses of the public internet.
    #[default]
    Public,
    /// All addresses except `0.0.0.0`, for networks on loopback or in a laboratory.
    Any,
}

impl AddressPolicy {
    /// Returns whether a node may have this address.
    #[must_use]
    pub const fn allows(self, ip: Ipv4Addr) -> bool {
        let is_public = !is_special(ip);
        match self {
            Self::Public => is_public,
            Self::Any => !ip.is_unspecified(),
        }
    }
}

/// Returns whether the address is outside the public internet (IANA special-purpose registry).
const fn is_special(ip: Ipv4Addr) -> bool {
    let octets = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || matches!(
            octets,
            [0 | 224..=255, ..]
                | [100, 64..=127, ..]
                | [192, 0, 0, _]
                | [192, 88, 99, _]
                | [198, 18..=19, ..]
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for ip in [
            "1.1.1.1",
            "95.216.33.113",
            "100.63.0.1",
            "223.255.255.255",
            "172.15.0.1",
        ] {
            assert!(AddressPolicy::Public.allows(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.1.1",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "100.64.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!AddressPolicy::Public.allows(ip.parse().unwrap()), "{ip}");
        }
        assert!(AddressPolicy::Any.allows(Ipv4Addr::LOCALHOST));
        assert!(!AddressPolicy::Any.allows(Ipv4Addr::UNSPECIFIED));
    }
}
