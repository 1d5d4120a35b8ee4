//! A live smtrace's ring as a source: its own memory is mapped, and what is not read in time is missed.

use super::{Given, LOOK, Wish, checked};
use smtrace::store::Bounds;
use smtrace::stream::Attached;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a live smtrace may take to answer who attaches to its ring.
const ANSWER: Duration = Duration::from_secs(8);

/// The records of a live smtrace, from its own memory.
pub(super) fn hand(
    name: &str,
    wish: &Wish,
    stop: &Arc<AtomicBool>,
    opened: &SyncSender<Result<(), String>>,
    to: &SyncSender<Given>,
) -> Given {
    let attached = Attached::to(name, &wish.text, Some(ANSWER));
    let mut attached = match attached {
        Ok(attached) => attached,
        Err(why) => {
            let _ = opened.send(Err(format!("smtrace: {why}; start smtrace with --ring {name} first")));
            return Given::End;
        }
    };
    let _ = opened.send(Ok(()));
    let mut bounds = Bounds::default();
    while let Some(records) = attached.next(Some(LOOK)) {
        if stop.load(Ordering::Relaxed) {
            return Given::End;
        }
        if records.is_empty() {
            continue;
        }
        if !checked(records, &mut bounds) {
            return Given::Broken(format!(
                "smtrace: the ring {name}: a record is malformed; what comes after is not read"
            ));
        }
        let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let offset = smtrace::sink::utc_offset(i64::try_from(second).unwrap_or(0));
        if to.send(Given::Records(records.to_vec(), offset)).is_err() {
            return Given::End;
        }
    }
    match attached.missed().unreachable {
        0 => Given::End,
        bytes => Given::Broken(format!(
            "smtrace: the ring {name}: its last {bytes} bytes of records were missed: smtrace ended while Falco was behind"
        )),
    }
}
