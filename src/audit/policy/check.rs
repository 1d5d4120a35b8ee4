//! The facts of a run against a policy.

use super::{Action, Allowed, Entry, Policy, patch};
use crate::audit::findings::Said;
use crate::audit::model::{Access, Audit, Digest, Level, NetworkAct, PolicyCheck, Source, Use};
use crate::model::Places;
use globset::{GlobBuilder, GlobMatcher};

/// What can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Programs.
    Exec,
    /// Reading files, listing directories.
    Read,
    /// Every change of a file but its removal.
    Write,
    /// Removing and renaming files.
    Delete,
    /// Connections and messages to others.
    Connect,
    /// Waiting for connections.
    Listen,
    /// Names that are asked for.
    Dns,
}

impl Sort {
    pub(super) const ALL: [Sort; 7] =
        [Sort::Exec, Sort::Read, Sort::Write, Sort::Delete, Sort::Connect, Sort::Listen, Sort::Dns];

    /// Its word in a policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Sort::Exec => "exec",
            Sort::Read => "read",
            Sort::Write => "write",
            Sort::Delete => "delete",
            Sort::Connect => "connect",
            Sort::Listen => "listen",
            Sort::Dns => "dns",
        }
    }

    fn entries(self, allowed: &Allowed) -> &[Entry] {
        match self {
            Sort::Exec => &allowed.exec,
            Sort::Read => &allowed.read,
            Sort::Write => &allowed.write,
            Sort::Delete => &allowed.delete,
            Sort::Connect => &allowed.connect,
            Sort::Listen => &allowed.listen,
            Sort::Dns => &allowed.dns,
        }
    }

    /// Whether an access to a file is of this sort.
    #[must_use]
    pub fn of(self, access: Access) -> bool {
        use Access as A;
        match self {
            Sort::Read => matches!(access, A::Read | A::Listed),
            Sort::Write => matches!(
                access,
                A::Written | A::Created | A::Chmod | A::Chown | A::Attributes | A::MappedWritable | A::Linked
            ),
            Sort::Delete => matches!(access, A::Deleted | A::Renamed),
            _ => false,
        }
    }
}

/// Something that was done: what a pattern is held against.
#[derive(Clone, Debug)]
pub(super) struct Deed<'a> {
    pub(super) sort: Sort,
    /// The names it has; one that is allowed is enough, one that is denied too.
    pub(super) names: Vec<String>,
    pub(super) digest: Option<&'a Digest>,
    pub(super) used: &'a Use,
}

/// The names of an address: `host:port` for each name, and the address itself.
fn address(peer: &crate::audit::model::Peer) -> Vec<String> {
    use crate::audit::model::Family;
    let port = peer.port.map_or_else(|| "*".to_owned(), |port| port.to_string());
    match peer.family {
        Family::Inet => {
            let mut names: Vec<String> = peer.names.iter().map(|name| format!("{name}:{port}")).collect();
            names.push(format!("{}:{port}", peer.address));
            names
        }
        Family::Inet6 => {
            let mut names: Vec<String> = peer.names.iter().map(|name| format!("{name}:{port}")).collect();
            names.push(format!("[{}]:{port}", peer.address));
            names
        }
        Family::Unix if !peer.address.is_empty() => vec![format!("unix:{}", peer.address)],
        // Netlink speaks to the kernel only; an unnamed unix socket is the build's own.
        _ => Vec::new(),
    }
}

/// All that was done in a run.
pub(super) fn deeds(facts: &Audit) -> Vec<Deed<'_>> {
    let mut deeds = Vec::new();
    let digest_of = |path: &str| {
        let programs = facts.processes.iter().flat_map(|process| &process.programs);
        programs.filter(|program| program.exe == path).find_map(|program| program.digest.as_ref())
    };
    // What the build was given open, as a log that its output goes to, is the choice of who started it.
    for file in facts.files.iter().filter(|file| !file.inherited) {
        if let Some(used) = file.uses.get(&Access::Executed) {
            let digest = digest_of(&file.path).or(file.input.as_ref());
            deeds.push(Deed { sort: Sort::Exec, names: vec![file.path.clone()], digest, used });
        }
        for sort in [Sort::Read, Sort::Write, Sort::Delete] {
            let used = file.uses.iter().find(|(access, _)| sort.of(**access)).map(|(_, used)| used);
            if let Some(used) = used {
                deeds.push(Deed { sort, names: vec![file.path.clone()], digest: None, used });
            }
        }
    }
    for peer in &facts.peers {
        let names = address(peer);
        let of = |acts: &[NetworkAct]| acts.iter().find_map(|act| peer.uses.get(act));
        let to = of(&[NetworkAct::Connect, NetworkAct::Send]);
        let own = of(&[NetworkAct::Listen]);
        for (sort, used) in [(Sort::Connect, to), (Sort::Listen, own)] {
            if let Some(used) = used.filter(|_| !names.is_empty()) {
                deeds.push(Deed { sort, names: names.clone(), digest: None, used });
            }
        }
    }
    for name in &facts.dns {
        deeds.push(Deed { sort: Sort::Dns, names: vec![name.name.clone()], digest: None, used: &name.used });
    }
    deeds
}

#[derive(Debug)]
pub(super) struct Pattern {
    glob: GlobMatcher,
    digests: Vec<String>,
    pub(super) enforce: Option<Action>,
}

