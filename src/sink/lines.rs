//! The rendered "who" part of a line, kept per thread until the account changes.

use crate::state::Who;

/// Longer parts are rendered each time, so that a thread costs a bounded number of bytes.
const MOST: usize = 1024;

/// Kept parts, by the place that the account gives a thread.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Vec<(u64, Vec<u8>)>,
}

impl Lines {
    /// Appends what `render` makes of `who`, from the kept part when nothing has changed.
    pub(super) fn render(&mut self, who: &Who<'_>, out: &mut Vec<u8>, render: impl FnOnce(&Who<'_>, &mut Vec<u8>)) {
        let Some((slot, stamp)) = who.place() else { return render(who, out) };
        if let Some((kept, part)) = self.kept.get(slot)
            && *kept == stamp
        {
            return out.extend_from_slice(part);
        }
        let start = out.len();
        render(who, out);
        let part = out.get(start..).unwrap_or_default();
        if part.len() > MOST {
            return;
        }
        if self.kept.len() <= slot {
            self.kept.resize_with(slot + 1, Default::default);
        }
        if let Some((kept, old)) = self.kept.get_mut(slot) {
            *kept = stamp;
            old.clear();
            old.reserve_exact(part.len());
            old.extend_from_slice(part);
        }
    }
}
