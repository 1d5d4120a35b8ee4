//! Who is who, through forks, execs and ends.

use super::{Account, Groups, Users};
use crate::model::Pid;
use crate::model::record::{Head, Kind, Record, Role, State, Writer, flag};

fn feed(account: &mut Account, kind: Kind, pid: Pid, tid: Pid, args: &[u64], pieces: &[(Role, &[u8])]) {
    let flags = if kind == Kind::Born && pid != tid { flag::THREAD } else { 0 };
    let head = Head { kind, abi: None, time: 0, pid, tid, nr: 0, flags, result: 0 };
    let mut buffer = [0; 1024];
    let mut writer = Writer::new(&mut buffer, &head, args);
    for (role, data) in pieces {
        writer.piece(*role, 0, 0, State::Whole, data);
    }
    let len = writer.finish();
    account.apply(&Record::parse(&buffer[..len]).unwrap().0);
}

/// 2(bash), outside, has the child 10(sh), which runs `sh -c x` in /w.
fn start() -> Account {
    let mut account = Account::new(Users::parse(b"root:x:0:\nann:x:1000:"), Groups::default());
    feed(&mut account, Kind::Outsider, 2, 2, &[1, 0, 0, 0], &[(Role::Comm, b"bash"), (Role::Cmdline, b"-bash")]);
    feed(&mut account, Kind::Born, 10, 10, &[2, 0, 0, 0], &[(Role::Comm, b"smtrace")]);
    let pieces = [(Role::Comm, &b"sh"[..]), (Role::Exe, b"/bin/sh"), (Role::Cmdline, b"sh\0-c\0x"), (Role::Cwd, b"/w")];
    feed(&mut account, Kind::Exec, 10, 10, &[10, 0, 0], &pieces);
    account
}

fn words(account: &Account, pid: Pid, tid: Pid) -> String {
    let who = account.who(pid, tid);
    let argv: Vec<_> = who.argv().map(String::from_utf8_lossy).collect();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let user = who.user().map_or_else(|| format!("{:?}", who.uid()), str::to_owned);
    format!("{user} {} [{}] {}({})", text(who.comm()), argv.join(" "), who.ppid(), text(who.parent_comm()))
}

#[test]
fn children_and_threads_inherit_from_their_creator() {
    let mut account = start();
    feed(&mut account, Kind::Comm, 10, 10, &[], &[(Role::Comm, b"worker")]);
    feed(&mut account, Kind::Born, 10, 11, &[2, 10, 1000, 1000], &[]);
    feed(&mut account, Kind::Born, 12, 12, &[10, 11, 1000, 1000], &[]);
    assert_eq!(words(&account, 10, 11), "ann worker [sh -c x] 2(bash)");
    assert_eq!(words(&account, 12, 12), "ann worker [sh -c x] 10(worker)");
    assert_eq!(account.who(12, 12).cwd(), b"/w");
    // Without a creator, what the parent has.
    feed(&mut account, Kind::Born, 14, 14, &[12, 0, 0, 0], &[(Role::Comm, b"x")]);
    assert_eq!(words(&account, 14, 14), "root x [sh -c x] 12(worker)");
    // CLONE_PARENT: the parent is another than the creator.
    feed(&mut account, Kind::Born, 13, 13, &[2, 12, 0, 0], &[]);
    assert_eq!(words(&account, 13, 13), "root worker [sh -c x] 2(bash)");
    // A thread's name is its own.
    feed(&mut account, Kind::Comm, 10, 11, &[], &[(Role::Comm, b"pool")]);
    assert_eq!(words(&account, 10, 11), "ann pool [sh -c x] 2(bash)");
    assert_eq!(words(&account, 12, 12), "ann worker [sh -c x] 10(worker)");
}

#[test]
fn exec_by_a_thread_takes_the_process_over() {
    let mut account = start();
    feed(&mut account, Kind::Born, 10, 11, &[2, 10, 0, 0], &[]);
    feed(&mut account, Kind::Born, 10, 12, &[2, 10, 0, 0], &[]);
    feed(&mut account, Kind::Born, 20, 20, &[10, 11, 0, 0], &[]);
    let old = account.who(20, 20).place().unwrap();
    feed(&mut account, Kind::Exec, 10, 10, &[11, 1000, 7], &[(Role::Comm, b"true"), (Role::Cmdline, b"true")]);
    assert_eq!(words(&account, 10, 10), "ann true [true] 2(bash)");
    assert_eq!(account.size().0, 2);
    assert_eq!(words(&account, 20, 20), "root sh [sh -c x] 10(true)");
    assert_ne!(account.who(20, 20).place().unwrap(), old);
}

