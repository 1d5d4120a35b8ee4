//! Raw words and pieces of memory to named values, by the argument's kind. Pure: the same bytes always decode the same.
//!
//! Nothing here formats, and nothing here knows how a value was read.

pub mod errno;
mod value;

pub use value::{Argument, Arguments, Content, List, Raw, Text};
pub(crate) use value::{decode_call, decode_process};
