//! A policy as the answers to single questions, asked before something happens: may this program do that?
//!
//! `check` holds all facts of a run against a policy afterwards; here a process is the program it runs at that moment, not
//! all that it ran.

use super::check::{Patterns, Sort, compile};
use super::{Allowed, Policy};
use crate::decode::errno;
use crate::model::Places;
use globset::GlobMatcher;
use serde::Deserialize;

/// What is done about something that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String", extend("pattern" = "^(kill|E[A-Z0-9]+)$")))]
pub enum Action {
    /// The call fails with this error: its name, as `EPERM` or `ECONNREFUSED`.
    Errno(u16),
    /// `kill`: every process of the build is killed.
    Kill,
}

impl TryFrom<String> for Action {
    type Error = String;

    fn try_from(word: String) -> Result<Action, String> {
        match word.as_str() {
            "kill" => Ok(Action::Kill),
            name => errno::number(name)
                .map(Action::Errno)
                .ok_or_else(|| format!("enforce: `{name}` is neither `kill` nor the name of an error, as EPERM")),
        }
    }
}

/// What is done about what is not allowed: the same for all, or by what was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Enforce {
    /// `kill`, or the name of the error that the call fails with.
    All(Action),
    /// By what was tried.
    BySort(BySort),
}

/// What is done by what was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct BySort {
    /// About programs.
    pub exec: Option<Action>,
    /// About reading.
    pub read: Option<Action>,
    /// About writing.
    pub write: Option<Action>,
    /// About removing and renaming.
    pub delete: Option<Action>,
    /// About connections.
    pub connect: Option<Action>,
    /// About waiting for connections.
    pub listen: Option<Action>,
    /// About names.
    pub dns: Option<Action>,
}

impl Enforce {
    fn of(self, sort: Sort) -> Option<Action> {
        match self {
            Enforce::All(action) => Some(action),
            Enforce::BySort(by) => match sort {
                Sort::Exec => by.exec,
                Sort::Read => by.read,
                Sort::Write => by.write,
                Sort::Delete => by.delete,
                Sort::Connect => by.connect,
                Sort::Listen => by.listen,
                Sort::Dns => by.dns,
            },
        }
    }
}

/// Who wants to do something: the program that runs now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its file.
    pub exe: String,
    /// The script, where the file is only its interpreter.
    pub script: Option<String>,
}

/// Something that is about to be done.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What.
    pub sort: Sort,
    /// The names of what it is done to; one that is allowed is enough, one that is denied too.
    pub names: &'a [String],
    /// Its SHA-256, where it is known.
    pub digest: Option<&'a str>,
}

#[derive(Debug)]
struct Section {
    of: GlobMatcher,
    allow: Patterns,
    deny: Patterns,
    enforce: Option<Enforce>,
}

impl Section {
    fn is_of(&self, program: &Program) -> bool {
        self.of.is_match(&program.exe) || program.script.as_ref().is_some_and(|script| self.of.is_match(script))
    }
}

/// A policy, ready to answer.
#[derive(Debug)]
pub struct Rules {
    allow: Patterns,
    deny: Patterns,
    sections: Vec<Section>,
    enforce: Option<Enforce>,
}

impl Rules {
    /// Compiles a policy.
    ///
    /// # Errors
    /// What is wrong with a pattern.
    pub fn new(policy: &Policy, places: &Places) -> Result<Rules, String> {
        let mut sections = Vec::new();
        for section in &policy.commands {
            let of =
                compile(&section.command, places).map_err(|error| format!("command `{}`: {error}", section.command))?;
            let (allow, deny) =
                (Patterns::new(&Allowed::from(section), places)?, Patterns::new(&section.deny, places)?);
            sections.push(Section { of, allow, deny, enforce: section.enforce });
        }
        let (allow, deny) = (Patterns::new(&Allowed::from(policy), places)?, Patterns::new(&policy.deny, places)?);
        Ok(Rules { allow, deny, sections, enforce: policy.enforce })
    }

    /// Whether answers depend on the program that asks.
    #[must_use]
    pub fn have_sections(&self) -> bool {
        !self.sections.is_empty()
    }

