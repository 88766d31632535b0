//! Which addresses the outside world really has: the IANA special-purpose address registries
//! (RFC 6890), multicast (RFC 5771) and the reserved space.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::Network;

/// IPv4 networks that are private, special or reserved: network and prefix length.
const SPECIAL_V4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),  // this host, this network (RFC 791)
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10), // carrier-grade NAT (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, cloud metadata (RFC 3927)
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private (RFC 1918)
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments (RFC 6890)
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112 (RFC 7535)
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT (RFC 7450)
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private (RFC 1918)
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112 (RFC 7534)
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation (RFC 5737)
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast (RFC 5771)
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved, broadcast (RFC 1112)
];

/// The only IPv6 space ever given to the public: global unicast (RFC 4291, section 2.4). What is
/// outside it (loopback, mapped and translated IPv4, link-local, unique local, multicast, …) needs
/// no list.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is special within it.
const SPECIAL_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // Teredo, ORCHID, … (RFC 2928)
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation (RFC 3849)
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 in disguise (RFC 3056)
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112 (RFC 7534)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

/// Whether a connection may go to this address: a public one, or one in a network that the host
/// allowed by name.
pub(super) fn is_allowed(address: IpAddr, danger_allow: &[Network]) -> bool {
    is_public(address) || danger_allow.iter().any(|network| network.contains(address))
}

/// Whether the address belongs to the public internet. An IPv4 address written as an IPv6 one
/// (`::ffff:127.0.0.1`) is judged as what it stands for.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !SPECIAL_V4
            .iter()
            .any(|(network, prefix)| same_prefix(v4.to_bits(), network.to_bits(), *prefix)),
        IpAddr::V6(v6) => {
            let within = |(network, prefix): &(Ipv6Addr, u32)| {
                (v6.to_bits() ^ network.to_bits()).leading_zeros() >= *prefix
            };
            within(&GLOBAL_V6) && !SPECIAL_V6.iter().any(within)
        }
    }
}

fn same_prefix(left: u32, right: u32, prefix: u32) -> bool {
    (left ^ right).leading_zeros() >= prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_of_any_network_is_refused() {
        for special in "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 \
             127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 \
             192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 \
             198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 \
             240.0.0.1 255.255.255.255 192.31.196.1 192.52.193.1 192.175.48.1 :: \
             ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 \
             ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8 \
             64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 \
             2001:20::1 2001:1ff:ffff:: 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 \
             2620:4f:8000::1 3fff::1 3fff:fff:ffff::1 5f00::1 fc00::1 fd00::1 \
             fe80::1 febf::1 fec0::1 ff02::1 ff0e::1 4000::1 1fff::1"
            .split(' ')
        {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn the_public_internet_is_reached() {
        for public in "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 \
             126.255.255.255 128.0.0.0 172.15.255.255 172.32.0.0 192.0.1.0 \
             192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 \
             ::ffff:8.8.8.8 2001:200::1 2001:4860:4860::8888 2606:4700::1111 \
             2a00:1450:4001::1 3ffe::1"
            .split(' ')
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn the_host_may_open_a_network_and_no_more_than_that() {
        let loopback: [Network; 1] = ["127.0.0.0/8".parse().unwrap()];
        assert!(is_allowed("127.0.0.1".parse().unwrap(), &loopback));
        assert!(is_allowed("::ffff:127.0.0.1".parse().unwrap(), &loopback));
        assert!(!is_allowed("::1".parse().unwrap(), &loopback));
        assert!(!is_allowed("10.0.0.1".parse().unwrap(), &loopback));
    }
}
