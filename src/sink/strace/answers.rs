//! How strace tells the answer of an ioctl(2) request beside what was asked: in one structure, behind it, or not at all.

use super::calls::name;
use crate::decode::walk::low32;
use crate::event::Event;

/// The request of an ioctl(2); 0 of another call, which is none.
fn request(event: &Event<'_>) -> u32 {
    let words = if name(event) == "ioctl" { event.words() } else { &[] };
    words.get(1).map_or(0, |request| low32(*request))
}

fn kind(event: &Event<'_>) -> u32 {
    request(event) >> 8 & 0xff
}

/// The types of ioctl(2) requests whose answer is told together with what was asked: of SCSI (`SG_IO`) and network
/// interfaces, and of memory that a process pages itself.
const ANSWERED_WHOLE: [u32; 3] = [0x22, 0x89, 0xaa];

/// Whether the answer holds what was asked, and so stands alone.
pub(super) fn told_whole(event: &Event<'_>) -> bool {
    ANSWERED_WHOLE.contains(&kind(event))
}

/// Whether a request is answered in the structure that asks, so that the answer stands behind what was asked: those of
/// video devices and consoles.
pub(super) fn told_together(event: &Event<'_>) -> bool {
    const VIDEO: u32 = 0x56;
    const CONSOLE: u32 = 0x4b;
    matches!(kind(event), VIDEO | CONSOLE)
}

/// How many items of a list in an abbreviated line, where it is not as many as of others: the files of FIDEDUPERANGE.
pub(super) fn most_items(event: &Event<'_>, list: &str) -> Option<usize> {
    (list == "info" && name(event) == "ioctl").then_some(2)
}

/// RTC_PARAM_GET (linux/rtc.h).
pub(super) fn asks_a_clock(event: &Event<'_>) -> bool {
    request(event) == 0x4018_7013
}
