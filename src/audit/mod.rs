//! What a build did, as facts: folded from the events, judged, and put into a plain model that reports are written from.
//!
//! Nothing here traces, prints or draws a report.

pub mod dns;
mod findings;
pub mod fold;
pub mod limits;
pub mod model;
pub mod policy;
pub mod redact;
pub mod text;
pub mod tools;

pub use findings::{Said, add_later};
