//! What the bus promises: order, nothing lost in silence, bounded memory.

use super::{Catch, Pace, Receiver, Tally, bus};
use crate::capture::Records;
use crate::model::Abi;
use crate::model::record::{Head, Kind, Record, Role, State, Writer, flag};
use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

const PRODUCERS: i32 = 4;
const RECORDS: u64 = 20_000;
const RING: usize = 1 << 16;

/// The `n`th record of a producer: a call by turns, with a piece of growing and shrinking size.
fn put(to: &mut [u8], tid: i32, n: u64) -> usize {
    let nr = u32::try_from(n % 3).unwrap();
    let head = Head { kind: Kind::Enter, abi: Some(Abi::X86_64), time: n, pid: tid, tid, nr, flags: 0, result: 0 };
    let mut writer = Writer::new(to, &head, &[n]);
    writer.piece(Role::Arg0, 0, 0, State::Whole, &vec![b'x'; usize::try_from(n % 97).unwrap()]);
    writer.finish()
}

fn produce(mut to: impl Records, tid: i32) {
    for n in 0..RECORDS {
        to.send(512, |bytes| put(bytes, tid, n));
    }
}

/// What one reader got.
#[derive(Default)]
struct Got {
    next: HashMap<i32, u64>,
    records: u64,
    tally: Tally,
    lost: u64,
    lost_by_name: HashMap<Vec<u8>, u64>,
}

impl Got {
    fn take(&mut self, record: &Record<'_>) {
        let head = record.head();
        match head.kind {
            Kind::Enter => {
                let next = self.next.entry(head.tid).or_default();
                // In order, and a gap only where a loss was told.
                assert!(head.time >= *next, "thread {} went back", head.tid);
                assert!(self.lost > 0 || head.time == *next, "a gap that nobody told of");
                *next = head.time + 1;
                self.records += 1;
                self.tally.count(head);
            }
            Kind::Lost => {
                assert_eq!(head.flags & flag::VOID, flag::VOID);
                self.lost += head.result.cast_unsigned();
                for piece in record.pieces().filter(|piece| piece.role == Role::Missed as u8) {
                    *self.lost_by_name.entry(piece.data.to_vec()).or_default() += piece.address;
                }
            }
            _ => {}
        }
    }
}

/// Reads until the end, or until `most` records; `slow` waits between two looks.
fn read(mut receiver: Receiver, most: u64, slow: bool) -> Got {
    receiver.enter();
    let mut got = Got::default();
    loop {
        let closed = receiver.closed();
        receiver.fill();
        let waiting = receiver.peek();
        let mut len = 0;
        while let Some(rest) = waiting.get(len..).filter(|rest| !rest.is_empty()) {
            let (record, size) = Record::parse(rest).unwrap();
            got.take(&record);
            len += size;
            if slow && len > 4096 {
                break;
            }
        }
        receiver.release(len);
        if got.records >= most || (closed && receiver.is_empty()) {
            return got;
        }
        if slow {
            thread::yield_now();
        } else if len == 0 {
            receiver.wait(false);
        }
    }
}

type Ask = mpsc::Sender<Catch>;

/// A reader that keeps up, and catches those that do not, until none of them is left.
fn keep(mut receiver: Receiver, asks: &mpsc::Receiver<Ask>) -> Got {
    receiver.enter();
    let mut got = Got::default();
    loop {
        let waiting = receiver.peek();
        let mut len = 0;
        while let Some(rest) = waiting.get(len..).filter(|rest| !rest.is_empty()) {
            let (record, size) = Record::parse(rest).unwrap();
            got.take(&record);
            len += size;
        }
        receiver.release(len);
        let catch = || Catch { position: receiver.position(), tally: got.tally.clone(), tasks: Vec::new() };
        loop {
            match asks.try_recv() {
                Ok(ask) => ask.send(catch()).unwrap(),
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) if receiver.closed() && receiver.is_empty() => return got,
                Err(mpsc::TryRecvError::Disconnected) => break,
            }
        }
        thread::yield_now();
    }
}

