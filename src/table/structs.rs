//! Flat C structures: which fields lie where, by ABI, and when each is shown.
//!
//! All data comes from `syscalls-table/structs/` through `build/structs.rs`, which has checked it and computed the
//! layouts; this file only finds a structure and takes a field's word out of bytes. It must not say how a word is shown.
//! What is not flat (unions, pointers that are followed, lengths elsewhere) is a [`Shape`]: a name only, decoded by hand.

use std::fmt;

use super::Kind;
use super::sets::{self, Set};
use crate::model::Abi;

/// A flat C structure.
pub struct Struct {
    /// The name in the data files.
    pub name: &'static str,
    /// By ABI.
    sizes: [u16; 5],
    /// By ABI, in the order in which they are shown.
    fields: [&'static [Field]; 5],
}

impl Struct {
    /// Its size in bytes, with the padding at its end.
    #[must_use]
    pub fn size(&self, abi: Abi) -> usize {
        usize::from(self.sizes[abi as usize])
    }

    /// The fields in the order in which they are shown, hidden ones too.
    #[must_use]
    pub fn fields(&self, abi: Abi) -> &'static [Field] {
        self.fields[abi as usize]
    }

    /// The one field of what is no structure in C but a plain number, or an array of something: `int`, `fd_pair`,
    /// `timespec_pair`. It is shown without braces and name: `[5]`, `[3, 4]`.
    #[must_use]
    pub fn plain(&self, abi: Abi) -> Option<&'static Field> {
        match self.fields(abi) {
            [field] if field.name.is_empty() => Some(field),
            _ => None,
        }
    }
}

impl PartialEq for Struct {
    fn eq(&self, other: &Struct) -> bool {
        self.name == other.name
    }
}

impl Eq for Struct {}

impl fmt::Debug for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A field of a structure.
#[derive(Debug)]
pub struct Field {
    /// The name in the C header; empty in [`Struct::plain`].
    pub name: &'static str,
    /// By ABI.
    offsets: [u16; 5],
    /// By ABI.
    widths: [u16; 5],
    /// The bits of its word that it has, when not all.
    bits: Option<Bits>,
    /// Its C type is signed, and it is no pattern of bits (`hex`, `flags`).
    pub signed: bool,
    /// What it holds.
    pub what: What,
    /// How many elements an array has; 1 for what is no array.
    pub count: u16,
    /// It is an array, maybe of one element.
    pub array: bool,
    /// When it is shown.
    pub show: Show,
}

/// A bit field's place in its word.
#[derive(Clone, Copy, Debug)]
struct Bits {
    shift: u8,
    len: u8,
}

impl Field {
    /// Where it begins in its structure, in bytes.
    #[must_use]
    pub fn offset(&self, abi: Abi) -> usize {
        usize::from(self.offsets[abi as usize])
    }

    /// The size of one element in bytes.
    #[must_use]
    pub fn width(&self, abi: Abi) -> usize {
        usize::from(self.widths[abi as usize])
    }

    /// It is some bits of its word.
    #[must_use]
    pub fn is_bits(&self) -> bool {
        self.bits.is_some()
    }

    /// Where it ends in its structure. A structure of a smaller size lacks the field.
    #[must_use]
    pub fn end(&self, abi: Abi) -> usize {
        self.offset(abi) + self.width(abi) * usize::from(self.count)
    }

    /// The bytes of element `index` in the structure's `bytes`; `None` beyond the end of either.
    #[must_use]
    pub fn element<'a>(&self, bytes: &'a [u8], abi: Abi, index: usize) -> Option<&'a [u8]> {
        if index >= usize::from(self.count) {
            return None;
        }
        let start = self.offset(abi) + self.width(abi) * index;
        bytes.get(start..start + self.width(abi))
    }

    /// The bytes of the whole field, as far as `bytes` has them.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8], abi: Abi) -> &'a [u8] {
        bytes.get(self.offset(abi)..self.end(abi).min(bytes.len())).unwrap_or_default()
    }

    /// The number that element `index` holds, sign-extended when the field is signed; `None` when `bytes` ends before it,
    /// or it is no number.
    ///
    /// It is whole, so that its [`Kind`] says how it is shown, and no longer how wide it is.
    #[must_use]
    pub fn word(&self, bytes: &[u8], abi: Abi, index: usize) -> Option<u64> {
        let element = self.element(bytes, abi, index)?;
        let mut whole = [0; 8];
        whole.get_mut(..element.len())?.copy_from_slice(element);
        let word = u64::from_le_bytes(whole);
        let (shift, len) = match self.bits {
            Some(bits) => (u32::from(bits.shift), u32::from(bits.len)),
            None => (0, u32::try_from(element.len() * 8).ok()?),
        };
        // To the top of the word, and back down with the sign or with zeros.
        let high = word.checked_shl(64_u32.checked_sub(shift + len)?)?;
        let down = 64 - len;
        Some(if self.signed { (high.cast_signed() >> down).cast_unsigned() } else { high >> down })
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A number, shown as the kind says.
    Word(Kind),
    /// Text that ends at a NUL or with the field.
    Text,
    /// Bytes without a meaning of their own.
    Bytes,
    /// A number in network order, shown as the kind says.
    Big(Kind),
    /// An array of numbers whose places have names.
    Places(&'static Set, Kind),
    /// A hardware address.
    Hardware,
    /// Bytes that nobody means as text.
    Raw,
    /// A port: 2 bytes, the high one first.
    Port,
    /// An IPv4 address: 4 bytes as they are sent.
    Inet,
    /// An IPv6 address: 16 bytes as they are sent.
    Inet6,
    /// A structure, inside.
    Nested(&'static Struct),
}

/// When a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Always.
    Always,
    /// When nothing is to be abbreviated; else `...` stands at the end for all such fields.
    Verbose,
    /// When it is not 0.
    NonZero,
    /// Once the call returned: what the kernel answers, and nothing in what a program gives.
    Answer,
    /// Never: padding, or what another field says already.
    Hidden,
}

/// What lies behind the address of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// Fields at fixed places.
    Flat(&'static Struct),
    /// What needs code.
    Shape(Shape),
}

impl Thing {
    /// The name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Thing::Flat(flat) => flat.name,
            Thing::Shape(shape) => shape.name(),
        }
    }
}

