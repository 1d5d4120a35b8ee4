//! Bytes that move: through files, pipes and sockets, with the names that DNS tells on the way.

use super::Fold;
use super::files::THROUGH;
use super::object::{Address, Object, every, object};
use crate::audit::limits::Mark;
use crate::audit::model::{Access, ActKind, NetworkAct};
use crate::audit::text::text;
use crate::decode::tree::{Tree, Value};
use crate::event::Event;

/// Where DNS is spoken.
const DNS: u16 = 53;

/// The buffers of calls, as the table names them.
const BUFFERS: &[&str] = &["buf", "buff", "ubuf", "iov_base"];

/// The bytes of the buffers of a call, as far as they were kept.
fn buffers<'t>(event: &Event<'t>, tree: &'t Tree) -> impl Iterator<Item = &'t [u8]> {
    let event = *event;
    every(tree).filter_map(move |(_, node)| match node.value {
        Value::Bytes(seen) | Value::Str(seen) if BUFFERS.contains(&node.name) => Some(event.bytes(&seen, tree)),
        // The items of an iovec have no name of their own.
        _ => None,
    })
}

impl Fold {
    /// A call that moves bytes through a descriptor or changes the file behind it.
    pub(super) fn through(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) -> Option<Box<str>> {
        let result = event.result().filter(|result| *result >= 0)?;
        let bytes = u64::try_from(result).unwrap_or(0);
        let mut about = None;
        for (_, argument, access, counts) in THROUGH.iter().filter(|(call, ..)| *call == name) {
            let number =
                event.words().get(*argument).map_or(-1, |word| crate::decode::walk::low32(*word).cast_signed());
            let Some(link) = event.descriptor(number) else { continue };
            match object(link.bytes) {
                Object::File(path, _) => {
                    match counts {
                        true => self.files.moved(path, (*access, number), by, bytes, &mut self.beyond),
                        false => self.files.used(path, *access, by, &mut self.beyond),
                    }
                    match access {
                        Access::Read if bytes > 0 => self.read_file(path, number, by),
                        Access::Written if bytes > 0 => self.wrote_file(path, by),
                        _ => {}
                    }
                    about.get_or_insert_with(|| text(path));
                }
                Object::Socket(inode) if *counts => {
                    let sent = *access == Access::Written;
                    self.network.moved(inode, None, sent, bytes, by, &mut self.beyond);
                    let peer = self.network.peer(inode).cloned();
                    self.exchanged(event, tree, inode, peer.as_ref(), sent, bytes, by);
                    if !sent && bytes > 0 && self.network.socket(inode).is_none_or(|socket| !socket.inet) {
                        let data = buffers(event, tree).next().map(<[u8]>::to_vec).unwrap_or_default();
                        self.read_socket(number, &data, by);
                    }
                    if let Some(peer) = peer {
                        about.get_or_insert_with(|| peer.told());
                    }
                }
                Object::Pipe(inode) if *counts && bytes > 0 => match access {
                    Access::Read => {
                        let data = buffers(event, tree).next().map(<[u8]>::to_vec).unwrap_or_default();
                        self.read_pipe(inode, number, &data, by);
                    }
                    _ => self.wrote_pipe(inode, by),
                },
                _ => {}
            }
        }
        about.map(Into::into)
    }

    /// A call that sends or receives messages.
    pub(super) fn message(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) -> Option<Box<str>> {
        let number = event.words().first().map_or(-1, |word| crate::decode::walk::low32(*word).cast_signed());
        let inode = match event.descriptor(number).map(|link| object(link.bytes)) {
            Some(Object::Socket(inode)) => inode,
            _ => return None,
        };
        let sent = name.starts_with("send");
        let passed = super::acts::passed(tree);
        if passed > 0 && event.error().is_none() {
            let detail = format!("{passed} open file{} by a socket", if passed == 1 { "" } else { "s" });
            self.act(ActKind::PassedDescriptor, name, detail, None, by);
        }
        let named = every(tree)
            .find(|(_, node)| matches!(node.value, Value::Struct) && matches!(node.name, "addr" | "msg_name"));
        let address = named.and_then(|(at, _)| Address::of(event, tree, at));
        let result = event.result().unwrap_or(0);
        let many = name.contains("mmsg");
        let bytes = match many {
            // The result counts messages; each says its own length.
            true => every(tree)
                .filter(|(_, node)| node.name == "msg_len")
                .filter_map(|(_, node)| super::object::number(node.value))
                .take(usize::try_from(result).unwrap_or(0))
                .sum(),
            false => u64::try_from(result).unwrap_or(0),
        };
        if let Some(address) = address.as_ref().filter(|_| sent) {
            self.spoken_to(address, by);
        }
        if let Some(address) = address.as_ref().filter(|_| sent && event.error().is_some()) {
            self.network.acted(NetworkAct::Send, address, None, event.error(), by, &mut self.beyond);
        }
        if result > 0 {
            self.network.moved(inode, address.as_ref(), sent, bytes, by, &mut self.beyond);
        }
        let peer = address.or_else(|| self.network.peer(inode).cloned());
        if result > 0 {
            self.exchanged(event, tree, inode, peer.as_ref(), sent, bytes, by);
        }
        peer.map(|peer| peer.told().into())
    }

    /// Bytes went to or came from `peer`.
    #[expect(clippy::too_many_arguments, reason = "one exchange is so many things")]
    fn exchanged(
        &mut self,
        event: &Event<'_>,
        tree: &Tree,
        inode: u64,
        peer: Option<&Address>,
        sent: bool,
        bytes: u64,
        by: Mark,
    ) {
        let inet = match peer {
            Some(peer) => peer.is_inet(),
            None => self.network.socket(inode).is_some_and(|socket| socket.inet),
        };
        if peer.is_some_and(|peer| peer.port == Some(DNS)) {
            let server = peer.map(Address::told).unwrap_or_default();
            for bytes in buffers(event, tree).take(16) {
                let asked = self.names.passed(bytes, &server, &mut self.network, by, &mut self.beyond);
                if let Some(name) = asked {
                    self.asked(&name, by);
                }
            }
            return;
        }
        if inet && sent && bytes > 0 {
            let mut data: Vec<u8> = Vec::new();
            buffers(event, tree).take(16).for_each(|part| data.extend_from_slice(part));
            self.sent(&data, peer, by);
        }
        if inet && !sent && bytes > 0 && !self.loopback.is_own(inode) {
            let data = buffers(event, tree).next().map(<[u8]>::to_vec).unwrap_or_default();
            self.fetched(&data, by);
        }
    }
}
