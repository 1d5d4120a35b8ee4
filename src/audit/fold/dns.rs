//! Names that were asked for on port 53, and what was answered.

use super::network::Network;
use crate::audit::dns;
use crate::audit::limits::{self, Beyond, Mark, mark};
use crate::audit::model::Dns;
use rustc_hash::FxHashMap;

/// The names of a build.
#[derive(Debug, Default)]
pub(super) struct Names {
    all: Vec<Dns>,
    index: FxHashMap<String, usize>,
}

/// Whether `list` has room and did not have `word`, which it then has.
fn add(list: &mut Vec<String>, word: String) {
    if list.len() < limits::ANSWERS && !list.contains(&word) {
        list.push(word);
    }
}

impl Names {
    /// A message of port 53 passed, to or from `server`. What is no DNS message is ignored.
    pub(super) fn passed(
        &mut self,
        bytes: &[u8],
        server: &str,
        network: &mut Network,
        by: Mark,
        beyond: &mut Beyond,
    ) -> Option<String> {
        let dns::Message { name, kind, response, addresses, others } = dns::read(bytes)?;
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
        add(&mut entry.kinds, kind);
        add(&mut entry.servers, server.to_owned());
        if !response {
            mark(&mut entry.used, by, 0);
            return Some(name);
        }
        for ip in addresses {
            network.named(ip, &name);
            add(&mut entry.answers, ip.to_string());
        }
        others.into_iter().for_each(|other| add(&mut entry.answers, other));
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
