//! `replay --info`: what a capture is, as one JSON object, from its description and its index.

use super::open;
use crate::model::{Abi, Replay};
use crate::store::{Description, Index, find_index};
use crate::table;
use serde::Serialize;
use std::fs::File;

/// The version of the object.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct Info<'a> {
    v: u8,
    complete: bool,
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    earliest_ns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_ns: Option<String>,
    description: &'a Description,
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    name: String,
    abi: Option<&'static str>,
    enters: u64,
    exits: u64,
    failed: u64,
}

/// The object with its newline.
///
/// # Errors
/// Why the file is no capture, as a line with its remedy.
pub(super) fn info(replay: &Replay) -> Result<String, String> {
    let mut reader = open(&replay.file, false)?;
    let description = reader.description().clone();
    let found = File::open(&replay.file).ok().and_then(|file| find_index(&file));
    let (index, records, complete) = match found {
        Some((index, records)) => {
            let there: u64 = index.entries.iter().map(|entry| entry.records).sum();
            (index, records, there == records)
        }
        // From a pipe, or without an end: all of it is read.
        None => {
            let mut index = Index::default();
            while let Some(part) = reader.part() {
                index.learn(&part);
            }
            let records = index.entries.iter().map(|entry| entry.records).sum();
            (index, records, !reader.missing().any())
        }
    };
    let mut calls: Vec<Call> = index
        .calls
        .iter()
        .map(|((abi, nr, sub), count)| {
            let abi = Abi::from_byte(*abi);
            let row = abi.and_then(|abi| table::numbered(abi, *nr, *sub));
            let name = row.map_or_else(|| format!("syscall_{nr}"), |row| row.name.to_owned());
            let (enters, exits, failed) = (count.enters, count.exits, count.failed);
            Call { name, abi: abi.map(Abi::name), enters, exits, failed }
        })
        .collect();
    calls.sort_by(|a, b| b.enters.cmp(&a.enters).then(a.name.cmp(&b.name)));
    let info = Info {
        v: VERSION,
        complete,
        records,
        earliest_ns: index.entries.iter().map(|entry| entry.earliest).min().map(|time| time.to_string()),
        latest_ns: index.entries.iter().map(|entry| entry.latest).max().map(|time| time.to_string()),
        description: &description,
        calls,
    };
    serde_json::to_string(&info).map(|text| text + "\n").map_err(|error| error.to_string())
}
