//! What a build may do, as a file that people review: `exec`, `read`, `write`, `delete`, `connect`, `listen` and `dns`,
//! by patterns, with reasons.
//!
//! What a policy does not allow is a finding, and with `--enforce` does not happen. `deny` wins over every `allow`. Nothing
//! here looks at the machine.

mod check;
mod enforce;
mod hermetic;
mod learn;
mod patch;

pub use check::{Outside, Sort, check};
pub use enforce::{Action, BySort, Enforce, Program, Question, Rules};
pub use hermetic::{Declared, hermetic};
pub use learn::learn;

use serde::Deserialize;

/// The version of the file format.
pub const VERSION: u32 = 1;

/// The largest policy file, in bytes.
pub const LARGEST: usize = 8 << 20;

/// A struct with the lists of what may be done. serde cannot refuse unknown fields of what it flattens, so that the lists
/// stand in each struct that has them.
macro_rules! with_lists {
    ($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$meta])* pub $field: $type,)*
            /// Programs that may be executed.
            #[serde(default)]
            pub exec: Vec<Entry>,
            /// Files that may be read and directories that may be listed.
            #[serde(default)]
            pub read: Vec<Entry>,
            /// Files that may be written, made, and changed in mode or owner.
            #[serde(default)]
            pub write: Vec<Entry>,
            /// Files that may be removed or renamed.
            #[serde(default)]
            pub delete: Vec<Entry>,
            /// Where connections and messages may go: `host:port`, `1.2.3.4:443`, `[::1]:80`, `unix:/path`.
            #[serde(default)]
            pub connect: Vec<Entry>,
            /// Where connections may be waited for, as `connect`.
            #[serde(default)]
            pub listen: Vec<Entry>,
            /// Names that may be asked for.
            #[serde(default)]
            pub dns: Vec<Entry>,
        }

        impl From<&$name> for Allowed {
            fn from(lists: &$name) -> Allowed {
                Allowed {
                    exec: lists.exec.clone(),
                    read: lists.read.clone(),
                    write: lists.write.clone(),
                    delete: lists.delete.clone(),
                    connect: lists.connect.clone(),
                    listen: lists.listen.clone(),
                    dns: lists.dns.clone(),
                }
            }
        }
    };
}

with_lists! {
    /// A policy as its file says it. Its own lists are what any process of the build may do.
    Policy {
        /// The version of the format: 1.
        version: u32,
        /// With `--enforce`: what is done about what is not allowed; EPERM when nothing is said.
        #[serde(default)]
        enforce: Option<Enforce>,
        /// What none may do, whatever allows it.
        #[serde(default)]
        deny: Allowed,
        /// What the processes of some programs may do besides.
        #[serde(default)]
        commands: Vec<Section>,
    }
}

with_lists! {
    /// Patterns by what they are about.
    Allowed {}
}

with_lists! {
    /// What one program may do.
    Section {
        /// A pattern of the program's path, or of the script's.
        command: String,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
        /// As the policy's `enforce`, for what this program does.
        #[serde(default)]
        enforce: Option<Enforce>,
        /// What it may not do.
        #[serde(default)]
        deny: Allowed,
    }
}

/// A pattern: alone, or with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Entry {
    /// The pattern alone. `*` and `?` match within a directory, `**` through directories, `[ab]` and `{a,b}` one of.
    /// `${WORKSPACE}`, `${HOME}` and `${TMPDIR}` stand for directories of the run.
    Pattern(String),
    /// The pattern with more.
    Full(Full),
}

/// A pattern with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Full {
    /// The pattern.
    pub path: String,
    /// For `exec`: the digests that the file may have, one of them.
    #[serde(default)]
    pub sha256: Vec<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// In `deny`: what is done about it with `--enforce`.
    #[serde(default)]
    pub enforce: Option<Action>,
}

impl Entry {
    fn pattern(&self) -> &str {
        match self {
            Entry::Pattern(pattern) => pattern,
            Entry::Full(full) => &full.path,
        }
    }

    fn digests(&self) -> &[String] {
        match self {
            Entry::Pattern(_) => &[],
            Entry::Full(full) => &full.sha256,
        }
    }

    fn enforce(&self) -> Option<Action> {
        match self {
            Entry::Pattern(_) => None,
            Entry::Full(full) => full.enforce,
        }
    }
}

/// Reads a policy.
///
/// # Errors
/// What is wrong with it, with its place.
pub fn read(text: &str) -> Result<Policy, String> {
    if text.len() > LARGEST {
        return Err("it is larger than 8 MiB".to_owned());
    }
    let policy: Policy = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    if policy.version != VERSION {
        return Err(format!("it is of version {}, and this smtrace reads version {VERSION}", policy.version));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests;
