//! The built library through its C interface, as Falco loads it: every function, mistakes, sources that vanish or say
//! nothing, many openings and closings; and the SDK's own runner on top of the same functions.

#![allow(missing_docs, unsafe_code, unused_unsafe, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

use falco_plugin_api as api;
use std::ffi::{CStr, CString, c_char, c_void};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SUCCESS: i32 = api::ss_plugin_rc_SS_PLUGIN_SUCCESS;
const FAILURE: i32 = api::ss_plugin_rc_SS_PLUGIN_FAILURE;
const TIMEOUT: i32 = api::ss_plugin_rc_SS_PLUGIN_TIMEOUT;
const EOF: i32 = api::ss_plugin_rc_SS_PLUGIN_EOF;

/// How long anything is waited for: it ends what hangs, and must not end what is slow.
const PATIENCE: Duration = Duration::from_secs(240);

/// The functions of the family's plugins.
const FUNCTIONS: [&str; 15] = [
    "get_required_api_version",
    "init",
    "destroy",
    "get_last_error",
    "get_name",
    "get_description",
    "get_contact",
    "get_version",
    "get_id",
    "get_event_source",
    "open",
    "close",
    "next_batch",
    "get_fields",
    "extract_fields",
];

/// The library beside the test.
fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let places = [deps.join("libsmtrace_falco.so"), deps.parent().unwrap().join("libsmtrace_falco.so")];
    places.iter().find(|path| path.exists()).expect("cargo builds the library before its tests").clone()
}

/// The address of an exported function.
fn symbol(name: &str) -> *mut c_void {
    static LOADED: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let handle = *LOADED.get_or_init(|| {
        let path = CString::new(library().to_str().unwrap()).unwrap();
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!handle.is_null());
        handle as usize
    });
    let name = CString::new(format!("plugin_{name}")).unwrap();
    unsafe { libc::dlsym(handle as *mut c_void, name.as_ptr()) }
}

macro_rules! function {
    ($name:literal, fn($($arg:ty),* $(,)?) $(-> $ret:ty)?) => {
        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C-unwind" fn($($arg),*) $(-> $ret)?>(symbol($name)) }
    };
}

fn text(from: *const c_char) -> String {
    assert!(!from.is_null());
    unsafe { CStr::from_ptr(from) }.to_str().unwrap().to_owned()
}

fn told(name: &'static str) -> String {
    let tell =
        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C-unwind" fn() -> *const c_char>(symbol(name)) };
    text(unsafe { tell() })
}

unsafe extern "C-unwind" fn no_error(_: *mut api::ss_plugin_owner_t) -> *const c_char {
    c"".as_ptr()
}

/// A plugin that was initialised.
struct Plugin(*mut api::ss_plugin_t);

impl Plugin {
    fn init(config: &str) -> (Plugin, i32) {
        let config = CString::new(config).unwrap();
        let input = api::ss_plugin_init_input {
            config: config.as_ptr(),
            owner: null_mut(),
            get_owner_last_error: Some(no_error),
            tables: null(),
            log_fn: None,
        };
        let mut rc = -1;
        let init = function!("init", fn(*const api::ss_plugin_init_input, *mut i32) -> *mut api::ss_plugin_t);
        (Plugin(unsafe { init(&raw const input, &raw mut rc) }), rc)
    }

    fn new() -> Plugin {
        let (plugin, rc) = Plugin::init("{}");
        assert_eq!(rc, SUCCESS, "{}", plugin.error());
        plugin
    }

    fn error(&self) -> String {
        text(unsafe { function!("get_last_error", fn(*mut api::ss_plugin_t) -> *const c_char)(self.0) })
    }

