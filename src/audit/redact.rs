//! Secrets in the audit's own words, as strings: [`crate::decode::secrets`] says what one is.

use crate::decode::secrets::{self, Words};

/// `word` without the secrets in it.
#[must_use]
pub fn word(word: &str) -> String {
    String::from_utf8_lossy(&secrets::word(word.as_bytes())).into_owned()
}

/// A command line without the secrets in it.
pub fn argv(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut line = Words::default();
    words.map(|given| String::from_utf8_lossy(&line.hide(given.as_bytes())).into_owned()).collect()
}
