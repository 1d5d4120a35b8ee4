//! Names that are asked for because of what they say to the server that answers: data that leaves in questions.
//!
//! One name may be long enough to tell; many short ones below one domain tell together.

use super::{Fold, Said};
use crate::audit::limits::{self, Mark};
use crate::audit::model::{Level, Source};
use rustc_hash::{FxHashMap, FxHashSet};

/// A label, or a name, of so many letters carries data.
const LONG_LABEL: usize = 40;
const LONG_NAME: usize = 100;

/// The shortest label that may be a piece of encoded data.
const PIECE: usize = 10;

/// So many different names with such a label, below one domain, carry data together.
const PIECES: usize = 12;

/// The names with a piece of data, by domain.
#[derive(Debug, Default)]
pub(super) struct Pieces(FxHashMap<String, FxHashSet<String>>);

impl Pieces {
    /// Notes a name below `domain`; whether now there are enough of them, which is said once.
    fn add(&mut self, domain: &str, name: &str) -> bool {
        let below = name.strip_suffix(domain).unwrap_or("");
        if !below.split('.').any(is_encoded) || (self.0.len() >= limits::NAMES && !self.0.contains_key(domain)) {
            return false;
        }
        let names = self.0.entry(domain.to_owned()).or_default();
        names.len() < PIECES && names.insert(name.to_owned()) && names.len() == PIECES
    }
}

/// Whether a label looks like bytes in hexadecimal or base32: letters and digits change places as in no word.
fn is_encoded(label: &str) -> bool {
    let bytes = label.as_bytes();
    let plain = bytes.iter().all(u8::is_ascii_alphanumeric);
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let changes = bytes.windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    // Text in hexadecimal has more digits than letters: its letters are 0x61 to 0x7a.
    let hexadecimal = bytes.iter().all(u8::is_ascii_hexdigit) && digits * 2 >= bytes.len();
    plain && bytes.len() >= PIECE && (hexadecimal || (digits * 8 >= bytes.len() && changes * 4 >= bytes.len()))
}

impl Fold {
    /// A name was asked for: does it carry data?
    pub(super) fn asked(&mut self, name: &str, by: Mark) {
        self.name_asked(name, by);
        let labels: Vec<&str> = name.rsplit('.').take(2).collect();
        let domain = labels.into_iter().rev().collect::<Vec<_>>().join(".");
        if name.split('.').any(|label| label.len() >= LONG_LABEL) || name.len() >= LONG_NAME {
            let message = format!("a name of {} letters was asked for below {domain}", name.len());
            return self.carried(message, name, domain, by);
        }
        if self.pieces.add(&domain, name) {
            let message = format!("{PIECES} different names that look like encoded data were asked for below {domain}");
            self.carried(message, name, domain, by);
        }
    }

    fn carried(&mut self, message: String, name: &str, domain: String, by: Mark) {
        let said = Said {
            rule: "dns-exfiltration".to_owned(),
            about: "Names are asked for that carry data".to_owned(),
            source: Source::Detector,
            level: Level::Error,
            message,
            subject: Some(domain),
            evidence: vec![format!("asked for {name}")],
            ..Said::default()
        };
        self.say(said, Some(by));
    }
}

#[cfg(test)]
mod tests {
    use super::{Pieces, is_encoded};

    #[test]
    fn encoded_data_is_no_word() {
        for label in ["706174683d2f7573", "72756e6e65727c2f77", "mfrgg2lthe4tcnzv", "4a6f686e446f65"] {
            assert!(is_encoded(label), "{label}");
        }
        for label in
            ["registry-1", "productionresultssa16", "objects", "cloudfront", "us-east-1", "deadbeefcafe", "ftp2024"]
        {
            assert!(!is_encoded(label), "{label}");
        }
    }

    #[test]
    fn many_pieces_are_said_once() {
        let mut pieces = Pieces::default();
        let name = |n: usize| format!("{:018x}.x7f.example", 0x7061_7468_3d2f_0000_u64 + n as u64);
        let said = (0..40).filter(|n| pieces.add("x7f.example", &name(*n))).count();
        assert_eq!(said, 1);
        assert!((0..40).all(|_| !pieces.add("b.example", "706174683d2f7573.b.example")), "one name, often");
    }
}
