//! Shaped arguments: unions, lists of pointers, structures whose length or meaning lies elsewhere. One file per family and
//! one line per shape in [`SHAPES`]; a shape says at once what is read and what it means.

mod address;
mod amateur;
mod bpf;
mod btrfs;
mod clocks;
mod console;
mod device;
mod directory;
mod families;
mod gpio;
mod input;
mod interface;
mod kernel;
mod keys;
mod memory;
mod message;
mod netlink;
mod notify;
mod option;
mod perf;
mod polling;
mod program;
mod scsi;
mod signals;
mod status;
mod tee;
mod text;
mod uring;
mod video;
mod video_format;

pub(super) use signals::put_siginfo;

use super::tree::Value;
use super::walk::{Walk, low32};
use crate::table::structs::Shape;
use crate::table::structs::shapes as named;
use std::sync::LazyLock;

/// A shape walks over the word (mostly an address, then not 0) of an argument named `name`, with the length that the row
/// gives it or 1, and says exactly one value.
type Go = fn(walk: &mut Walk<'_>, name: &'static str, word: u64, count: u64);

/// The registry: each name of `syscalls-table/shapes.txt`.
const SHAPES: &[(Shape, Go)] = &[
    (named::SOCKADDR, address::sockaddr),
    (named::IOVEC, message::iovec),
    (named::IOVEC_REMOTE, message::iovec_remote),
    (named::MSGHDR, message::msghdr),
    (named::MMSGHDR, message::mmsghdr),
    (named::PAYLOAD, netlink::payload),
    (named::POLLFD, polling::pollfd),
    (named::FD_SET, polling::fd_set),
    (named::CPUMASK, polling::cpumask),
    (named::NODEMASK, polling::nodemask),
    (named::SIGSET, signals::sigset),
    (named::OLD_SIGSET, signals::old_sigset),
    (named::SIGSET_ARGPACK, signals::sigset_argpack),
    (named::AIO_SIGSET, signals::sigset_argpack),
    (named::SIGACTION, signals::sigaction),
    (named::OLD_SIGACTION, signals::old_sigaction),
    (named::SIGINFO, signals::siginfo),
    (named::STAT, status::stat),
    (named::STAT64, status::stat64),
    (named::OLD_STAT, status::old_stat),
    (named::WAIT_STATUS, status::wait_status),
    (named::SOCK_FPROG, program::sock_fprog),
    (named::SOCK_FILTER, program::sock_filter),
    (named::LINUX_DIRENT, directory::linux_dirent),
    (named::LINUX_DIRENT64, directory::linux_dirent64),
    (named::OLD_LINUX_DIRENT, directory::old_linux_dirent),
    (named::FILE_HANDLE, directory::file_handle),
    (named::SIGEVENT, notify::sigevent),
    (named::MSGBUF, notify::msgbuf),
    (named::IOCB, notify::iocb),
    (named::IOCB_PTR, notify::iocb_ptr),
    (named::BPF_ATTR, bpf::bpf_attr),
    (named::PERF_EVENT_ATTR, perf::perf_event_attr),
    (named::SCHED_ATTR_GIVEN, kernel::sched_attr_given),
    (named::CAP_USER_DATA, kernel::cap_user_data),
    (named::LSM_CTX, kernel::lsm_ctx),
    (named::STATMOUNT, kernel::statmount),
    (named::IFREQ, interface::ifreq),
    (named::ARPREQ, interface::arpreq),
    (named::IFCONF, interface::ifconf),
    (named::INT_OR_BYTES, option::int_or_bytes),
    (named::SOCKET_ERROR, option::socket_error),
    (named::ICMP_FILTER, option::icmp_filter),
    (named::MEMBERSHIPS, option::memberships),
    (named::GROUP_REQ, address::group_req),
    (named::PACKET_MREQ, address::packet_mreq),
    (named::PTP_EXTTS_REQUEST, clocks::ptp_extts_request),
    (named::PTP_PEROUT_REQUEST, clocks::ptp_perout_request),
    (named::PTP_SYS_OFFSET, clocks::ptp_sys_offset),
    (named::PTP_PIN_DESC, clocks::ptp_pin_desc),
    (named::GPIOHANDLE_REQUEST, gpio::gpiohandle_request),
    (named::GPIOHANDLE_CONFIG, gpio::gpiohandle_config),
    (named::GPIOHANDLE_DATA, gpio::gpiohandle_data),
    (named::GPIO_V2_LINE_CONFIG, gpio::gpio_v2_line_config),
    (named::GPIO_V2_LINE_REQUEST, gpio::gpio_v2_line_request),
    (named::FF_EFFECT, input::ff_effect),
    (named::INPUT_KEYCODE, input::input_keycode),
    (named::INPUT_REQUEST, input::input_request),
    (named::BLKPG_ARG, device::blkpg_arg),
    (named::RAND_POOL, device::rand_pool),
    (named::RTC_PARAMETER, device::rtc_parameter),
    (named::UBI_MKVOL_REQ, device::ubi_mkvol_req),
    (named::UBI_RNVOL_REQ, device::ubi_rnvol_req),
    (named::INTERFACE_NAME, interface::interface_name),
    (named::SG_IO, scsi::sg_io),
    (named::VIDEO_REQUEST, video::video_request),
    (named::BTRFS_REQUEST, btrfs::btrfs_request),
    (named::FILE_DEDUPE, device::file_dedupe),
    (named::CONSOLE_REQUEST, console::console_request),
    (named::TEE_CALL, tee::tee_call),
    (named::TEE_VERSION, tee::tee_version),
    (named::INT_OPTION, option::int_option),
    (named::COMM, text::comm),
    (named::MOUNT_TEXT, text::mount_text),
    (named::KEYCTL_INPUT, keys::keyctl_input),
    (named::KEYCTL_INPUT2, keys::keyctl_input2),
    (named::KEYCTL_CAPABILITIES, keys::keyctl_capabilities),
    (named::KEYCTL_KDF_PARAMS, keys::keyctl_kdf_params),
    (named::KEYCTL_PKEY_PARAMS, keys::keyctl_pkey_params),
    (named::IO_URING_PROBE, uring::io_uring_probe),
    (named::IO_URING_RESTRICTION, uring::io_uring_restriction),
    (named::RESIDENCY, memory::residency),
];