    fn open(&self, params: &str) -> Result<Instance<'_>, String> {
        let params = CString::new(params).unwrap();
        let mut rc = -1;
        let open = function!("open", fn(*mut api::ss_plugin_t, *const c_char, *mut i32) -> *mut api::ss_instance_t);
        let instance = unsafe { open(self.0, params.as_ptr(), &raw mut rc) };
        if rc == SUCCESS { Ok(Instance(self, instance)) } else { Err(self.error()) }
    }

    /// One field of an event: all its values as text.
    fn extract(
        &self,
        event: *const api::ss_plugin_event,
        field: &str,
        arg: Option<&str>,
    ) -> Result<Vec<String>, String> {
        let fields = told("get_fields");
        let fields: serde_json::Value = serde_json::from_str(&fields).unwrap();
        let (id, of) = fields.as_array().unwrap().iter().enumerate().find(|(_, of)| of["name"] == field).unwrap();
        let (name, arg) = (CString::new(field).unwrap(), arg.map(|arg| CString::new(arg).unwrap()));
        let number = of["type"] == "uint64";
        let mut wanted: api::ss_plugin_extract_field = unsafe { std::mem::zeroed() };
        wanted.field_id = u32::try_from(id).unwrap();
        wanted.field = name.as_ptr();
        wanted.arg_key = arg.as_ref().map_or(null(), |arg| arg.as_ptr());
        wanted.arg_present = u32::from(arg.is_some());
        wanted.ftype = if number { 8 } else { 9 };
        wanted.flist = u32::from(of["isList"] == true);
        let given = api::ss_plugin_event_input { evt: event, evtnum: 1, evtsrc: c"linux_ebpf".as_ptr() };
        let mut input: api::ss_plugin_field_extract_input = unsafe { std::mem::zeroed() };
        let mut tables: api::ss_plugin_table_reader_vtable_ext = unsafe { std::mem::zeroed() };
        input.table_reader_ext = &raw mut tables;
        input.num_fields = 1;
        input.fields = &raw mut wanted;
        input.get_owner_last_error = Some(no_error);
        let extract = function!(
            "extract_fields",
            fn(
                *mut api::ss_plugin_t,
                *const api::ss_plugin_event_input,
                *const api::ss_plugin_field_extract_input,
            ) -> i32
        );
        if unsafe { extract(self.0, &raw const given, &raw const input) } != SUCCESS {
            return Err(self.error());
        }
        let count = usize::try_from(wanted.res_len).unwrap();
        let value = |at: usize| unsafe {
            if number { (*wanted.res.u64_.add(at)).to_string() } else { text(*wanted.res.str_.add(at)) }
        };
        Ok((0..count).map(value).collect())
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        unsafe { function!("destroy", fn(*mut api::ss_plugin_t))(self.0) };
    }
}

/// A source that was opened.
struct Instance<'p>(&'p Plugin, *mut api::ss_instance_t);

impl Instance<'_> {
    fn next(&self) -> (i32, &[*mut api::ss_plugin_event]) {
        let (mut count, mut events) = (u32::MAX, null_mut());
        let next = function!(
            "next_batch",
            fn(*mut api::ss_plugin_t, *mut api::ss_instance_t, *mut u32, *mut *mut *mut api::ss_plugin_event) -> i32
        );
        let rc = unsafe { next(self.0.0, self.1, &raw mut count, &raw mut events) };
        let events = if rc == SUCCESS { unsafe { std::slice::from_raw_parts(events, count as usize) } } else { &[] };
        (rc, events)
    }

    /// Reads until the source ends; how many events, and how it ended.
    fn drain(&self) -> (usize, i32) {
        let (mut count, deadline) = (0, Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < deadline, "the source never ends");
            match self.next() {
                (SUCCESS, events) => count += events.len(),
                (TIMEOUT, _) => {}
                (rc, _) => return (count, rc),
            }
        }
    }
}

impl Drop for Instance<'_> {
    fn drop(&mut self) {
        unsafe { function!("close", fn(*mut api::ss_plugin_t, *mut api::ss_instance_t))(self.0.0, self.1) };
    }
}

