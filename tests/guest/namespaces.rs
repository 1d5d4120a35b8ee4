//! Namespaces of its own.

use crate::*;

pub(crate) fn user_namespace() -> c_int {
    let child = spawn(|| {
        if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
            say("no user namespaces here");
            return 77;
        }
        mark();
        mark_path("in-user-namespace");
        5
    });
    let status = wait_for(child);
    say(&format!("user namespace {}", libc::WEXITSTATUS(status)));
    libc::WEXITSTATUS(status)
}

pub(crate) fn pid_namespace() -> c_int {
    for ends_by_fault in [false, true] {
        let middle = spawn(|| {
            if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
                return 77;
            }
            let init = spawn(|| {
                no_core();
                check!(std::process::id() == 1);
                mark_path("in-pid-namespace");
                for _ in 0..5 {
                    let child = spawn(|| c_int::from(mark() != 1));
                    check!(exited(wait_for(child), 0));
                }
                if ends_by_fault {
                    unsafe { null_mut::<u8>().write_volatile(1) };
                }
                5
            });
            let status = wait_for(init);
            // A traced init does not die of a fault by the kernel's hand; the tracer may have to kill it.
            let fault = killed(status, libc::SIGSEGV) || killed(status, libc::SIGKILL);
            check!(if ends_by_fault { fault } else { exited(status, 5) });
            0
        });
        let status = wait_for(middle);
        if exited(status, 77) {
            say("no pid namespaces here");
            return 77;
        }
        check!(exited(status, 0));
    }
    say("pid namespace ok");
    0
}