/// The functions by the shape's index: the tracing thread asks at every stop.
static BY_INDEX: LazyLock<Vec<Go>> = LazyLock::new(|| {
    let of =
        |wanted: Shape| SHAPES.iter().find(|(shape, _)| *shape == wanted).map_or(address_only as Go, |(_, go)| *go);
    Shape::all().map(of).collect()
});

fn address_only(walk: &mut Walk<'_>, name: &'static str, word: u64, _: u64) {
    walk.put(name, if word == 0 { Value::Null } else { Value::Address(word) });
}

/// Whether what the kernel writes to the argument `name` is valid although the call failed.
pub(super) fn valid_on_failure(walk: &Walk<'_>, name: &str) -> bool {
    // nanosleep(2), clock_nanosleep(2): the remaining time is written when a handler interrupted the call.
    const EINTR: i64 = -4;
    const ERESTART_RESTARTBLOCK: i64 = -516;
    match name {
        "rmtp" => matches!(walk.call.result, Some(EINTR | ERESTART_RESTARTBLOCK)),
        // Where the buffers are is known all the same.
        "vec" | "lvec" => walk.call.row.name != "mincore",
        // The kernel says how long the structure may be.
        "attr_uptr" | "uattr" => too_big(walk),
        // What the device said of the command lies in what the program gave, whatever becomes of the call.
        "arg" if walk.call.row.name == "ioctl" => {
            let request = walk.word(1);
            low32(request) == SG_IO || video::told_on_failure(request) || console::told_on_failure(request)
        }
        _ => false,
    }
}

/// The request of a SCSI command (scsi/sg.h).
const SG_IO: u32 = 0x2285;

/// Whether a structure was longer than the kernel knows.
fn too_big(walk: &Walk<'_>) -> bool {
    const E2BIG: i64 = -7;
    walk.call.result == Some(E2BIG) && matches!(walk.call.row.name, "sched_setattr" | "perf_event_open")
}

/// Whether the word of argument `name` means nothing to this call.
pub(super) fn idle(walk: &Walk<'_>, name: &str) -> bool {
    const O_CREAT: u32 = 0o100;
    const O_TMPFILE: u32 = 0o20_000_000;
    match (walk.call.row.name, name) {
        // open(2): the mode "is used only when a file is created".
        ("open", "mode") => low32(walk.word(1)) & (O_CREAT | O_TMPFILE) == 0,
        ("openat", "mode") => low32(walk.word(2)) & (O_CREAT | O_TMPFILE) == 0,
        _ => false,
    }
}

/// Walks over an argument by its shape.
pub(super) fn walk_shape(walk: &mut Walk<'_>, shape: Shape, name: &'static str, word: u64, count: u64) {
    let go = BY_INDEX.get(shape.index()).copied().unwrap_or(address_only);
    go(walk, name, word, count);
}
