//! One question with reasons: did the build use anything that was not declared?

use super::check::compile;
use crate::audit::model::{Access, Audit, Family, Hermetic, NetworkAct, Reason, Use};
use crate::audit::text::within;
use crate::model::Places;

/// What is declared.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Patterns of further inputs.
    pub inputs: Vec<String>,
    /// The names of the variables that the build was started with.
    pub variables: Vec<String>,
}

/// Where toolchains are; what they hold is declared by the image that the build runs in.
const TOOLS: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store"];

/// Files that the C library reads for every program.
const LIBRARY: &[&str] =
    &["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/nsswitch.conf", "/etc/locale.alias"];

/// Variables that every build has.
const VARIABLES: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "PWD",
    "OLDPWD",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "SHLVL",
    "TMPDIR",
    "TZ",
    "_",
    "SOURCE_DATE_EPOCH",
    "HOSTNAME",
];

/// The kinds of reasons, in the order in which they are told.
const KINDS: [&str; 5] = ["network", "file", "time", "randomness", "environment"];

/// Answers the question.
///
/// # Errors
/// What is wrong with a pattern.
pub fn hermetic(facts: &Audit, declared: &Declared, places: &Places) -> Result<Hermetic, String> {
    let mut patterns = Vec::new();
    for input in &declared.inputs {
        patterns.push(compile(input, places).map_err(|error| format!("--input `{input}`: {error}"))?);
    }
    let mut reasons = Vec::new();
    let mut reason = |kind: &str, detail: String, used: &Use| {
        reasons.push(Reason { kind: kind.to_owned(), detail, used: used.clone() });
    };
    for peer in facts.peers.iter().filter(|peer| !matches!(peer.family, Family::Netlink)) {
        let unnamed = peer.family == Family::Unix
            && (peer.address.is_empty() || within(peer.address.as_bytes(), places.tmpdir.as_bytes()));
        let acts = [NetworkAct::Connect, NetworkAct::Send, NetworkAct::Accept];
        if let Some(used) = acts.iter().find_map(|act| peer.uses.get(act)).filter(|_| !unnamed) {
            let port = peer.port.map_or_else(String::new, |port| format!(":{port}"));
            reason("network", format!("{}{port}", peer.address), used);
        }
    }
    for name in &facts.dns {
        reason("network", format!("the name {}", name.name), &name.used);
    }
    for file in &facts.files {
        let path = file.path.as_bytes();
        if matches!(file.path.as_str(), "/dev/urandom" | "/dev/random") {
            if let Some(used) = file.uses.get(&Access::Read) {
                reason("randomness", file.path.clone(), used);
            }
            continue;
        }
        // What the build made itself is no input.
        let made = file.uses.contains_key(&Access::Created) || file.uses.contains_key(&Access::Written);
        let own = [&places.workspace, &places.tmpdir].iter().any(|dir| within(path, dir.as_bytes()));
        let known = TOOLS.iter().chain(&["/proc", "/dev", "/sys"]).any(|dir| within(path, dir.as_bytes()));
        let library = LIBRARY.contains(&file.path.as_str()) || file.path.starts_with("/etc/ld.so.conf.d");
        if made || own || known || library || patterns.iter().any(|pattern| pattern.is_match(&file.path)) {
            continue;
        }
        if let Some(used) = file.uses.get(&Access::Read).or_else(|| file.uses.get(&Access::Executed)) {
            reason("file", file.path.clone(), used);
        }
    }
    for name in &declared.variables {
        if !VARIABLES.contains(&name.as_str()) && !name.starts_with("LC_") {
            reason("environment", name.clone(), &Use::default());
        }
    }
    reasons.extend(facts.clocks.iter().cloned());
    // What changes a build most, first.
    let rank = |reason: &Reason| KINDS.iter().position(|kind| *kind == reason.kind);
    reasons.sort_by(|a, b| (rank(a), &a.detail).cmp(&(rank(b), &b.detail)));
    let unseen = [
        "the time of day, where it is read through the vDSO",
        "random numbers of the processor (RDRAND), and the eight bytes that the C library takes for every heap and temporary name",
        "which of the environment's variables are read",
        "stat(2) and readlink(2) of files outside",
    ];
    Ok(Hermetic { hermetic: reasons.is_empty(), reasons, unseen: unseen.iter().map(|&line| line.to_owned()).collect() })
}
