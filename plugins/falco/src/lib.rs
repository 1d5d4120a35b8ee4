//! The plugin of Falco for events of smtrace: source `linux_ebpf`, fields `linux.*`, as the family's eBPF plugin has them.
//!
//! An event is the line that `--format json` writes. Nothing here decodes a call or checks a configuration: the tracer's
//! own code does, so that both say the same. `docs/falco.md` has how to install it.

mod export;
mod fields;
mod source;

pub use export::Smtrace;
pub use fields::{Event, FdWhich, Which};
