//! Events of a live or recorded smtrace for a consumer that lives in another program: the plugins of Falco.
//!
//! [`Params`] says what was asked for, [`Feed`] gives it. A feed never blocks longer than it is told to, holds a bounded
//! amount, and takes nothing of what it reads on trust.

mod config;
mod feed;
mod journal;
mod lines;
mod params;

pub use config::Config;
pub use feed::{Feed, Given};
pub use journal::Journal;
pub use lines::MAX_LINE;
pub use params::{Params, Place};