#[test]
fn a_parent_is_named_until_the_child_has_another() {
    let mut account = start();
    feed(&mut account, Kind::Born, 11, 11, &[10, 10, 0, 0], &[]);
    feed(&mut account, Kind::End, 10, 10, &[], &[]);
    assert_eq!(words(&account, 11, 11), "root sh [sh -c x] 10(sh)");
    assert_eq!(account.alive().collect::<Vec<_>>(), [(11, &b"sh"[..])]);
    let old = account.who(11, 11).place();
    feed(&mut account, Kind::Reparent, 11, 11, &[1], &[]);
    assert_eq!(words(&account, 11, 11), "root sh [sh -c x] 1()");
    feed(&mut account, Kind::Outsider, 1, 1, &[0, 0, 0, 0], &[(Role::Comm, b"init")]);
    assert_eq!(words(&account, 11, 11), "root sh [sh -c x] 1(init)");
    assert_ne!(account.who(11, 11).place(), old);
    feed(&mut account, Kind::End, 11, 11, &[], &[]);
    // Both outsiders, nothing else.
    assert_eq!(account.size(), (0, 2));
    assert_eq!(account.alive().count(), 0);
}

#[test]
fn a_process_ends_with_its_last_thread() {
    let mut account = start();
    feed(&mut account, Kind::Born, 10, 11, &[2, 10, 0, 0], &[]);
    feed(&mut account, Kind::End, 10, 10, &[], &[]);
    assert_eq!(words(&account, 10, 11), "root sh [sh -c x] 2(bash)");
    assert_eq!(account.names(10), Some((&b"sh"[..], &b"sh\0-c\0x"[..])));
    feed(&mut account, Kind::End, 10, 11, &[], &[]);
    assert_eq!(account.names(10), None);
    assert_eq!(words(&account, 10, 11), "None  [] 0()");
}

#[test]
fn every_change_has_its_stamp_and_a_slot_is_given_again() {
    let mut account = start();
    let mut last = account.who(10, 10).place().unwrap();
    let changes: [(Kind, &[u64], Role, &[u8]); 3] = [
        (Kind::Creds, &[1000, 1000], Role::Text, b""),
        (Kind::Comm, &[], Role::Comm, b"y"),
        (Kind::Moved, &[], Role::Cwd, b"/z"),
    ];
    for (kind, args, role, data) in changes {
        feed(&mut account, kind, 10, 10, args, &[(role, data)]);
        let now = account.who(10, 10).place().unwrap();
        assert!(now.0 == last.0 && now.1 > last.1, "{kind:?}");
        last = now;
    }
    assert_eq!((account.who(10, 10).user(), account.who(10, 10).cwd()), (Some("ann"), &b"/z"[..]));
    feed(&mut account, Kind::End, 10, 10, &[], &[]);
    feed(&mut account, Kind::Born, 30, 30, &[2, 0, 0, 0], &[]);
    let now = account.who(30, 30).place().unwrap();
    assert!(now.0 == last.0 && now.1 > last.1);
}

#[test]
fn twenty_thousand_short_processes_leave_nothing() {
    let mut account = start();
    for pid in 100..20_100 {
        feed(&mut account, Kind::Born, pid, pid, &[10, 10, 0, 0], &[]);
        feed(&mut account, Kind::Exec, pid, pid, &[u64::try_from(pid).unwrap(), 0, 0], &[(Role::Comm, b"true")]);
        feed(&mut account, Kind::End, pid, pid, &[], &[]);
    }
    assert_eq!(account.size(), (1, 2));
    for pid in 100..5_000u64 {
        feed(&mut account, Kind::Outsider, Pid::try_from(pid).unwrap(), 0, &[1, 0, 0, 0], &[]);
    }
    assert!(account.size().1 < 1100);
}
