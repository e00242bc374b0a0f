//! Which addresses a webhook may go to. URLs come from strangers, who may point them at our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether webhooks may go to addresses that are not of the public Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressPolicy {
    #[default]
    PublicOnly,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an address of the public Internet (TESSERA_ALLOW_PRIVATE_WEBHOOKS=1 allows it)")]
pub struct Forbidden(pub IpAddr);

/// Whether a webhook may be sent to this address.
pub fn check_address(address: IpAddr, policy: AddressPolicy) -> Result<(), Forbidden> {
    match policy {
        AddressPolicy::Any => Ok(()),
        AddressPolicy::PublicOnly if is_public(address) => Ok(()),
        AddressPolicy::PublicOnly => Err(Forbidden(address)),
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// See the IANA IPv4 Special-Purpose Address Registry (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224)
}

/// Global unicast is 2000::/3 (RFC 4291); what carries an IPv4 address inside is judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0x0db8, ..] | [0x2001, 0x0000..=0x01ff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let check = |text: &str| check_address(text.parse().unwrap(), AddressPolicy::PublicOnly);
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(check(private).is_err(), "{private} passed");
        }
        for public in ["1.1.1.1", "203.0.114.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(check(public).is_ok(), "{public} was refused");
        }
        assert!(check_address("127.0.0.1".parse().unwrap(), AddressPolicy::Any).is_ok());
    }
}
