//! Addresses of the rarer socket families: most are flat structures behind the family.

use super::super::flat::put_fields;
use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use super::address::{put_inet, put_inet6, short};
use super::amateur;
use crate::table::sets;
use crate::table::structs::{self, Struct};

const AF_INET: u16 = 2;
const AF_AX25: u16 = 3;
const AF_IPX: u16 = 4;
const AF_X25: u16 = 9;
const AF_INET6: u16 = 10;
const AF_RXRPC: u16 = 33;
const AF_IEEE802154: u16 = 36;
const AF_ALG: u16 = 38;
const AF_NFC: u16 = 39;
const AF_VSOCK: u16 = 40;
const AF_QIPCRTR: u16 = 42;
const AF_XDP: u16 = 44;
const AF_MCTP: u16 = 45;

/// Says the fields of an address of `family`; `None` when it is too short or of a family that is not known.
pub(super) fn put(walk: &mut Walk<'_>, seen: &Seen, family: u16) -> Option<()> {
    match family {
        AF_AX25 => amateur::put(walk, seen),
        AF_IPX => put_flat(walk, seen, &structs::SOCKADDR_IPX),
        AF_X25 => put_flat(walk, seen, &structs::SOCKADDR_X25),
        AF_VSOCK => put_flat(walk, seen, &structs::SOCKADDR_VM),
        AF_QIPCRTR => put_flat(walk, seen, &structs::SOCKADDR_QRTR),
        AF_MCTP => put_flat(walk, seen, &structs::SOCKADDR_MCTP),
        AF_NFC => put_nfc(walk, seen),
        AF_XDP => put_xdp(walk, seen),
        AF_ALG => put_alg(walk, seen),
        AF_IEEE802154 => put_ieee802154(walk, seen),
        AF_RXRPC => put_rxrpc(walk, seen),
        _ => None,
    }
}

fn put_flat(walk: &mut Walk<'_>, seen: &Seen, layout: &'static Struct) -> Option<()> {
    let size = layout.size(walk.abi());
    if seen.len() < size {
        return None;
    }
    put_fields(walk, layout, &seen.part(0, size));
    Some(())
}

/// `struct sockaddr_nfc`, and `struct sockaddr_nfc_llcp` when it is as long (linux/nfc.h).
fn put_nfc(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    const SERVICE: usize = 63;
    let word = walk.abi().word();
    let name = 18;
    let len_at = (name + SERVICE).next_multiple_of(word);
    put_flat(walk, seen, &structs::SOCKADDR_NFC)?;
    let shorter = structs::SOCKADDR_NFC.size(walk.abi());
    let Some(len) = walk.word_at(seen, len_at) else {
        if seen.len() > shorter {
            walk.mark_more();
        }
        return Some(());
    };
    let (to, from) = (walk.number(seen, 16, 1)?, walk.number(seen, 17, 1)?);
    walk.put("dsap", Value::Constant(&sets::NFC_ACCESS_POINT, to));
    walk.put("ssap", Value::Constant(&sets::NFC_ACCESS_POINT, from));
    let shown = usize::try_from(len).unwrap_or(SERVICE).min(SERVICE);
    walk.put("service_name", Value::Bytes(seen.part(name, shown)));
    walk.put("service_name_len", Value::Unsigned(len));
    Some(())
}

/// `struct sockaddr_xdp` (linux/if_xdp.h): a descriptor only with the flag that shares its memory.
fn put_xdp(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    const SHARED: u64 = 1;
    let flags = walk.number(seen, 2, 2)?;
    let (index, queue, fd) = (walk.u32_at(seen, 4)?, walk.u32_at(seen, 8)?, walk.u32_at(seen, 12)?);
    walk.put("sxdp_flags", Value::Flags(&sets::XDP_BIND, flags));
    walk.put("sxdp_ifindex", Value::Unsigned(u64::from(index)));
    walk.put("sxdp_queue_id", Value::Unsigned(u64::from(queue)));
    if flags & SHARED != 0 {
        walk.put("sxdp_shared_umem_fd", Value::Fd(fd.cast_signed()));
    } else if fd != 0 {
        walk.put("sxdp_shared_umem_fd", Value::Hex(u64::from(fd)));
    }
    Some(())
}

/// `struct sockaddr_alg` (linux/if_alg.h), whose name is as long as the address says; its last byte is the NUL's place.
fn put_alg(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    let head = structs::SOCKADDR_ALG_HEAD.size(walk.abi());
    if seen.len() <= head {
        return None;
    }
    put_flat(walk, seen, &structs::SOCKADDR_ALG_HEAD)?;
    let part = seen.part(head, seen.len() - head);
    let end = memchr::memchr(0, walk.bytes(&part));
    let name = end.map_or_else(|| part.part(0, part.len() - 1).cut(), |end| part.part(0, end));
    walk.put("salg_name", Value::Str(name));
    Some(())
}

/// `struct sockaddr_ieee802154` (the kernel's net/af_ieee802154.h): a network, and an address of 2 or 8 bytes.
fn put_ieee802154(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    const NONE: u32 = 0;
    const SHORT: u32 = 2;
    const SIZE: usize = 20;
    if seen.len() < SIZE {
        return None;
    }
    let (kind, network) = (walk.u32_at(seen, 4)?, short(walk, seen, 8)?);
    walk.open_struct("addr");
    walk.put("addr_type", Value::Constant(&sets::IEEE802154_ADDRESS, u64::from(kind)));
    walk.put("pan_id", Value::Constant(&sets::IEEE802154_NETWORK, u64::from(network)));
    match kind {
        NONE => {}
        SHORT => {
            let address = short(walk, seen, 10).unwrap_or(0);
            walk.put("short_addr", Value::Constant(&sets::IEEE802154_SHORT_ADDRESS, u64::from(address)));
        }
        _ => walk.put("hwaddr", Value::Hardware(seen.part(10, 8))),
    }
    walk.close();
    Some(())
}

/// `struct sockaddr_rxrpc` (linux/rxrpc.h): a service, and the address of a socket of another family.
fn put_rxrpc(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    const TRANSPORT: usize = 8;
    const SIZE: usize = 36;
    if seen.len() < SIZE {
        return None;
    }
    let (service, kind, len) = (short(walk, seen, 2)?, short(walk, seen, 4)?, short(walk, seen, 6)?);
    let family = short(walk, seen, TRANSPORT)?;
    walk.put("srx_service", Value::Constant(&sets::RXRPC_SERVICE, u64::from(service)));
    walk.put("transport_type", Value::Constant(&sets::SOCKET_KIND, u64::from(kind)));
    walk.put("transport_len", Value::Unsigned(u64::from(len)));
    let part = seen.part(TRANSPORT, usize::from(len).min(SIZE - TRANSPORT));
    walk.open_struct("transport");
    let (member, name) = match family {
        AF_INET => ("sin", "sin_family"),
        AF_INET6 => ("sin6", "sin6_family"),
        _ => ("", "family"),
    };
    if !member.is_empty() {
        walk.open_struct(member);
    }
    walk.put(name, Value::Constant(&sets::SOCKET_DOMAIN, u64::from(family)));
    let told = match family {
        AF_INET if part.len() >= 16 => put_inet(walk, &part),
        AF_INET6 if part.len() >= 24 => put_inet6(walk, &part),
        _ => None,
    };
    if told.is_none() && part.len() > 2 {
        walk.put("", Value::Bytes(part.part(2, part.len() - 2)));
    }
    if !member.is_empty() {
        walk.close();
    }
    walk.close();
    Some(())
}
