//! The directories of a run that rules and policies name.

use serde::{Deserialize, Serialize};

/// The directories of a run that rules and policies name: paths without links, empty where one is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Places {
    /// `${WORKSPACE}`: the directory that counts as the build's own.
    pub workspace: String,
    /// `${HOME}`
    pub home: String,
    /// `${TMPDIR}`
    pub tmpdir: String,
}

impl Places {
    /// Each directory after the variable that patterns name it by.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &str); 3] {
        [("${WORKSPACE}", &self.workspace), ("${HOME}", &self.home), ("${TMPDIR}", &self.tmpdir)]
    }
}
