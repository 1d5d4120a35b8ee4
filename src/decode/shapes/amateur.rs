//! Addresses of amateur radio, AX.25 (linux/ax25.h): call signs of stations, each letter shifted left by one bit, with a
//! number of the station behind; and the stations that a frame goes through.

use super::super::tree::{Seen, Value};
use super::super::walk::Walk;

/// `sizeof(ax25_address)`: six letters and a number.
const CALL: usize = 7;
/// `sizeof(struct sockaddr_ax25)`; behind it lie the stations between, at most so many (`AX25_MAX_DIGIS`).
const SIZE: usize = 16;
const MOST: usize = 8;

/// Says the fields of an address; `None` when it is too short.
pub(super) fn put(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    if seen.len() < SIZE {
        return None;
    }
    let count = walk.u32_at(seen, 12)?.cast_signed();
    let full = count != 0 || seen.len() > SIZE;
    if full {
        walk.open_struct("fsa_ax25");
    }
    put_call(walk, "sax25_call", &seen.part(2, CALL));
    walk.put("sax25_ndigis", Value::Signed(i64::from(count)));
    if !full {
        return Some(());
    }
    walk.close();
    let there = ((seen.len() - SIZE) / CALL).min(MOST);
    // A number below 0 is none.
    let wanted = usize::try_from(count).unwrap_or(0).min(MOST);
    if wanted > 0 {
        walk.open_list("fsa_digipeater");
        for at in 0..there.min(wanted) {
            put_call(walk, "", &seen.part(SIZE + at * CALL, CALL));
        }
        if wanted > there {
            walk.mark_more();
        }
        walk.close();
    }
    if seen.len() > SIZE + there * CALL {
        walk.mark_more();
    }
    Some(())
}

/// How a call sign can be shown.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    /// As it should be: capitals and digits, spaces at the end.
    Plain,
    /// Readable, but no radio would take it.
    Odd,
    /// Bytes.
    Unreadable,
}

fn sign_of(bytes: &[u8]) -> Sign {
    let (letters, number) = bytes.split_at(bytes.len().min(CALL - 1));
    let number = number.first().copied().unwrap_or(0);
    let shown = |byte: &u8| byte >> 1;
    if letters.iter().map(shown).any(|c| !(b' '..=0x7e).contains(&c) || matches!(c, b'*' | b'/')) {
        return Sign::Unreadable;
    }
    let blank = |byte: &u8| shown(byte) == b' ';
    let end = letters.iter().position(blank).unwrap_or(letters.len());
    let (name, padding) = letters.split_at(end);
    let proper = name.iter().map(shown).all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let whole = padding.iter().all(blank) && letters.iter().all(|byte| byte & 1 == 0) && number & !0x1e == 0;
    if proper && whole && (end > 0 || number == 0) { Sign::Plain } else { Sign::Odd }
}

fn put_call(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let mut bytes = [0; CALL];
    let read = walk.bytes(seen);
    if read.len() < CALL {
        return walk.put(name, Value::Binary(*seen));
    }
    bytes.copy_from_slice(read);
    let sign = sign_of(&bytes);
    let text: String = bytes[..CALL - 1].iter().map(|byte| char::from(byte >> 1)).collect();
    let (text, number) = (text.trim_end_matches(' '), bytes[CALL - 1] >> 1 & 0xf);
    let any = text.is_empty() && number == 0;
    if sign == Sign::Plain {
        return match any {
            true => walk.put_words(name, format_args!("*")),
            false => walk.put_words(name, format_args!("{text}-{number}")),
        };
    }
    walk.open_struct(name);
    match sign {
        Sign::Odd if any => walk.note(format_args!("*")),
        Sign::Odd => walk.note(format_args!("{text}-{number}")),
        _ => {}
    }
    walk.put("ax25_call", Value::Binary(*seen));
    walk.close();
}

#[cfg(test)]
mod tests {
    use super::{Sign, sign_of};

    fn sign(text: &[u8; 6], number: u8) -> Sign {
        let mut bytes = text.map(|byte| byte << 1).to_vec();
        bytes.push(number);
        sign_of(&bytes)
    }

    #[test]
    fn a_call_sign_has_capitals_digits_and_spaces_at_its_end() {
        assert!(sign(b"VALID ", 26) == Sign::Plain && sign(b"      ", 0) == Sign::Plain);
        assert!(sign(b"SPA CE", 0) == Sign::Odd && sign(b"small ", 18) == Sign::Odd && sign(b"OK    ", 1) == Sign::Odd);
        assert!(sign(b"      ", 4) == Sign::Odd && sign(b"A/B   ", 0) == Sign::Unreadable);
    }
}
