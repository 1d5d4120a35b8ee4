//! `pmatch`: whether one of many paths is a prefix of a path, by whole components, which can be patterns.

use super::glob::{Glob, is_pattern};
use rustc_hash::FxHashMap;

/// The longest path that is looked for: the kernel takes no longer one.
const LONGEST: usize = 4096;

/// The paths that are looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// A path ends here: all below it match.
    ends: bool,
    plain: FxHashMap<Box<[u8]>, Paths>,
    patterns: Vec<(Box<[u8]>, Glob, Paths)>,
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

impl Paths {
    /// Adds a path.
    pub(super) fn insert(&mut self, path: &[u8]) {
        if path.len() > LONGEST {
            return;
        }
        let mut node = self;
        for part in parts(path) {
            node = if is_pattern(part) {
                let at = node.patterns.iter().position(|(known, ..)| **known == *part).unwrap_or(node.patterns.len());
                if at == node.patterns.len() {
                    node.patterns.push((part.into(), Glob::new(part, false), Paths::default()));
                }
                match node.patterns.get_mut(at) {
                    Some((_, _, below)) => below,
                    None => return,
                }
            } else {
                node.plain.entry(part.into()).or_default()
            };
        }
        node.ends = true;
    }

    /// Whether one of the paths is a prefix of `path`.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        self.walk(parts(path))
    }

    fn walk<'p>(&self, mut rest: impl Iterator<Item = &'p [u8]> + Clone) -> bool {
        if self.ends {
            return true;
        }
        let Some(part) = rest.next() else { return false };
        self.plain.get(part).is_some_and(|below| below.walk(rest.clone()))
            || self.patterns.iter().any(|(_, glob, below)| glob.matches(part) && below.walk(rest.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::Paths;

    #[test]
    fn a_prefix_is_of_whole_components() {
        let matches = |paths: &[&str], path: &str| {
            let mut all = Paths::default();
            paths.iter().for_each(|path| all.insert(path.as_bytes()));
            all.matches(path.as_bytes())
        };
        assert!(matches(&["/etc"], "/etc/shadow") && matches(&["/etc/"], "/etc"));
        assert!(!matches(&["/et"], "/etc/shadow") && !matches(&["/var/run"], "/var"));
        assert!(matches(&["/e*"], "/etc/shadow") && matches(&["/*/shadow"], "/etc/shadow"));
        assert!(matches(&["/usr/lib", "/usr"], "/usr/bin") && matches(&["/"], "/x"));
        assert!(matches(&["/var/run/x", "/v?r/lib"], "/var/lib/y"));
        assert!(!matches(&[], "/x"));
    }
}
