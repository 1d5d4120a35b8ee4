//! What a build did, as facts: folded from the events, judged, and put into a plain model that reports are written from.
//!
//! Nothing here traces, prints or draws a report.

pub mod model;
