//! Files of /proc, read with as few calls as can be: they have no size that could be asked for beforehand.

use std::fs::File;
use std::io::{self, Read};

/// What most files about one task fit in.
const USUAL: usize = 4096;

/// Reads the file at `path` whole.
///
/// One read does for most: such a file is written as a whole before it is copied (fs/seq_file.c), so a read that gives less
/// than was asked for has reached its end.
///
/// # Errors
/// Those of open(2) and read(2).
pub fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; USUAL];
    let got = file.read(&mut bytes)?;
    bytes.truncate(got);
    if got == USUAL {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// As [`read`], at most `most` bytes: what may be as long as a tracee likes.
///
/// # Errors
/// Those of open(2) and read(2).
pub fn read_most(path: &str, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(USUAL.min(most));
    File::open(path)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{read, read_most};

    #[test]
    fn short_and_long_files_are_read_whole() {
        assert_eq!(read("/proc/self/comm").unwrap(), std::fs::read("/proc/self/comm").unwrap());
        let long = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
        assert_eq!(read(long).unwrap(), std::fs::read(long).unwrap());
        assert!(read("/proc/self/nothing").is_err());
        assert_eq!(read_most(long, 100).unwrap(), std::fs::read(long).unwrap()[..100]);
    }
}
