//! The built library through its C interface, as Falco loads it with `engine.kind: nodriver`: every event is one that
//! libscap's schema knows, of a capture that is read and of one that is still being written.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

use falco_event::events::{Event, RawEvent};
use falco_event_schema::events::AnyEvent;
use falco_plugin_api as api;
use std::ffi::{CStr, CString, c_char, c_void};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// How long anything is waited for: it ends what hangs, and must not end what is slow.
const PATIENCE: Duration = Duration::from_secs(240);

fn symbol(name: &str) -> *mut c_void {
    static LOADED: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let handle = *LOADED.get_or_init(|| {
        let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let name = "libsmtrace_falco_syscall.so";
        let places = [deps.join(name), deps.parent().unwrap().join(name)];
        let path = places.iter().find(|path| path.exists()).expect("cargo builds the library before its tests");
        let path = CString::new(path.to_str().unwrap()).unwrap();
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null());
        handle as usize
    });
    let found = unsafe { libc::dlsym(handle as *mut c_void, CString::new(format!("plugin_{name}")).unwrap().as_ptr()) };
    assert!(!found.is_null(), "plugin_{name}");
    found
}

type Init = unsafe extern "C-unwind" fn(*const api::ss_plugin_init_input, *mut i32) -> *mut api::ss_plugin_t;
type Tell = unsafe extern "C-unwind" fn(*mut api::ss_plugin_t) -> *const c_char;
type Open = unsafe extern "C-unwind" fn(*mut api::ss_plugin_t, *const c_char, *mut i32) -> *mut api::ss_instance_t;
type Close = unsafe extern "C-unwind" fn(*mut api::ss_plugin_t, *mut api::ss_instance_t);
type Next = unsafe extern "C-unwind" fn(
    *mut api::ss_plugin_t,
    *mut api::ss_instance_t,
    *mut u32,
    *mut *mut *mut api::ss_plugin_event,
) -> i32;

unsafe extern "C-unwind" fn no_error(_: *mut api::ss_plugin_owner_t) -> *const c_char {
    c"".as_ptr()
}

/// An initialised plugin.
struct Plugin(*mut api::ss_plugin_t);

impl Plugin {
    fn new() -> Plugin {
        let input = api::ss_plugin_init_input {
            config: c"{}".as_ptr(),
            owner: null_mut(),
            get_owner_last_error: Some(no_error),
            tables: std::ptr::null(),
            log_fn: None,
        };
        let mut rc = -1;
        let init: Init = unsafe { std::mem::transmute(symbol("init")) };
        let plugin = unsafe { init(&raw const input, &raw mut rc) };
        assert_eq!(rc, api::ss_plugin_rc_SS_PLUGIN_SUCCESS);
        Plugin(plugin)
    }

    fn open(&self, params: &str) -> Result<Instance<'_>, String> {
        let params = CString::new(params).unwrap();
        let open: Open = unsafe { std::mem::transmute(symbol("open")) };
        let mut rc = -1;
        let instance = unsafe { open(self.0, params.as_ptr(), &raw mut rc) };
        if rc == api::ss_plugin_rc_SS_PLUGIN_SUCCESS {
            return Ok(Instance(self, instance));
        }
        let tell: Tell = unsafe { std::mem::transmute(symbol("get_last_error")) };
        Err(unsafe { CStr::from_ptr(tell(self.0)) }.to_str().unwrap().to_owned())
    }
}

/// An open source.
struct Instance<'p>(&'p Plugin, *mut api::ss_instance_t);

impl Instance<'_> {
    /// Reads until `enough` of the events, as the schema's decoder shows them, or until the end.
    fn read(&self, enough: impl Fn(&[String]) -> bool) -> (Vec<String>, bool) {
        let next: Next = unsafe { std::mem::transmute(symbol("next_batch")) };
        let (mut told, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < deadline, "{}", told.join("\n"));
            let (mut count, mut events) = (0, null_mut());
            match unsafe { next(self.0.0, self.1, &raw mut count, &raw mut events) } {
                api::ss_plugin_rc_SS_PLUGIN_SUCCESS => {
                    for event in unsafe { std::slice::from_raw_parts(events, count as usize) } {
                        let raw = unsafe { RawEvent::from_ptr(event.cast()) }.unwrap();
                        let event: Event<AnyEvent<'_>> = Event::try_from(&raw).unwrap();
                        told.push(format!("{:?}", event.params));
                    }
                }
                api::ss_plugin_rc_SS_PLUGIN_TIMEOUT => {}
                _ => return (told, true),
            }
            if enough(&told) {
                return (told, false);
            }
        }
    }
}

impl Drop for Instance<'_> {
    fn drop(&mut self) {
        let close: Close = unsafe { std::mem::transmute(symbol("close")) };
        unsafe { close(self.0.0, self.1) };
    }
}

/// The tracer, where it was built.
fn smtrace() -> Option<Command> {
    let path = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("smtrace");
    if !path.exists() {
        eprintln!("skipped: {} is not built; `cargo build` makes it", path.display());
    }
    path.exists().then(|| Command::new(path))
}

