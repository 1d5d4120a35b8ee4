//! A value as it stands in a condition, to what it is compared as, by the field's type.

use super::Type;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// A number, a truth value or a port.
    Number(i128),
    /// Text or bytes.
    Text(Box<[u8]>),
    /// An address.
    Ip(IpAddr),
    /// A network.
    Net(Net),
}

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    address: IpAddr,
    bits: u8,
}

impl Net {
    /// Whether an address lies in it; those of the other family do not.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (net.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (net.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

/// What `text` means to a field of type `kind`.
///
/// # Errors
/// libsinsp's words for what it is not.
pub(super) fn parse(text: &str, kind: Type) -> Result<Literal, String> {
    Ok(match kind {
        Type::Text | Type::Bytes => Literal::Text(text.as_bytes().into()),
        Type::Int(bits) => Literal::Number(signed(text, bits)?),
        Type::Uint(bits) => Literal::Number(unsigned(text, bits)?),
        Type::RelTime | Type::AbsTime => Literal::Number(unsigned(text, 64)?),
        Type::Bool => match text {
            "true" => Literal::Number(1),
            "false" => Literal::Number(0),
            _ => return Err(format!("filter error: unrecognized boolean value {text}")),
        },
        Type::Port => Literal::Number(port(text)?),
        Type::Ip if text.contains('.') && !text.contains(':') => {
            let address = text.parse::<Ipv4Addr>().map_err(|_| format!("unrecognized IPv4 address {text}"))?;
            Literal::Ip(address.into())
        }
        Type::Ip => {
            let address = text.parse::<Ipv6Addr>().map_err(|_| format!("unrecognized IPv6 address {text}"))?;
            Literal::Ip(address.into())
        }
        Type::Net => Literal::Net(net(text)?),
        Type::Double | Type::Opaque(_) => return Err(format!("wrong parameter type {}", kind.name())),
    })
}

/// A number in base 10, as sscanf(3) reads it and nothing after it: whether it is negative, and how far from 0.
fn decimal(text: &str) -> Result<(bool, u128), String> {
    let trimmed = text.trim_start();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text} is not a valid number"));
    }
    let add = |all: u128, digit: u8| all.saturating_mul(10).saturating_add(u128::from(digit - b'0'));
    Ok((trimmed.starts_with('-'), digits.bytes().fold(0, add)))
}

/// strtol(3) gives the nearest number that it has; sscanf(3) cuts that to the width.
fn signed(text: &str, bits: u8) -> Result<i128, String> {
    let (negative, far) = decimal(text)?;
    let far = i128::try_from(far).unwrap_or(i128::MAX);
    let nearest = if negative { (-far).max(i64::MIN.into()) } else { far.min(i64::MAX.into()) };
    let half = 1i128 << (bits - 1);
    Ok((nearest + half).rem_euclid(half * 2) - half)
}

/// As [`signed`], with strtoul(3): a negative number is what its bits are without a sign.
fn unsigned(text: &str, bits: u8) -> Result<i128, String> {
    let (negative, far) = decimal(text)?;
    let nearest = match u64::try_from(far) {
        Ok(far) if negative => far.wrapping_neg(),
        Ok(far) => far,
        Err(_) => u64::MAX,
    };
    Ok(i128::from(nearest).rem_euclid(1i128 << bits))
}

fn port(text: &str) -> Result<i128, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return if text.is_empty() { Ok(0) } else { unsigned(text, 16) };
    }
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    service(&services, text).map(i128::from).ok_or_else(|| format!("unrecognized protocol {text}"))
}

/// The port of a service, from the text of services(5).
fn service(services: &str, name: &str) -> Option<u16> {
    let lines = services.lines().map(|line| line.split('#').next().unwrap_or(""));
    lines.map(str::split_whitespace).find_map(|words| {
        let words: Vec<_> = words.collect();
        let port = words.get(1)?.split('/').next()?;
        let named = words.iter().enumerate().any(|(at, word)| at != 1 && *word == name);
        if named { port.parse().ok() } else { None }
    })
}

fn net(text: &str) -> Result<Net, String> {
    let v4 = text.contains('.') && !text.contains(':');
    let (address, bits) = text.split_once('/').ok_or_else(|| format!("unrecognized IP network {text}"))?;
    let address = if v4 { address.parse().map(IpAddr::V4).ok() } else { address.parse().map(IpAddr::V6).ok() };
    let address = address.ok_or_else(|| format!("unrecognized IP address {text}"))?;
    let most = if v4 { 32 } else { 128 };
    let bits = u8::try_from(unsigned(bits, 64)?).ok().filter(|bits| *bits <= most);
    Ok(Net { address, bits: bits.ok_or_else(|| format!("invalid netmask {text}"))? })
}

#[cfg(test)]
mod tests {
    use super::{Literal, parse, service};
    use crate::rules::lang::Type;

    #[test]
    fn numbers_are_decimal_and_wrap_as_in_c() {
        let number = |text: &str, kind| parse(text, kind);
        assert_eq!(number("1001", Type::Int(64)), Ok(Literal::Number(1001)));
        assert_eq!(number("-1", Type::Int(64)), Ok(Literal::Number(-1)));
        assert_eq!(number("-1", Type::Uint(32)), Ok(Literal::Number(0xffff_ffff)));
        assert_eq!(number("300", Type::Uint(8)), Ok(Literal::Number(44)));
        // Beyond the widest number it is that, cut.
        let far = "99999999999999999999999999999999999999999999";
        let (most, least) = (Literal::Number(i64::MAX.into()), Literal::Number(i64::MIN.into()));
        assert_eq!(
            (number("9223372036854775808", Type::Int(64)), number(far, Type::Int(64))),
            (Ok(most.clone()), Ok(most))
        );
        assert_eq!(number("-9223372036854775809", Type::Int(64)), Ok(least));
        assert_eq!(number("9223372036854775808", Type::Int(32)), Ok(Literal::Number(-1)));
        assert_eq!(number(far, Type::Uint(64)), Ok(Literal::Number(u64::MAX.into())));
        assert_eq!(number("-18446744073709551617", Type::Uint(16)), Ok(Literal::Number(0xffff)));
        for bad in ["0x3e9", "1.5", "", "cat", "1 "] {
            assert_eq!(number(bad, Type::Int(32)), Err(format!("{bad} is not a valid number")));
        }
        assert!(number("1", Type::Bool).unwrap_err().contains("unrecognized boolean value 1"));
    }

    #[test]
    fn addresses_networks_and_ports() {
        let inside = |net: &str, ip: &str| match parse(net, Type::Net).unwrap() {
            Literal::Net(net) => net.contains(ip.parse().unwrap()),
            other => panic!("{other:?}"),
        };
        assert!(
            inside("10.0.0.0/8", "10.9.9.9") && !inside("10.0.0.0/8", "11.0.0.1") && inside("1.2.3.4/0", "9.9.9.9")
        );
        assert!(inside("fe80::/10", "fe80::1") && !inside("fe80::/10", "10.0.0.1") && !inside("::1/128", "::2"));
        for bad in ["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0/8", "::/129"] {
            assert!(parse(bad, Type::Net).is_err(), "{bad}");
        }
        assert!(parse("1.2.3.4", Type::Ip).is_ok() && parse("::1", Type::Ip).is_ok() && parse("x", Type::Ip).is_err());
        assert_eq!(service("ssh 22/tcp\nhttp\t80/tcp www # x", "www"), Some(80));
        assert_eq!(parse("443", Type::Port), Ok(Literal::Number(443)));
    }
}
