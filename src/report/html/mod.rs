//! The audit as one page that needs nothing else: markup, style, script and the facts as JSON.
//!
//! The facts are the only part that a build can influence. They stand in a block that is not run, without any `<`, and
//! the script puts them into the page as text alone; the page's policy lets nothing run but the script below, known by
//! its digest, and nothing be loaded or sent.

use super::Options;
use crate::audit::model::Audit;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: [&str; 3] = [include_str!("list.js"), include_str!("views.js"), include_str!("page.js")];

/// Writes `report.html`.
pub(super) fn write(audit: &Audit, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let script = SCRIPT.concat();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("@@") {
        let (name, after) = after.split_once("@@").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match name {
            "STYLE_DIGEST" => out.write_all(base64(&Sha256::digest(STYLE)).as_bytes())?,
            "SCRIPT_DIGEST" => out.write_all(base64(&Sha256::digest(&script)).as_bytes())?,
            "STYLE" => out.write_all(STYLE.as_bytes())?,
            "SCRIPT" => out.write_all(script.as_bytes())?,
            "FACTS" => serde_json::to_writer(Inert(out), audit)?,
            _ => {}
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// Writes JSON without the character that could end the block it stands in; in JSON it stands only within strings.
struct Inert<'a>(&'a mut dyn Write);

impl Write for Inert<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for (place, part) in bytes.split(|byte| *byte == b'<').enumerate() {
            if place > 0 {
                self.0.write_all(b"\\u003c")?;
            }
            self.0.write_all(part)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Options, sample};
    use super::{base64, write};
    use crate::audit::model::Audit;

    fn page(audit: &Audit) -> String {
        let mut out = Vec::new();
        write(audit, &Options::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_name_leaves_the_block_of_facts_and_none_is_lost() {
        let audit = sample::hostile();
        let page = page(&audit);
        let (_, after) = page.split_once("<script type=\"application/json\" id=\"facts\">").unwrap();
        let (facts, _) = after.split_once('<').unwrap();
        assert_eq!(serde_json::from_str::<Audit>(facts).unwrap().files, audit.files);
        assert_eq!(page.matches("<script").count(), 2);
        let own = page.replacen(facts, "", 1);
        assert!(!own.contains("@@") && !own.contains("://"), "nothing is loaded from elsewhere");
    }

    #[test]
    fn the_script_makes_no_markup_of_text() {
        let script = super::SCRIPT.concat();
        for bad in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "fetch("] {
            assert!(!script.contains(bad), "{bad}");
        }
        assert!(!script.contains("</") && !super::STYLE.contains("</"));
    }

    #[test]
    fn digests_are_in_base64() {
        let vectors = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        vectors.iter().for_each(|(plain, coded)| assert_eq!(base64(plain.as_bytes()), *coded));
    }

    /// Pages to look at: `SMTRACE_WRITE_SAMPLES=DIR cargo test --lib report::html`, as `benches/reports.sh` does.
    #[test]
    fn samples_are_written_where_asked() {
        let Some(dir) = std::env::var_os("SMTRACE_WRITE_SAMPLES").map(std::path::PathBuf::from) else { return };
        for (name, audit) in [("hostile", sample::hostile()), ("large", sample::large(100_000))] {
            super::super::write_all(&audit, &dir.join(name), &Options::default()).unwrap();
        }
    }
}