fn scratch(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("raw-{}-{name}", std::process::id()));
    // A test that was killed may have left it.
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn it_stands_in_for_the_driver() {
    let id: unsafe extern "C-unwind" fn() -> u32 = unsafe { std::mem::transmute(symbol("get_id")) };
    let source: unsafe extern "C-unwind" fn() -> *const c_char =
        unsafe { std::mem::transmute(symbol("get_event_source")) };
    assert_eq!(unsafe { id() }, 0);
    assert_eq!(unsafe { CStr::from_ptr(source()) }, c"");
}

#[test]
fn a_capture_becomes_events_of_the_schema() {
    let Some(mut smtrace) = smtrace() else { return };
    let kept = scratch("kept");
    let script = "cat /etc/shadow >/dev/null 2>&1; cd /usr; true";
    assert!(smtrace.args(["-e", "all", "-w"]).arg(&kept).args(["--", "sh", "-c", script]).status().unwrap().success());
    let plugin = Plugin::new();
    let (told, ended) = plugin.open(kept.to_str().unwrap()).unwrap().read(|_| false);
    assert!(ended && told.len() > 100);
    for start in ["< clone res=0 exe=", "< execve res=0 exe=cat args=/etc/shadow.", "< chdir res=0", "> procexit"] {
        assert!(told.iter().any(|event| event.starts_with(start)), "{start}\n{}", told.join("\n"));
    }
    let only = format!("{{\"capture\": \"{}\", \"drop_mode\": true}}", kept.display());
    let (told, _) = plugin.open(&only).unwrap().read(|_| false);
    assert!(told.iter().any(|event| event.starts_with("< execve res=0 exe=cat")), "who is who is always told");
    assert!(!told.iter().any(|event| event.contains("openat")), "{}", told.join("\n"));
    std::fs::remove_file(&kept).unwrap();
}

#[test]
fn a_run_is_seen_while_it_goes_on() {
    let Some(mut smtrace) = smtrace() else { return };
    let kept = scratch("live");
    let mut run = smtrace
        .args(["-e", "openat", "-w"])
        .arg(&kept)
        .args(["--", "sh", "-c", "cat /etc/hostname; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while std::fs::metadata(&kept).map_or(0, |data| data.len()) == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    let plugin = Plugin::new();
    let source = plugin.open(&format!("{{\"capture\": \"{}\", \"follow\": true}}", kept.display())).unwrap();
    let seen = |told: &[String]| told.iter().any(|event| event.contains("/etc/hostname"));
    let (_, ended) = source.read(seen);
    assert!(!ended && run.try_wait().unwrap().is_none(), "seen before it ended");
    drop(run.stdin.take());
    run.wait().unwrap();
    assert!(source.read(|_| false).1, "and then it ends");
    std::fs::remove_file(&kept).unwrap();
}

/// A traced shell that goes on until it is killed or nobody reads what it writes, with `options` that let others see its events.
fn live(mut smtrace: Command, options: &[&str]) -> Child {
    let mut run = smtrace
        .args(["-e", "openat", "-o", "/dev/null"])
        .args(options)
        .args(["--", "sh", "-c", "echo ready; while cat /etc/hostname; do :; done"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 6];
    run.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let mut rest = run.stdout.take().unwrap();
    std::thread::spawn(move || std::io::copy(&mut rest, &mut std::io::sink()));
    run
}

/// What the plugin tells of such a shell at `place`, and of its end.
fn sees(run: &mut Child, place: &str) {
    let plugin = Plugin::new();
    let source = plugin.open(place).unwrap();
    // The shell was there before; cat came after.
    let seen = |told: &[String]| {
        let has = |start: &str, part: &str| told.iter().any(|event| event.starts_with(start) && event.contains(part));
        has("< execve res=0 exe=cat args=/etc/hostname.", "") && has("< openat fd=", "/etc/hostname")
    };
    let (told, ended) = source.read(seen);
    assert!(!ended, "{}", told.join("\n"));
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(source.read(|_| false).1, "a source that vanished ends");
}

#[test]
fn a_live_smtrace_gives_its_records() {
    let Some(smtrace) = smtrace() else { return };
    let socket = scratch("socket");
    let place = format!("unix:{}", socket.display());
    let mut run = live(smtrace, &["--listen", &place]);
    sees(&mut run, &place);
    let _ = std::fs::remove_file(&socket);
}

#[test]
fn the_ring_of_a_live_smtrace_gives_its_records() {
    let Some(smtrace) = smtrace() else { return };
    let name = format!("raw-{}", std::process::id());
    // The log needs no arguments: they are captured for us.
    let mut run = live(smtrace, &["--ring", &name]);
    sees(&mut run, &format!("{{\"ring\": \"{name}\"}}"));
}

#[test]
fn what_has_no_records_is_refused() {
    let plugin = Plugin::new();
    assert!(plugin.open("unix:/nonesuch").err().unwrap().contains("start smtrace there first"));
    assert!(plugin.open("ring:nonesuch").err().unwrap().contains("no smtrace runs with --ring of that name"));
    assert!(plugin.open("/nonesuch").err().unwrap().contains("cannot read /nonesuch"));
    assert!(plugin.open("").err().unwrap().contains("no source of events"));
}