impl Pattern {
    fn matches(&self, names: &[String], digest: Option<&str>) -> bool {
        let fits = self.digests.is_empty() || digest.is_some_and(|digest| self.digests.iter().any(|one| one == digest));
        fits && names.iter().any(|name| self.glob.is_match(name))
    }
}

/// The patterns of one section, by sort.
#[derive(Debug)]
pub(super) struct Patterns([Vec<Pattern>; 7]);

impl Patterns {
    pub(super) fn new(allowed: &Allowed, places: &Places) -> Result<Patterns, String> {
        let mut all: [Vec<Pattern>; 7] = Default::default();
        for (sort, list) in Sort::ALL.into_iter().zip(&mut all) {
            for entry in sort.entries(allowed) {
                let glob = compile(entry.pattern(), places)
                    .map_err(|error| format!("{}: `{}`: {error}", sort.word(), entry.pattern()))?;
                list.push(Pattern { glob, digests: entry.digests().to_vec(), enforce: entry.enforce() });
            }
        }
        Ok(Patterns(all))
    }

    fn holds(&self, deed: &Deed<'_>) -> bool {
        self.find(deed.sort, &deed.names, deed.digest.map(|digest| digest.sha256.as_str())).is_some()
    }

    /// The first pattern for something that is done to what has these names.
    pub(super) fn find(&self, sort: Sort, names: &[String], digest: Option<&str>) -> Option<&Pattern> {
        self.0.get(sort as usize)?.iter().find(|pattern| pattern.matches(names, digest))
    }

    /// Whether a pattern asks for a digest.
    pub(super) fn have_digests(&self) -> bool {
        self.0.iter().flatten().any(|pattern| !pattern.digests.is_empty())
    }
}

/// A pattern with the variables put in, whose values mean themselves.
pub(super) fn compile(pattern: &str, places: &Places) -> Result<GlobMatcher, String> {
    let mut text = pattern.to_owned();
    for (variable, value) in places.named() {
        if text.contains(variable) && value.is_empty() {
            return Err(format!("{variable} has no value in this run"));
        }
        text = text.replace(variable, &globset::escape(value.trim_end_matches('/')));
    }
    if let Some(at) = text.find("${") {
        let name: String = text.chars().skip(at).take_while(|c| *c != '}').collect();
        return Err(format!("unknown variable {name}}}; there are ${{WORKSPACE}}, ${{HOME}} and ${{TMPDIR}}"));
    }
    let glob = GlobBuilder::new(&text).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

struct Command {
    of: GlobMatcher,
    allow: Patterns,
    deny: Patterns,
}

/// A finding, with the process and the time that it is about.
pub type Outside = (Said, u32, u64);

/// Holds `facts` against a policy, whose text is `text`: the result, and a finding for each thing that is not allowed.
///
/// # Errors
/// What is wrong with a pattern.
pub fn check(
    policy: &Policy,
    text: &str,
    file: &str,
    places: &Places,
    facts: &Audit,
) -> Result<(PolicyCheck, Vec<Outside>), String> {
    let (allow, deny) = (Patterns::new(&Allowed::from(policy), places)?, Patterns::new(&policy.deny, places)?);
    let mut commands = Vec::new();
    for section in &policy.commands {
        let of =
            compile(&section.command, places).map_err(|error| format!("command `{}`: {error}", section.command))?;
        let (allow, deny) = (Patterns::new(&Allowed::from(section), places)?, Patterns::new(&section.deny, places)?);
        commands.push(Command { of, allow, deny });
    }
    let is = |command: &Command, process: u32| {
        let programs = facts.processes.get(process as usize).map(|process| process.programs.as_slice());
        programs.unwrap_or_default().iter().any(|program| {
            command.of.is_match(&program.exe)
                || program.script.as_ref().is_some_and(|script| command.of.is_match(script))
        })
    };
    let (mut findings, mut missing) = (Vec::new(), Vec::new());
    for deed in deeds(facts) {
        let users = &deed.used.processes;
        let denied = deny.holds(&deed)
            || commands.iter().any(|one| one.deny.holds(&deed) && users.iter().any(|user| is(one, *user)));
        let by_command = |user: &u32| commands.iter().any(|one| one.allow.holds(&deed) && is(one, *user));
        let allowed = allow.holds(&deed) || (!users.is_empty() && users.iter().all(by_command));
        if allowed && !denied {
            continue;
        }
        let name = deed.names.first().cloned().unwrap_or_default();
        let how = if denied { "is denied by the policy" } else { "is not allowed by the policy" };
        let verb = deed.sort.word();
        let message = match deed.digest.filter(|_| deed.sort == Sort::Exec) {
            Some(digest) => format!("{verb} of {name} (sha256 {}) {how}", digest.sha256),
            None => format!("{verb} of {name} {how}"),
        };
        let said = Said {
            rule: format!("policy-{verb}"),
            about: format!("The policy does not allow what was done: {verb}"),
            source: Source::Policy,
            level: Level::Error,
            message,
            subject: Some(name),
            ..Said::default()
        };
        findings.push((said, users.first().copied().unwrap_or(0), deed.used.first_us));
        if !denied {
            missing.push(deed);
        }
    }
    let patch = patch::patch(text, file, &missing, places);
    Ok((PolicyCheck { file: file.to_owned(), passed: findings.is_empty(), patch }, findings))
}
