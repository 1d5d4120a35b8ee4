//! Whole numbers in as few bytes as their size needs: seven bits a byte, the lowest first, the top bit says that more
//! follow (LEB128). Signed ones are folded first, so that small negative numbers are short too.

/// Appends `number`.
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a signed number: 0, -1, 1, -2 become 0, 1, 2, 3.
pub(super) fn put_signed(number: i64, out: &mut Vec<u8>) {
    put((number << 1 ^ number >> 63).cast_unsigned(), out);
}

/// Takes a number from the front of `bytes`; `None` when there is none of at most 64 bits.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if i == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * i);
        if byte & 0x80 == 0 {
            *bytes = bytes.get(i + 1..)?;
            return Some(number);
        }
    }
    None
}

/// Takes a signed number.
pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = take(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_small_ones_are_short() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            put_signed(number.cast_signed(), &mut bytes);
            let mut left = &bytes[..];
            assert_eq!((take(&mut left), take_signed(&mut left)), (Some(number), Some(number.cast_signed())));
            assert!(left.is_empty());
        }
        for number in [0, -1, 63, -64] {
            let mut bytes = Vec::new();
            put_signed(number, &mut bytes);
            assert_eq!(bytes.len(), 1, "{number}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [&[][..], &[0x80], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
            assert_eq!(take(&mut &*bad), None, "{bad:?}");
        }
    }
}
