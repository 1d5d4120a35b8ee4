//! What only the whole run tells: scanning, and processes that outlive the build.

use super::Fold;
use crate::audit::limits::Mark;
use crate::audit::model::{Access, ActKind, End, Level};
use crate::audit::text::within;
use rustc_hash::{FxHashMap, FxHashSet};

/// Distinct addresses that could not be reached: from here on it is a scan.
const UNREACHABLE: usize = 20;
/// Distinct private places in the home directory.
const PRIVATE: usize = 12;
/// Distinct files that were refused.
const REFUSED: usize = 50;
/// Files of the user that one process destroyed.
const DESTROYED: usize = 5;

impl Fold {
    /// Counts, when all events have come.
    pub(super) fn count(&mut self) {
        let by = Mark { process: self.root.unwrap_or(0), us: self.end };
        let unreachable = self.network.unanswered();
        if unreachable >= UNREACHABLE {
            let message = format!("{unreachable} different addresses were tried that could not be reached");
            let about = "Many addresses are tried in turn";
            self.detect("network-scan", about, Level::Error, message, None, by);
        }
        let home = format!("{}/.", self.context.places.home.trim_end_matches('/'));
        let mut places: FxHashMap<u32, FxHashSet<&str>> = FxHashMap::default();
        let mut refused: FxHashMap<u32, usize> = FxHashMap::default();
        let tried = self.files.tried();
        for (path, process, denied) in &tried {
            let private = path.strip_prefix(&home).filter(|_| home.len() > 2);
            if let Some(place) = private.and_then(|rest| rest.split('/').next()) {
                places.entry(*process).or_default().insert(place);
            }
            if *denied {
                *refused.entry(*process).or_default() += 1;
            }
        }
        let mut most: Vec<(u32, usize)> = places.iter().map(|(process, places)| (*process, places.len())).collect();
        // A script has each file read by another program.
        let together: FxHashSet<&&str> = places.values().flatten().collect();
        if let Some(root) = self.root {
            most.push((root, together.len() / 2));
        }
        let scans: Vec<(u32, usize)> = most.into_iter().filter(|(_, count)| *count >= PRIVATE).collect();
        let scanned: Vec<(u32, usize)> = refused.into_iter().filter(|(_, count)| *count >= REFUSED).collect();
        for (process, count) in scans {
            let message = format!("{count} or more private places in the home directory were looked into");
            let about = "Many private files and directories are tried in turn";
            self.detect("credential-scan", about, Level::Error, message, None, Mark { process, us: self.end });
        }
        for (process, count) in scanned {
            let message = format!("{count} different files were tried that were refused");
            let about = "Many files are tried in turn that the build may not read";
            self.detect("file-scan", about, Level::Error, message, None, Mark { process, us: self.end });
        }
    }

    /// Files of the user that one process went through and took away or wrote over, or had others do that to. What the build made itself is its own,
    /// and so are directories that it made; what hides behind a dot is a cache or a setting, and told by rules.
    pub(super) fn destroyed(&mut self) {
        let home = format!("{}/", self.context.places.home.trim_end_matches('/'));
        if home.len() < 3 {
            return;
        }
        let own = |path: &str| {
            [&self.context.places.workspace, &self.context.places.tmpdir]
                .iter()
                .any(|dir| within(path.as_bytes(), dir.as_bytes()))
        };
        let mut hit: FxHashMap<u32, usize> = FxHashMap::default();
        for file in self.files.all() {
            let private = file.path.strip_prefix(&home).filter(|rest| !rest.starts_with('.') && !own(&file.path));
            if private.is_none() || file.uses.contains_key(&Access::Created) {
                continue;
            }
            let (written, deleted) = (file.uses.get(&Access::Written), file.uses.get(&Access::Deleted));
            let Some(used) = written.or(deleted) else { continue };
            let dir = file.path.rsplit_once('/').map_or("", |(dir, _)| dir);
            let Some(dir) = self.files.known(dir.as_bytes()).filter(|dir| !dir.uses.contains_key(&Access::Created))
            else {
                continue;
            };
            let Some(listed) = dir.uses.get(&Access::Listed).filter(|listed| listed.first_us <= used.first_us) else {
                continue;
            };
            // A shell goes through a directory and has another program take each file away.
            let through = |process: &u32| {
                let mut line = self.processes.ancestry(*process).map(|process| process.id);
                line.find(|id| listed.processes.contains(id))
            };
            let by: FxHashSet<u32> = used.processes.iter().filter_map(through).collect();
            for process in by {
                *hit.entry(process).or_default() += 1;
            }
        }
        let most: Vec<(u32, usize)> = hit.into_iter().filter(|(_, count)| *count >= DESTROYED).collect();
        for (process, count) in most {
            let message = format!(
                "{count} files in the home directory, that the build had not made, were overwritten or deleted"
            );
            let about = "The files of the user are destroyed";
            self.detect("files-destroyed", about, Level::Error, message, None, Mark { process, us: self.end });
        }
    }

    /// The processes that lived longer than the command, with an act and a finding for each that did not end soon after.
    pub(super) fn outlived(&mut self) -> Vec<u32> {
        /// What a pipeline's last programs may take to end, microseconds.
        const SOON: u64 = 500_000;
        let Some(end) = self.root_end.filter(|_| !self.killed) else { return Vec::new() };
        let late = |process: &&crate::audit::model::Process| {
            Some(process.id) != self.root && process.end_us.is_none_or(|last| last > end)
        };
        let all: Vec<(u32, u64, bool)> = self
            .processes
            .all
            .iter()
            .filter(late)
            .map(|process| {
                let longer = process.end_us.map_or(u64::MAX, |last| last - end);
                (process.id, longer, matches!(process.end, Some(End::Signal(9))))
            })
            .collect();
        for (process, longer, killed) in &all {
            if *longer < SOON && !killed {
                continue;
            }
            let told = self.processes.told(*process);
            let by = Mark { process: *process, us: end };
            self.act(ActKind::Outlived, "exit", told.clone(), None, by);
            let about = "A process of the build goes on after its end";
            let message = format!("{told} was still running when the build had ended");
            let program = self.processes.program(*process).map(|program| program.exe.clone());
            self.detect("outlived-build", about, Level::Warning, message, program, by);
        }
        all.into_iter().map(|(process, ..)| process).collect()
    }
}