    /// Whether answers depend on digests of programs.
    #[must_use]
    pub fn have_digests(&self) -> bool {
        let sections = self.sections.iter().flat_map(|section| [&section.allow, &section.deny]);
        [&self.allow, &self.deny].into_iter().chain(sections).any(Patterns::have_digests)
    }

    /// Nothing when it is allowed, else what is to be done about it.
    #[must_use]
    pub fn ask(&self, question: &Question<'_>, program: &Program) -> Option<Action> {
        let &Question { sort, names, digest } = question;
        let own = || self.sections.iter().filter(|section| section.is_of(program));
        let denied = own().map(|section| &section.deny).chain([&self.deny]);
        let denied = denied.filter_map(|patterns| patterns.find(sort, names, digest)).next();
        let allowed = || own().map(|section| &section.allow).chain([&self.allow]);
        if denied.is_none() && allowed().any(|patterns| patterns.find(sort, names, digest).is_some()) {
            return None;
        }
        Some(denied.and_then(|pattern| pattern.enforce).unwrap_or_else(|| self.action(sort, program)))
    }

    /// What is done about something of this sort that is not allowed.
    #[must_use]
    pub fn action(&self, sort: Sort, program: &Program) -> Action {
        let own = self.sections.iter().filter(|section| section.is_of(program)).filter_map(|section| section.enforce);
        own.chain(self.enforce).find_map(|enforce| enforce.of(sort)).unwrap_or(Action::Errno(EPERM))
    }
}

const EPERM: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::policy::read;

    fn rules(text: &str) -> Rules {
        let places = Places { workspace: "/w".to_owned(), home: "/h".to_owned(), tmpdir: "/tmp".to_owned() };
        Rules::new(&read(text).unwrap(), &places).unwrap()
    }

    fn ask(rules: &Rules, sort: Sort, name: &str, exe: &str) -> Option<Action> {
        let program = Program { exe: exe.to_owned(), script: None };
        rules.ask(&Question { sort, names: &[name.to_owned()], digest: None }, &program)
    }

    #[test]
    fn the_nearest_word_decides_what_is_done() {
        let rules = rules(
            "version: 1\nenforce: {connect: ECONNREFUSED}\nread: ['/w/**']\n\
             deny: {read: [{path: '/w/key', enforce: kill}, '/w/other']}\n\
             commands: [{command: /bin/curl, enforce: EACCES, connect: ['h:1']}]\n",
        );
        assert_eq!(ask(&rules, Sort::Read, "/w/a", "/bin/sh"), None);
        assert_eq!(ask(&rules, Sort::Read, "/w/key", "/bin/sh"), Some(Action::Kill));
        assert_eq!(ask(&rules, Sort::Read, "/w/other", "/bin/sh"), Some(Action::Errno(1)));
        assert_eq!(ask(&rules, Sort::Connect, "h:1", "/bin/sh"), Some(Action::Errno(111)));
        assert_eq!(ask(&rules, Sort::Connect, "h:1", "/bin/curl"), None);
        assert_eq!(ask(&rules, Sort::Connect, "h:2", "/bin/curl"), Some(Action::Errno(13)));
    }

    #[test]
    fn a_digest_that_is_asked_for_has_to_fit() {
        let rules = rules("version: 1\nexec: [{path: /bin/cc, sha256: [ab]}]\n");
        let names = ["/bin/cc".to_owned()];
        let with = |digest| rules.ask(&Question { sort: Sort::Exec, names: &names, digest }, &Program::default());
        assert!(rules.have_digests() && !rules.have_sections());
        assert_eq!(
            (with(Some("ab")), with(Some("cd")), with(None)),
            (None, Some(Action::Errno(1)), Some(Action::Errno(1)))
        );
    }

    #[test]
    fn a_word_that_is_no_action_is_refused() {
        assert!(read("version: 1\nenforce: EWHAT\n").is_err());
        assert!(read("version: 1\nenforce: {raed: kill}\n").is_err());
        assert!(read("version: 1\nenforce: kill\n").is_ok());
    }
}
