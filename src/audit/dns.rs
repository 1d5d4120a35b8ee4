//! One message of DNS, as far as names and addresses go.

use simple_dns::rdata::RData;
use simple_dns::{Packet, PacketFlag, QTYPE, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A question, or the answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The name that is asked for, in lower case and without the last dot.
    pub name: String,
    /// What of it is asked for.
    pub kind: String,
    /// It is an answer.
    pub response: bool,
    /// The addresses that are told.
    pub addresses: Vec<IpAddr>,
    /// What else is told, in words.
    pub others: Vec<String>,
}

fn plain(name: &simple_dns::Name<'_>) -> String {
    let mut name = name.to_string().to_lowercase();
    while name.ends_with('.') {
        name.pop();
    }
    name
}

fn kind(kind: QTYPE) -> String {
    match kind {
        QTYPE::TYPE(TYPE::A) => "A".to_owned(),
        QTYPE::TYPE(TYPE::AAAA) => "AAAA".to_owned(),
        other => format!("{other:?}").trim_start_matches("TYPE(").trim_end_matches(')').to_owned(),
    }
}

/// Reads a message; over TCP the two bytes of its length stand before it. `None` for what is none, or asks for nothing.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Message> {
    let framed = bytes.get(2..).filter(|_| {
        let len = bytes.first().zip(bytes.get(1)).map(|(high, low)| usize::from(*high) << 8 | usize::from(*low));
        len == Some(bytes.len() - 2)
    });
    let packet = Packet::parse(framed.unwrap_or(bytes)).ok()?;
    let question = packet.questions.first()?;
    let name = plain(&question.qname);
    if name.is_empty() {
        return None;
    }
    let (mut addresses, mut others) = (Vec::new(), Vec::new());
    for answer in &packet.answers {
        match &answer.rdata {
            RData::A(a) => addresses.push(IpAddr::V4(Ipv4Addr::from(a.address))),
            RData::AAAA(a) => addresses.push(IpAddr::V6(Ipv6Addr::from(a.address))),
            RData::CNAME(alias) => others.push(plain(&alias.0)),
            other => others.push(format!("{:?}", other.type_code())),
        }
    }
    let response = packet.has_flags(PacketFlag::RESPONSE);
    Some(Message { name, kind: kind(question.qtype), response, addresses, others })
}
