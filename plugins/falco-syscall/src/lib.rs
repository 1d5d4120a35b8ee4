//! The plugin of Falco for its own rules: the raw events of libscap, made from the records of a live or recorded smtrace.
//!
//! Its id is 0 and its source has no name: that is how a plugin stands in for Falco's driver (`engine.kind: nodriver`).
//! A library can export one plugin only, so this is a library beside that of the source `linux_ebpf`.

mod export;
mod source;

pub use export::Smtrace;
