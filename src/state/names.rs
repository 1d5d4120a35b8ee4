//! Names of users and groups by id, from the bytes of /etc/passwd and /etc/group.
//!
//! Nothing here opens a file: whoever makes the account reads the two once, so that a run never asks twice and a test
//! needs no machine.

use rustc_hash::FxHashMap;

/// Names of users by their id.
#[derive(Clone, Debug, Default)]
pub struct Users(FxHashMap<u32, Box<str>>);

/// Names of groups by their id.
#[derive(Clone, Debug, Default)]
pub struct Groups(FxHashMap<u32, Box<str>>);

impl Users {
    /// Reads the text of /etc/passwd, passwd(5). Lines that are none are skipped; the first name of an id counts.
    #[must_use]
    pub fn parse(text: &[u8]) -> Users {
        Users(parse(text))
    }

    /// The name of `uid`, if it has one.
    #[must_use]
    pub fn name(&self, uid: u32) -> Option<&str> {
        self.0.get(&uid).map(AsRef::as_ref)
    }

    /// Gives an id without a name one.
    pub fn insert(&mut self, uid: u32, name: &str) {
        self.0.entry(uid).or_insert_with(|| name.into());
    }
}

impl Groups {
    /// Reads the text of /etc/group, group(5), as [`Users::parse`] does.
    #[must_use]
    pub fn parse(text: &[u8]) -> Groups {
        Groups(parse(text))
    }

    /// The name of `gid`, if it has one.
    #[must_use]
    pub fn name(&self, gid: u32) -> Option<&str> {
        self.0.get(&gid).map(AsRef::as_ref)
    }

    /// Gives an id without a name one.
    pub fn insert(&mut self, gid: u32, name: &str) {
        self.0.entry(gid).or_insert_with(|| name.into());
    }
}

impl super::Account {
    /// Learns names of users and groups, which a capture tells before the records that need them.
    pub fn learn_names(&mut self, users: &[(u32, String)], groups: &[(u32, String)]) {
        users.iter().for_each(|(uid, name)| self.users.insert(*uid, name));
        groups.iter().for_each(|(gid, name)| self.groups.insert(*gid, name));
    }
}

/// Both files start with `name:password:id`.
fn parse(text: &[u8]) -> FxHashMap<u32, Box<str>> {
    let mut names = FxHashMap::default();
    for line in text.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, id) = (fields.next(), fields.nth(1));
        let name = name.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| !name.is_empty());
        let id = id.and_then(|id| std::str::from_utf8(id).ok()).and_then(|id| id.parse::<u32>().ok());
        if let (Some(name), Some(id)) = (name, id) {
            names.entry(id).or_insert_with(|| name.into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Groups, Users};

    #[test]
    fn the_first_name_of_an_id_counts_and_damage_is_skipped() {
        let users =
            Users::parse(b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n\n#x\nbad:x:y\n:x:7\n\xff:x:8\na:x:1000:");
        assert_eq!(users.name(0), Some("root"));
        assert_eq!(users.name(1000), Some("a"));
        assert_eq!((users.name(7), users.name(8), users.name(1)), (None, None, None));
        assert_eq!(Groups::parse(b"adm:x:4:syslog").name(4), Some("adm"));
    }
}