/// A structure that is not flat. [`shapes`] has them by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape(u16);

impl Shape {
    /// The name in `syscalls-table/shapes.txt`.
    #[must_use]
    pub fn name(self) -> &'static str {
        SHAPES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// The place among all shapes.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// All shapes, by name.
    pub fn all() -> impl Iterator<Item = Shape> {
        (0..).zip(&SHAPES).map(|(index, _)| Shape(index))
    }
}

include!(concat!(env!("OUT_DIR"), "/structs.rs"));

/// The structure with exactly this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Struct> {
    let at = BY_NAME.binary_search_by_key(&name, |one| one.name).ok()?;
    BY_NAME.get(at).copied()
}

/// All structures, by name.
#[must_use]
pub fn all() -> &'static [&'static Struct] {
    &BY_NAME
}

#[cfg(test)]
mod tests {
    use super::{
        EPOLL_EVENT, FD_PAIR, FLOCK64, SEMBUF, SHAPES, STAT_LAYOUT, Shape, Show, Struct, TIMESPEC, USER_DESC, UTSNAME,
        What, all, by_name, shapes,
    };
    use crate::model::Abi;
    use crate::table::Kind;

    fn field(one: &Struct, name: &str, abi: Abi) -> &'static super::Field {
        one.fields(abi).iter().find(|field| field.name == name).unwrap()
    }

    #[test]
    fn every_structure_and_shape_is_found_by_its_name() {
        assert!(all().len() > 60);
        for one in all() {
            assert_eq!(by_name(one.name), Some(*one));
            for abi in Abi::ALL {
                assert!(one.fields(abi).iter().all(|field| field.end(abi) <= one.size(abi)), "{one:?}");
            }
        }
        assert_eq!(by_name("nonesuch"), None);
        assert_eq!(shapes::SOCKADDR.name(), "sockaddr");
        assert_eq!(Shape::all().count(), SHAPES.len());
        assert!(Shape::all().all(|shape| by_name(shape.name()).is_none()));
    }

    #[test]
    fn a_long_has_the_abis_size() {
        assert_eq!(Abi::ALL.map(|abi| TIMESPEC.size(abi)), [16, 8, 16, 16, 16]);
        assert_eq!(Abi::ALL.map(|abi| STAT_LAYOUT.size(abi)), [144, 64, 144, 128, 128]);
        assert_eq!(Abi::ALL.map(|abi| FLOCK64.size(abi)), [32, 24, 32, 32, 32]);
        assert_eq!(Abi::ALL.map(|abi| EPOLL_EVENT.size(abi)), [12, 12, 12, 16, 16]);
    }

    #[test]
    fn a_word_has_its_sign() {
        let nsec = field(&TIMESPEC, "tv_nsec", Abi::I386);
        let bytes = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(nsec.word(&bytes, Abi::I386, 0), Some(0xffff_ffff));
        assert_eq!(nsec.word(&bytes[..7], Abi::I386, 0), None);
        assert_eq!(nsec.word(&bytes, Abi::I386, 1), None);
        assert_eq!(nsec.word(&bytes, Abi::X86_64, 0), None);
        assert_eq!(field(&TIMESPEC, "tv_sec", Abi::X86_64).word(&bytes, Abi::X86_64, 0), Some(0xffff_ffff_0000_0000));
        let bytes = [0xfe, 0xff, 0xff, 0xff, 0x01, 0x80];
        assert_eq!(field(&SEMBUF, "sem_num", Abi::X86_64).word(&bytes, Abi::X86_64, 0), Some(0xfffe));
        assert_eq!(field(&SEMBUF, "sem_op", Abi::X86_64).word(&bytes, Abi::X86_64, 0), Some(u64::MAX));
    }

    #[test]
    fn bits_are_taken_out_of_their_word() {
        let mut bytes = [0; 16];
        bytes[12] = 0b0101_0101;
        let bit = |name| field(&USER_DESC, name, Abi::X86_64).word(&bytes, Abi::X86_64, 0);
        let names = ["seg_32bit", "contents", "read_exec_only", "limit_in_pages", "seg_not_present", "useable", "lm"];
        assert_eq!(names.map(bit), [1, 2, 0, 1, 0, 1, 0].map(Some));
    }

    #[test]
    fn a_plain_number_has_no_name() {
        let pair = FD_PAIR.plain(Abi::X86_64).unwrap();
        assert_eq!((pair.count, pair.array, pair.what), (2, true, What::Word(Kind::Fd)));
        assert_eq!(pair.word(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], Abi::X86_64, 1), Some(u64::MAX));
        assert!(TIMESPEC.plain(Abi::X86_64).is_none());
    }

    #[test]
    fn text_is_bytes_as_far_as_they_go() {
        let node = field(&UTSNAME, "nodename", Abi::X86_64);
        assert_eq!((node.what, node.show, node.width(Abi::X86_64), node.count), (What::Text, Show::Always, 1, 65));
        assert_eq!(node.bytes(&[b'x'; 70], Abi::X86_64), b"xxxxx");
        assert_eq!(node.bytes(&[b'x'; 60], Abi::X86_64), b"");
        assert_eq!(node.word(&[0; 390], Abi::X86_64, 0), Some(0));
    }
}
