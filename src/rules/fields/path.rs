//! Paths as text: joined and made absolute without asking the file system, as libsinsp does.

/// Appends `path` from `dir` to `out`, without `.`, `..` and doubled slashes.
pub(super) fn join(dir: &[u8], path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let base: &[u8] = if path.first() == Some(&b'/') { b"" } else { dir };
    for part in base.split(|byte| *byte == b'/').chain(path.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                let slash = out.get(start..).and_then(|all| memchr::memrchr(b'/', all)).unwrap_or(0);
                out.truncate(start + slash);
            }
            part => {
                out.push(b'/');
                out.extend_from_slice(part);
            }
        }
    }
    if out.len() == start {
        out.push(b'/');
    }
}

/// The directory of a path; `/` for one that lies there.
pub(super) fn directory(path: &[u8]) -> &[u8] {
    match memchr::memrchr(b'/', path) {
        Some(slash) if slash > 0 => path.get(..slash).unwrap_or(path),
        _ => b"/",
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{directory, file_name, join};

    #[test]
    fn paths_become_absolute() {
        let joined = |dir: &str, path: &str| {
            let mut out = Vec::new();
            join(dir.as_bytes(), path.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(joined("/w", "a/../b//./c"), "/w/b/c");
        assert_eq!(joined("/w", "/etc//passwd"), "/etc/passwd");
        assert_eq!(joined("/w", "../../.."), "/");
        assert_eq!(joined("", "x"), "/x");
        assert_eq!((directory(b"/a/b"), directory(b"/a"), file_name(b"/a/b")), (&b"/a"[..], &b"/"[..], &b"b"[..]));
    }
}