#[test]
fn four_producers_eight_kept_readers_of_which_two_are_slow_and_two_die() {
    let (sender, mut receivers) = bus(RING, &[Pace::Kept; 8]).unwrap();
    sender.enter();
    let waker = sender.waker();
    let sender = Arc::new(Mutex::new(sender));
    let start = Arc::new(Barrier::new(8 + 4));
    let readers: Vec<_> = (0..8)
        .map(|i| {
            let (receiver, start) = (receivers.remove(0), Arc::clone(&start));
            let most = if i < 2 { RECORDS / 2 } else { u64::MAX };
            thread::spawn(move || {
                start.wait();
                read(receiver, most, (2..4).contains(&i))
            })
        })
        .collect();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|tid| {
            let (sender, start) = (Arc::clone(&sender), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                produce(sender, tid);
            })
        })
        .collect();
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    sender.lock().unwrap().close();
    let all = RECORDS * u64::from(PRODUCERS.cast_unsigned());
    for (i, reader) in readers.into_iter().enumerate() {
        let got = reader.join().unwrap();
        assert_eq!(got.lost, 0);
        assert!(got.records == all || (i < 2 && got.records < all), "reader {i}: {}", got.records);
    }
    assert_eq!(waker.lost(), 0);
}

#[test]
fn the_same_when_nobody_waits_for_them_every_loss_is_counted_by_call() {
    let paces = [[Pace::Kept].as_slice(), &[Pace::Loose; 8]].concat();
    let (sender, mut receivers) = bus(RING, &paces).unwrap();
    sender.enter();
    let sender = Arc::new(Mutex::new(sender));
    let (ask, asks) = mpsc::channel::<Ask>();
    let keeper = receivers.remove(0);
    let keeper = thread::spawn(move || keep(keeper, &asks));
    let start = Arc::new(Barrier::new(8 + 4));
    let readers: Vec<_> = (0..8)
        .map(|i| {
            let (mut receiver, start, ask) = (receivers.remove(0), Arc::clone(&start), ask.clone());
            receiver.caught_by(move || {
                let (to, from) = mpsc::channel();
                ask.send(to).ok()?;
                from.recv().ok()
            });
            let most = if i < 2 { RECORDS / 2 } else { u64::MAX };
            thread::spawn(move || {
                start.wait();
                read(receiver, most, (2..4).contains(&i))
            })
        })
        .collect();
    drop(ask);
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|tid| {
            let (sender, start) = (Arc::clone(&sender), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                produce(sender, tid);
            })
        })
        .collect();
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    sender.lock().unwrap().close();
    let all = RECORDS * u64::from(PRODUCERS.cast_unsigned());
    for (i, reader) in readers.into_iter().enumerate() {
        let got = reader.join().unwrap();
        if i < 2 {
            continue;
        }
        assert_eq!(got.records + got.lost, all, "reader {i}");
        assert_eq!(got.lost_by_name.values().sum::<u64>(), got.lost, "reader {i}");
        // By call: what came and what was told as lost make what was sent.
        for (nr, name) in [(0, "read"), (1, "write"), (2, "open")] {
            let came = got.tally.named().iter().find(|(call, _)| *call == name).map_or(0, |(_, n)| *n);
            let lost = got.lost_by_name.get(name.as_bytes()).copied().unwrap_or(0);
            let sent = (0..RECORDS).filter(|n| n % 3 == nr).count() as u64 * u64::from(PRODUCERS.cast_unsigned());
            assert_eq!(came + lost, sent, "reader {i}: {name}");
        }
    }
    assert_eq!(keeper.join().unwrap().records, all);
}

#[test]
fn a_sender_waits_for_a_kept_reader_until_it_is_told_not_to() {
    let (mut sender, receivers) = bus(4096, &[Pace::Kept]).unwrap();
    sender.enter();
    let waker = sender.waker();
    let (full, is_full) = mpsc::channel();
    let sending = thread::spawn(move || {
        sender.enter();
        for n in 0..100 {
            if n == 60 {
                full.send(()).unwrap();
            }
            sender.send(512, |to| put(to, 1, n));
        }
        sender.losses()
    });
    // 4096 bytes hold fewer than 60 of them, so this comes only after an abort.
    assert!(is_full.try_recv().is_err());
    waker.abort();
    is_full.recv().unwrap();
    let (lost, aborted) = sending.join().unwrap();
    assert!(aborted && lost > 40, "{lost}");
    drop(receivers);
}

#[test]
fn the_end_of_a_reader_lets_the_sender_go_on() {
    let (mut sender, receivers) = bus(4096, &[Pace::Kept]).unwrap();
    let sending = thread::spawn(move || {
        sender.enter();
        for n in 0..100 {
            sender.send(512, |to| put(to, 1, n));
        }
        sender.losses()
    });
    drop(receivers);
    assert_eq!(sending.join().unwrap(), (0, false));
}