/// A file of the test's own that goes away with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(content: &str) -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("plugin-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).unwrap();
        Scratch(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn line(name: &str, pid: i32, result: i64) -> String {
    format!(
        "{{\"v\":1,\"type\":\"syscall\",\"time\":\"2026-01-01T00:00:00+00:00\",\"time_ns\":\"1767225600000000007\",\
         \"name\":\"{name}\",\"nr\":257,\"dir\":\"<\",\"result\":{result},\"user\":\"root\",\"uid\":0,\"comm\":\"c{pid}\",\
         \"cmdline\":\"c x\",\"exe\":\"/bin/c\",\"pid\":{pid},\"tid\":{pid},\"ppid\":1,\
         \"args\":[{{\"name\":\"filename\",\"raw\":\"0x1\",\"value\":\"/etc/shadow\"}}],\
         \"fds\":[{{\"fd\":3,\"path\":\"/etc/shadow\"}}]}}\n"
    )
}

#[test]
fn every_function_of_the_family_is_exported_and_answers() {
    for name in FUNCTIONS {
        assert!(!symbol(name).is_null(), "plugin_{name}");
    }
    assert_eq!(told("get_name"), "linux_ebpf");
    assert_eq!(told("get_event_source"), "linux_ebpf");
    assert_eq!(unsafe { function!("get_id", fn() -> u32)() }, 999);
    assert!(told("get_required_api_version").starts_with("3."));
    assert_eq!(told("get_version").split('.').count(), 3);
    assert!(!told("get_description").is_empty() && !told("get_contact").is_empty());
    let fields: serde_json::Value = serde_json::from_str(&told("get_fields")).unwrap();
    let names: Vec<_> = fields.as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    for name in
        ["type", "user", "group", "fds", "args", "time", "dir", "comm", "pid", "tid", "ppid", "cmdline", "fullpath"]
    {
        assert!(names.contains(&format!("linux.{name}").as_str()), "{name}");
    }
    let mut sort = 0;
    let schema = function!("get_init_schema", fn(*mut u32) -> *const c_char);
    let schema: serde_json::Value = serde_json::from_str(&text(unsafe { schema(&raw mut sort) })).unwrap();
    assert_eq!(sort, api::ss_plugin_schema_type_SS_PLUGIN_SCHEMA_JSON);
    assert_eq!(schema["properties"]["str_max_size"]["maximum"], 65536);
}

#[test]
fn a_wrong_init_config_is_refused_with_our_words() {
    for (config, word) in [
        ("{", "config"),
        ("[]", "give an object"),
        ("{\"str_max_size\": 65537}", "from 0 to 65536"),
        ("{\"str_max_sise\": 1}", "did you mean `str_max_size`?"),
        ("{\"putfile\": true}", "give \"path\""),
        ("{\"format\": \"xml\"}", "\"normal\" or \"json\""),
        ("{\"log_level\": 9}", "0 to 8"),
    ] {
        let (plugin, rc) = Plugin::init(config);
        assert_eq!(rc, FAILURE, "{config}");
        assert!(plugin.error().contains(word), "{config}: {}", plugin.error());
    }
    let (plugin, rc) = Plugin::init("");
    assert_eq!(rc, SUCCESS, "{}", plugin.error());
    let (plugin, rc) = Plugin::init("{\"rich_value_size\": \"64\", \"str_max_size\": 16, \"log_level\": \"info\"}");
    assert_eq!(rc, SUCCESS, "{}", plugin.error());
}

#[test]
fn wrong_open_params_are_refused_with_our_words() {
    let plugin = Plugin::new();
    let many = format!("{{\"capture\": \"/x\", \"filter_pids\": [{}]}}", vec!["1"; 65].join(","));
    for (params, word) in [
        ("", "no source of events"),
        ("{]", "bad JSON"),
        ("{\"capture\": \"/nonesuch\"}", "cannot read /nonesuch"),
        ("{\"connect\": \"unix:/nonesuch\"}", "cannot connect to unix:/nonesuch"),
        ("{\"capture\": \"/x\", \"filter_comms\": [\"seventeen-letters\"]}", "17 characters"),
        ("{\"capture\": \"/x\", \"interest_syscall_file\": \"/nonesuch\"}", "/nonesuch: cannot be read"),
        (many.as_str(), "give at most 64"),
    ] {
        let said = plugin.open(params).err().expect(params);
        assert!(said.contains(word), "{params}: {said}");
    }
    let mut rc = -1;
    let open = function!("open", fn(*mut api::ss_plugin_t, *const c_char, *mut i32) -> *mut api::ss_instance_t);
    assert!(unsafe { open(plugin.0, null(), &raw mut rc) }.is_null());
    assert_eq!(rc, FAILURE);
}

#[test]
fn events_come_with_all_their_fields() {
    let lines = Scratch::new(&[line("openat", 7, 3), "not JSON\n".to_owned(), line("close", 8, -9)].concat());
    let plugin = Plugin::new();
    let source = plugin.open(&format!("{{\"capture\": \"{}\"}}", lines.path())).unwrap();
    let (rc, events) = source.next();
    assert_eq!((rc, events.len()), (SUCCESS, 2), "a bad line is left out");
    let event = events[0].cast_const();
    assert_eq!(unsafe { (*event).ts }, 1_767_225_600_000_000_007);
    for (field, arg, want) in [
        ("linux.type", None, &["257(openat)"][..]),
        ("linux.type", Some("value"), &["openat"]),
        ("linux.user", Some("key"), &["0"]),
        ("linux.fds", None, &["3(/etc/shadow)"]),
        ("linux.fds", Some("3"), &["/etc/shadow"]),
        ("linux.fds", Some("4"), &[]),
        ("linux.args", None, &["filename=/etc/shadow"]),
        ("linux.args", Some("filename"), &["/etc/shadow"]),
        ("linux.group", None, &[]),
        ("linux.pid", None, &["7"]),
        ("linux.ppid", None, &["1"]),
        ("linux.dir", None, &["<"]),
        ("linux.comm", None, &["c7"]),
        ("linux.cmdline", None, &["c x"]),
        ("linux.fullpath", None, &["/bin/c"]),
        ("linux.time", None, &["2026-01-01T00:00:00+00:00"]),
    ] {
        assert_eq!(plugin.extract(event, field, arg).unwrap(), want, "{field} {arg:?}");
    }
    assert!(plugin.extract(event, "linux.type", Some("nope")).unwrap_err().contains("[key]"));
    assert_eq!(source.next().0, EOF);
    assert_eq!(source.next().0, EOF);
}

#[test]
fn messages_go_to_the_log_file() {
    let (log, lines) = (Scratch::new(""), Scratch::new(&format!("{}no event\n", line("openat", 7, 3))));
    let config = format!("{{\"log_level\": \"info\", \"log_file\": \"{}\"}}", log.path());
    let (plugin, rc) = Plugin::init(&config);
    assert_eq!(rc, SUCCESS);
    assert_eq!(plugin.open(lines.path()).unwrap().drain(), (1, EOF));
    assert!(plugin.open("/nonesuch").is_err());
    let told = fs::read_to_string(&log.0).unwrap();
    for part in [
        "info: reading events from",
        "warning: 1 lines of",
        "ended: 1 events, 0 left out",
        "error: cannot read /nonesuch",
    ] {
        assert!(told.contains(&part.replace("warning", "warn")), "{part}: {told}");
    }
}

#[test]
fn the_siblings_filters_hold() {
    let lines = Scratch::new(&[line("openat", 7, 3), line("close", 8, -9), line("read", 9, 1)].concat());
    let marks = Scratch::new("{\"read\": {\"interesting\": 1}}");
    let plugin = Plugin::new();
    for (params, left) in [
        ("\"filter_own\": true".to_owned(), 3),
        ("\"drop_failed\": true".to_owned(), 2),
        ("\"filter_pids\": [7, 9]".to_owned(), 1),
        ("\"filter_comms\": [\"c8\"], \"filter_falco\": true".to_owned(), 2),
        ("\"drop_mode\": true".to_owned(), 0),
        (format!("\"interest_syscall_file\": \"{}\"", marks.path()), 1),
    ] {
        let source = plugin.open(&format!("{{\"capture\": \"{}\", {params}}}", lines.path())).unwrap();
        assert_eq!(source.drain(), (left, EOF), "{params}");
    }
}

#[test]
fn a_silent_source_gives_falco_its_time_back_and_a_vanished_one_ends() {
    let path = Scratch::new("");
    fs::remove_file(&path.0).unwrap();
    let listener = UnixListener::bind(&path.0).unwrap();
    let plugin = Plugin::new();
    let source = plugin.open(&format!("unix:{}", path.path())).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    for _ in 0..3 {
        assert_eq!(source.next().0, TIMEOUT);
    }
    peer.write_all(line("openat", 7, 3).as_bytes()).unwrap();
    peer.write_all(b"{\"cut off").unwrap();
    drop(peer);
    assert_eq!(source.drain(), (1, EOF));
}

#[test]
fn records_of_a_capture_are_the_lines_of_replay() {
    let Some(smtrace) = smtrace() else { return };
    let (kept, lines) = (Scratch::new(""), Scratch::new(""));
    let run = |args: &[&str]| assert!(Command::new(&smtrace).args(args).status().unwrap().success(), "{args:?}");
    run(&["-e", "%file,%process", "-w", kept.path(), "--", "sh", "-c", "cat /etc/hostname >/dev/null"]);
    run(&["replay", kept.path(), "--format", "json", "-o", lines.path()]);
    let replayed = fs::read_to_string(&lines.0).unwrap();
    let plugin = Plugin::new();
    let source = plugin.open(kept.path()).unwrap();
    let mut got = String::new();
    loop {
        let (rc, events) = source.next();
        for event in events {
            got += &shown(&plugin, event.cast_const());
            got.push('\n');
        }
        if rc == EOF {
            break;
        }
    }
    assert!(replayed.lines().count() > 20);
    assert!(got == replayed, "the plugin's events are not replay's lines; is target's smtrace of this source?");
}

#[test]
fn the_ring_of_a_live_smtrace_gives_its_events_with_arguments_and_open_files() {
    let Some(smtrace) = smtrace() else { return };
    let name = format!("plugin-{}", std::process::id());
    let mut run = Command::new(&smtrace)
        .args(["-e", "openat", "-o", "/dev/null", "--ring", &name])
        .args(["--", "sh", "-c", "echo ready; exec 7</etc/passwd; while :; do cat /etc/hostname >/dev/null; done"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    run.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
    let plugin = Plugin::new();
    let source = plugin.open(&format!("{{\"ring\": \"{name}\"}}")).unwrap();
    let deadline = Instant::now() + PATIENCE;
    // The log shows neither arguments nor open files: the tracer learns that we need them.
    let wanted = ["\"openat\"", "\"/etc/hostname\"", "\"/etc/passwd\"", "\"comm\":\"cat\""];
    let mut found = false;
    while !found {
        assert!(Instant::now() < deadline);
        let (rc, events) = source.next();
        assert_ne!(rc, EOF);
        found = events.iter().any(|event| {
            let line = shown(&plugin, event.cast_const());
            wanted.iter().all(|word| line.contains(word))
        });
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(source.drain().1, EOF, "a source that vanished ends");
}

/// What `evt.plugininfo` is.
fn shown(plugin: &Plugin, event: *const api::ss_plugin_event) -> String {
    let show =
        function!("event_to_string", fn(*mut api::ss_plugin_t, *const api::ss_plugin_event_input) -> *const c_char);
    let input = api::ss_plugin_event_input { evt: event, evtnum: 1, evtsrc: c"linux_ebpf".as_ptr() };
    text(unsafe { show(plugin.0, &raw const input) })
}

/// The tracer, where it was built.
fn smtrace() -> Option<PathBuf> {
    let path = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("smtrace");
    if !path.exists() {
        eprintln!("skipped: {} is not built; `cargo build` makes it", path.display());
    }
    path.exists().then_some(path)
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn opening_and_closing_leaks_nothing() {
    let cycles: usize = std::env::var("SMTRACE_CYCLES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let lines = Scratch::new(&line("openat", 7, 3).repeat(50));
    let (plugin, files) = (Plugin::new(), || fs::read_dir("/proc/self/fd").unwrap().count());
    let cycle = || {
        let source = plugin.open(lines.path()).unwrap();
        source.next();
    };
    for _ in 0..100 {
        cycle();
    }
    // Other tests of this process run beside it and may take memory meanwhile, but not each time: what leaks does.
    let mut last = (0, 0);
    let kept = (0..20).any(|_| {
        let (before, open) = (resident(), files());
        (0..cycles).for_each(|_| cycle());
        last = (resident().saturating_sub(before), files().saturating_sub(open));
        last.0 < 16 << 20 && last.1 < 20
    });
    let (grown, more) = last;
    assert!(kept, "{grown} bytes and {more} descriptors more after {cycles} openings");
    println!("{cycles} openings: {grown} bytes more");
}

#[test]
fn the_sdks_runner_gets_events_and_fields() {
    let lines = Scratch::new(&[line("openat", 7, 3), line("close", 8, 0)].concat());
    // The runner opens without parameters, so the file is named for it here.
    *PARAMS.lock().unwrap() = Some(CString::new(lines.path()).unwrap());
    let mut loaded: api::plugin_api = unsafe { std::mem::zeroed() };
    macro_rules! fill {
        ($($place:expr => $name:literal),* $(,)?) => {
            $(unsafe { *(&raw mut $place).cast::<*mut c_void>() = symbol($name); })*
        };
    }
    fill!(
        loaded.get_required_api_version => "get_required_api_version", loaded.get_init_schema => "get_init_schema",
        loaded.init => "init", loaded.destroy => "destroy", loaded.get_last_error => "get_last_error",
        loaded.get_name => "get_name", loaded.get_description => "get_description", loaded.get_contact => "get_contact",
        loaded.get_version => "get_version", loaded.set_config => "set_config", loaded.get_metrics => "get_metrics",
        loaded.__bindgen_anon_1.get_id => "get_id", loaded.__bindgen_anon_1.get_event_source => "get_event_source",
        loaded.__bindgen_anon_1.close => "close", loaded.__bindgen_anon_1.next_batch => "next_batch",
        loaded.__bindgen_anon_1.event_to_string => "event_to_string",
        loaded.__bindgen_anon_2.get_fields => "get_fields", loaded.__bindgen_anon_2.extract_fields => "extract_fields",
        loaded.__bindgen_anon_2.get_extract_event_types => "get_extract_event_types",
        loaded.__bindgen_anon_2.get_extract_event_sources => "get_extract_event_sources",
    );
    loaded.__bindgen_anon_1.open = Some(open_named);
    let mut runner = falco_plugin_runner::PluginRunner::new();
    runner.register_plugin(Box::leak(Box::new(loaded)), c"{}").unwrap();
    let mut runner = runner.start_capture().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let event = loop {
        match runner.next_event() {
            Ok(event) => break event,
            Err(_) => assert!(Instant::now() < deadline),
        }
    };
    let mut field = |name: &str| format!("{:?}", runner.extract_field(&event, name).unwrap().unwrap());
    assert!(field("linux.type").contains("257(openat)"), "{}", field("linux.type"));
    assert!(field("linux.args[filename]").contains("/etc/shadow"));
    assert!(field("evt.plugininfo").contains("openat"));
}

static PARAMS: std::sync::Mutex<Option<CString>> = std::sync::Mutex::new(None);

unsafe extern "C-unwind" fn open_named(
    plugin: *mut api::ss_plugin_t,
    _: *const c_char,
    rc: *mut i32,
) -> *mut api::ss_instance_t {
    let params = PARAMS.lock().unwrap().clone().unwrap();
    let open = function!("open", fn(*mut api::ss_plugin_t, *const c_char, *mut i32) -> *mut api::ss_instance_t);
    unsafe { open(plugin, params.as_ptr(), rc) }
}
