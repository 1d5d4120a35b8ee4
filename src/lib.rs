//! smtrace: trace and audit what programs ask of the Linux kernel, without loading anything into it.
//!
//! Data moves forward, once, through the folders of `src/` in the order below; a folder uses only folders before it
//! (`tests/architecture.rs` holds that). `run` is the one place that knows them all.

pub mod model;
pub mod sys;
pub mod arch;
pub mod table;
pub mod decode;
pub mod options;
pub mod filter;
pub mod engine;
pub mod capture;
pub mod bus;
pub mod state;
pub mod store;
pub mod event;
pub mod scap;
pub mod rules;
pub mod audit;
pub mod enforce;
pub mod report;
pub mod sink;
pub mod diff;
pub mod control;
pub mod auditing;
pub mod alerts;
pub mod compare;
pub mod doctor;
pub mod keep;
pub mod launch;
pub mod list;
pub mod output;
pub mod pipeline;
pub mod places;
pub mod reader;
pub mod replay;
pub mod say;
pub mod story;
pub mod stream;
pub mod watching;
pub mod run;
