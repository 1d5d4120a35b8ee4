//! Event to keep, drop or alert: the filters of the command line, and Falco's rules.
//!
//! `lang` is the language of conditions, `fields` what they can ask of an event, `load` rule files. Nothing here does
//! I/O but the loading of named files, and nothing prints.

mod alert;
pub mod fields;
pub mod format;
mod keep;
pub mod lang;
pub mod load;
mod priority;
mod touching;
mod watch;

pub use alert::Heard;
pub use keep::Keep;
pub use priority::Priority;
pub use watch::{Asked, Fired, Form, Seen, Watch, calls};
