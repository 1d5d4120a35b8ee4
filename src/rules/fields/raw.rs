//! The arguments of a call as libscap has them, before they are shown: numbers in its constants, texts, bytes.
//!
//! What a capture says is asked of `scap`; here are only the forms in which an event has it, and what comes from the
//! account of who is who.

use super::catalog::{From, Kind, Param};
use super::view::View;
use crate::scap::ask;
use std::net::{IpAddr, SocketAddr};

/// A value as it is.
pub(super) enum Raw<'b> {
    Number(i64),
    Text(&'b [u8]),
}

/// What a parameter is; `None` when smtrace does not know it. `buffer` is empty, and holds what has to be made.
pub(super) fn raw<'b>(view: &View<'b>, param: &Param, buffer: &'b mut Vec<u8>) -> Option<Raw<'b>> {
    let call = &view.call;
    match param.from {
        From::Nothing => None,
        From::Event(at) => {
            ask::put(call, at, buffer);
            of_event(param.kind, buffer)
        }
        From::Converted(convert, name) => Some(Raw::Number(convert(call.word(name)).cast_signed())),
        From::Argument(name) if matches!(param.kind, Kind::Text | Kind::Path | Kind::RelPath) => {
            call.text(name).map(Raw::Text)
        }
        From::Argument(name) => Some(Raw::Number(call.int(name))),
        From::Special(word) => special(view, word),
    }
}

/// What the bytes of a parameter are. A text has a NUL, so that an empty one is told from none.
fn of_event(kind: Kind, bytes: &[u8]) -> Option<Raw<'_>> {
    match kind {
        _ if bytes.is_empty() => None,
        Kind::Tuple | Kind::Other(_) => None,
        Kind::Text | Kind::Path | Kind::RelPath => Some(Raw::Text(bytes.strip_suffix(&[0]).unwrap_or(bytes))),
        Kind::Bytes | Kind::Addr => Some(Raw::Text(bytes)),
        _ => Some(Raw::Number(number(bytes, kind.is_signed()))),
    }
}

/// The number of up to 8 bytes, the low one first.
fn number(bytes: &[u8], signed: bool) -> i64 {
    let negative = signed && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut word = [if negative { 0xff } else { 0 }; 8];
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    i64::from_le_bytes(word)
}

/// What comes from the account of who is who, or from the result.
fn special<'e>(view: &View<'e>, word: &str) -> Option<Raw<'e>> {
    let (call, who) = (&view.call, &view.who);
    Some(match word {
        "res" => Raw::Number(call.result()?),
        "exe" => Raw::Text(who.argv().next()?),
        "exepath" => Raw::Text(who.exe()),
        "cwd" => Raw::Text(who.cwd()),
        "comm" => Raw::Text(who.comm()),
        "tid" => Raw::Number(i64::from(who.tid)),
        "pid" => Raw::Number(i64::from(who.pid)),
        "ppid" => Raw::Number(i64::from(who.ppid())),
        "uid" => Raw::Number(i64::from(who.uid()?)),
        "gid" => Raw::Number(i64::from(who.gid()?)),
        "tty" => Raw::Number(i64::from(view.sessions.get(who.pid)?.tty)),
        "pgid" => Raw::Number(i64::from(view.sessions.get(who.pid)?.pgid)),
        _ => return None,
    })
}

/// What a socket's address says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End<'b> {
    Ip(SocketAddr),
    Path(&'b [u8]),
    Family(u8),
}

/// An address in libscap's form: a byte for the family, then the address and the port in the machine's order, or a path.
pub(super) fn end(bytes: &[u8]) -> End<'_> {
    let (family, rest) = bytes.split_first().map_or((0, bytes), |(family, rest)| (*family, rest));
    let ip = match (family, rest.len()) {
        (2, 6) => rest.first_chunk::<4>().copied().map(IpAddr::from),
        (10, 18) => rest.first_chunk::<16>().copied().map(IpAddr::from),
        _ => None,
    };
    match (ip, rest.last_chunk()) {
        (Some(ip), Some(port)) => End::Ip(SocketAddr::new(ip, u16::from_le_bytes(*port))),
        _ if family == 1 => End::Path(rest.strip_suffix(&[0]).unwrap_or(rest)),
        _ => End::Family(family),
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{From, catalog};
    use super::{End, end, number};
    use crate::event::call::Call;
    use crate::model::Abi;
    use crate::model::record::{Head, Kind, Record, Writer};
    use crate::scap::ask;
    use crate::table;

    /// The two tables name one parameter at one place: a number that a capture has is as wide as its type says.
    #[test]
    fn a_captures_parameters_are_of_the_types_that_conditions_compare() {
        let (mut buffer, mut out, mut seen) = ([0; 512], Vec::new(), 0);
        for row in table::rows() {
            let Some(call) = catalog().call(row.index()) else { continue };
            let Some(abi) = Abi::ALL.into_iter().find(|abi| row.number(*abi).is_some()) else { continue };
            let nr = row.number(abi).unwrap();
            let head = Head { kind: Kind::Exit, abi: Some(abi), time: 0, pid: 1, tid: 1, nr, flags: 0, result: 0 };
            let len = Writer::new(&mut buffer, &head, &[0; 6]).finish();
            let (record, _) = Record::parse(&buffer[..len]).unwrap();
            for param in &call.params {
                let (From::Event(at), Some(bits)) = (param.from, param.kind.bits()) else { continue };
                out.clear();
                ask::put(&Call::new(Some(row), &record, None), at, &mut out);
                let fits = out.is_empty() || out.len() == usize::from(bits) / 8;
                assert!(fits, "{} {}: {} bytes for {bits} bits", row.name, param.name, out.len());
                seen += usize::from(!out.is_empty());
            }
        }
        assert!(seen > 300, "{seen}");
    }

    #[test]
    fn numbers_have_the_sign_of_their_kind() {
        assert_eq!((number(&[0xfe, 0xff], true), number(&[0xfe, 0xff], false)), (-2, 0xfffe));
        assert_eq!(number(&(-3i64).to_le_bytes(), false), -3);
        assert_eq!(number(&[1], true), 1);
    }

    #[test]
    fn addresses_are_libscaps() {
        assert_eq!(end(&[2, 10, 0, 0, 1, 0x50, 0]), End::Ip("10.0.0.1:80".parse().unwrap()));
        assert_eq!(end(b"\x01/run/x\0"), End::Path(b"/run/x"));
        assert_eq!((end(&[16]), end(&[2, 10]), end(b"")), (End::Family(16), End::Family(2), End::Family(0)));
    }
}
