//! Names that were asked for on port 53, and what was answered.

use super::network::Network;
use crate::audit::limits::{self, Beyond, Mark, mark};
use crate::audit::model::Dns;
use rustc_hash::FxHashMap;
use simple_dns::rdata::RData;
use simple_dns::{Packet, QTYPE, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The names of a build.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<Dns>,
    index: FxHashMap<String, usize>,
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

/// Whether `list` has room and did not have `word`, which it then has.
fn add(list: &mut Vec<String>, word: String) {
    if list.len() < limits::ANSWERS && !list.contains(&word) {
        list.push(word);
    }
}

impl Names {
    /// A message of port 53 passed, to or from `server`. What is no DNS message is ignored; over TCP the two bytes of
    /// the length are skipped.
    pub(super) fn passed(
        &mut self,
        bytes: &[u8],
        server: &str,
        network: &mut Network,
        by: Mark,
        beyond: &mut Beyond,
    ) -> Option<String> {
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
        let index = match self.index.get(&name) {
            Some(index) => *index,
            None if beyond.room("names", self.all.len(), limits::NAMES) => {
                self.all.push(Dns { name: name.clone(), ..Dns::default() });
                self.index.insert(name.clone(), self.all.len() - 1);
                self.all.len() - 1
            }
            None => return None,
        };
        let entry = self.all.get_mut(index)?;
        add(&mut entry.kinds, kind(question.qtype));
        add(&mut entry.servers, server.to_owned());
        if !packet.has_flags(simple_dns::PacketFlag::RESPONSE) {
            mark(&mut entry.used, by, 0);
            return Some(name);
        }
        for answer in &packet.answers {
            let told = match &answer.rdata {
                RData::A(a) => {
                    let ip = IpAddr::V4(Ipv4Addr::from(a.address));
                    network.named(ip, &name);
                    ip.to_string()
                }
                RData::AAAA(a) => {
                    let ip = IpAddr::V6(Ipv6Addr::from(a.address));
                    network.named(ip, &name);
                    ip.to_string()
                }
                RData::CNAME(alias) => plain(&alias.0),
                other => format!("{:?}", other.type_code()),
            };
            add(&mut entry.answers, told);
        }
        None
    }

    /// The names in the order of first sight.
    pub(super) fn told(self) -> Vec<Dns> {
        let mut all = self.all;
        for entry in &mut all {
            entry.kinds.sort_unstable();
            entry.answers.sort_unstable();
            entry.servers.sort_unstable();
        }
        all
    }
}
