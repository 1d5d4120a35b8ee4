//! Options that let others look in: where to listen, who may, and what a slow reader costs.

use super::cli::id;
use super::{Choices, Refusal, amend};
use crate::model::{Address, CAPTURE_FORMAT, Connect, Outside, Overflow, Plan};
use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The longest token, and the shortest.
const TOKEN: std::ops::RangeInclusive<usize> = 16..=1024;

/// The longest path of a unix socket (unix(7), sun_path, with its NUL).
const MAX_SUN_PATH: usize = 107;

const LISTEN: &str = "listen";
const TOKEN_FILE: &str = "token-file";
const TLS_CERT: &str = "tls-cert";
const TLS_KEY: &str = "tls-key";
const TLS_CA: &str = "tls-ca";
const RING: &str = "ring";
const CONTROL: &str = "control";
const ON_OVERFLOW: &str = "on-overflow";
const ADDRESS: &str = "address";
const COMMAND_WORDS: &str = "command-words";

fn file(name: &'static str, about: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name("FILE").value_hint(ValueHint::FilePath);
    arg.value_parser(OsStringValueParser::new()).help(about)
}

/// The options of a trace.
pub(super) fn args() -> [Arg; 7] {
    const HEADING: &str = "Who may look in";
    [
        Arg::new(LISTEN)
            .long(LISTEN)
            .value_name("ADDR:PORT|unix:PATH")
            .action(ArgAction::Append)
            .value_parser(OsStringValueParser::new())
            .help("Stream events to whoever connects; a port alone is on loopback"),
        file(TOKEN_FILE, "A file with the token that clients have to give; needed beyond loopback"),
        file(TLS_CERT, "The certificate chain (PEM) for TLS over TCP"),
        file(TLS_KEY, "Its private key (PEM)"),
        Arg::new(RING).long(RING).value_name("NAME").help("Let other processes read the ring itself (attach-ring)"),
        file(CONTROL, "Take commands on this socket (ctl)").value_name("PATH"),
        Arg::new(ON_OVERFLOW)
            .long(ON_OVERFLOW)
            .value_name("wait|drop")
            .value_parser(PossibleValuesParser::new(["wait", "drop"]))
            .help(
                "When the log takes no more: the traced processes wait (default), or records are dropped and counted",
            ),
    ]
    .map(|arg| arg.help_heading(HEADING))
}

/// The other side: `ctl`, `connect` and `attach-ring`.
pub(super) fn subcommands(choices: &Choices) -> [Command; 3] {
    let formats: Vec<_> = choices.formats.iter().map(|(name, about)| PossibleValue::new(*name).help(*about)).collect();
    let capture = PossibleValue::new(CAPTURE_FORMAT).help("the records themselves, as a capture: for replay -");
    let shown = |formats: Vec<PossibleValue>| {
        [
            Arg::new(id::FORMAT)
                .long("format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(formats))
                .help("The form of an event; default the stream's"),
            Arg::new(id::ENABLE)
                .short('e')
                .long("filter")
                .value_name("EXPR")
                .help("Show only these of the traced calls, as in -e of a trace"),
            Arg::new(id::STR_MAX)
                .short('s')
                .long("str-max")
                .value_name("N")
                .help("Cut the text of an argument at N bytes"),
            Arg::new(id::DIR)
                .long("dir")
                .value_name("WHICH")
                .value_parser(PossibleValuesParser::new(["enter", "exit", "both"]))
                .help("Which events of a call are shown"),
            Arg::new(id::DROP_FAILED)
                .long("drop-failed")
                .action(ArgAction::SetTrue)
                .help("Leave out calls that failed"),
        ]
    };
    [
        Command::new("ctl")
            .about("Steer a running smtrace (--control): status, enable, disable, set, test, ...")
            .arg(file(CONTROL, "The socket of --control").long(None).value_name("PATH").required(true))
            .arg(
                Arg::new(COMMAND_WORDS)
                    .value_name("COMMAND")
                    .required(true)
                    .num_args(1..)
                    .trailing_var_arg(true)
                    .allow_hyphen_values(true)
                    .help("The command and its words; a wrong one lists them all"),
            ),
        Command::new("connect")
            .about("Show the events that a running smtrace streams (--listen)")
            .arg(
                Arg::new(ADDRESS)
                    .value_name("ADDR:PORT|unix:PATH")
                    .required(true)
                    .value_parser(OsStringValueParser::new())
                    .help("Where it listens"),
            )
            .args(shown(formats.iter().cloned().chain([capture]).collect()))
            .arg(
                Arg::new(id::FDS)
                    .long("fds")
                    .value_name("true|false")
                    .value_parser(PossibleValuesParser::new(["true", "false"]))
                    .help("Whether a capture holds the open files at each event, which costs most; default true"),
            )
            .arg(file(TOKEN_FILE, "A file with the token"))
            .arg(file(TLS_CA, "Speak TLS, and trust these certificates (PEM)")),
        Command::new("attach-ring")
            .about("Show the events of a running smtrace from its own memory (--ring)")
            .arg(Arg::new(RING).value_name("NAME").required(true).help("The name of --ring"))
            .args(shown(formats))
            .arg(file(id::OUTPUT, "Write events to FILE; default stdout").short('o')),
    ]
}

/// What `smtrace ctl` means: the socket and the command's words.
pub(super) fn ctl(typed: &ArgMatches) -> Result<(PathBuf, Vec<String>), Refusal> {
    let path = typed.get_one::<OsString>(CONTROL).cloned().unwrap_or_default();
    let words = typed.get_many::<String>(COMMAND_WORDS).into_iter().flatten().cloned().collect();
    Ok((socket_path(&path, "ctl")?, words))
}

fn mistake(what: &str) -> Refusal {
    Refusal::mistake(what)
}

/// What the options in `typed` offer to others.
pub(super) fn outside(typed: &ArgMatches) -> Result<Outside, Refusal> {
    // A replay has nothing to offer.
    if typed.try_contains_id(LISTEN).is_err() {
        return Ok(Outside::default());
    }
    let listen = typed.get_many::<OsString>(LISTEN).into_iter().flatten();
    let listen = listen.map(|word| address(word)).collect::<Result<Vec<_>, _>>()?;
    let token = token(typed)?;
    let path = |name| typed.get_one::<OsString>(name).map(PathBuf::from);
    let tls = match (path(TLS_CERT), path(TLS_KEY)) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => return Err(mistake("--tls-cert and --tls-key go together; give both")),
    };
    let far = listen.iter().find(|address| matches!(address, Address::Tcp(to) if !to.ip().is_loopback()));
    if let (Some(far), None) = (far, &token) {
        return Err(mistake(&format!(
            "--listen {far} can be reached from other machines; give --token-file, or listen on 127.0.0.1"
        )));
    }
    if listen.is_empty() && (token.is_some() || tls.is_some()) {
        return Err(mistake("--token-file, --tls-cert and --tls-key go with --listen; give it too"));
    }
    let overflow = match typed.get_one::<String>(ON_OVERFLOW).map(String::as_str) {
        Some("drop") => Overflow::Drop,
        _ => Overflow::Wait,
    };
    let ring = typed.get_one::<String>(RING).map(|name| ring_name(name)).transpose()?;
    let control = typed.get_one::<OsString>(CONTROL).map(|path| socket_path(path, "--control")).transpose()?;
    let files = typed.contains_id(id::CONFIG) || typed.contains_id(id::INTEREST);
    Ok(Outside { listen, token, tls, ring, control, overflow, files })
}

fn socket_path(path: &OsStr, option: &str) -> Result<PathBuf, Refusal> {
    if path.is_empty() || path.len() > MAX_SUN_PATH {
        return Err(mistake(&format!("{option} needs the path of a socket, 1 to {MAX_SUN_PATH} bytes")));
    }
    Ok(PathBuf::from(path))
}

/// A name in the abstract namespace of unix sockets.
pub(super) fn ring_name(name: &str) -> Result<String, Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        return Err(mistake(&format!("ring name `{name}`: give 1 to 64 letters, digits, `.`, `_` or `-`")));
    }
    Ok(name.to_owned())
}

/// `ADDR:PORT`, `PORT` on loopback, or `unix:PATH`.
fn address(word: &OsStr) -> Result<Address, Refusal> {
    if let Some(path) = word.as_bytes().strip_prefix(b"unix:") {
        return socket_path(OsStr::from_bytes(path), "unix:").map(Address::Unix);
    }
    let text = word.to_string_lossy();
    if let Ok(port) = text.parse() {
        return Ok(Address::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
    }
    let known = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    let wrong = || mistake(&format!("`{text}` is no address; give ADDR:PORT, PORT or unix:PATH"));
    known.map(Address::Tcp).ok_or_else(wrong)
}

/// The first line of the token file, without its end.
fn token(typed: &ArgMatches) -> Result<Option<String>, Refusal> {
    let Some(path) = typed.get_one::<OsString>(TOKEN_FILE) else { return Ok(None) };
    let path = Path::new(path);
    let mut text = String::new();
    let most = u64::try_from(*TOKEN.end()).unwrap_or(u64::MAX) + 2;
    let read = std::fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
    read.map_err(|error| mistake(&format!("cannot read --token-file {}: {error}", path.display())))?;
    let token = text.trim_end_matches(['\n', '\r']);
    if !TOKEN.contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(mistake(&format!(
            "--token-file {} has to hold one line of {} to {} printable characters without blanks",
            path.display(),
            TOKEN.start(),
            TOKEN.end()
        )));
    }
    Ok(Some(token.to_owned()))
}

/// The words of `connect` and `attach-ring` that change a plan, as one line.
fn line(typed: &ArgMatches) -> String {
    let mut words = Vec::new();
    for (name, key) in [(id::FORMAT, "format"), (id::STR_MAX, "str-max"), (id::DIR, "dir"), (id::ENABLE, "filter")] {
        words.extend(typed.get_one::<String>(name).map(|value| format!("{key}={value}")));
    }
    if typed.get_flag(id::DROP_FAILED) {
        words.push("drop-failed=true".to_owned());
    }
    words.join(" ")
}

/// What `smtrace connect` means.
pub(super) fn connect(typed: &ArgMatches, choices: &Choices) -> Result<Connect, Refusal> {
    let word = typed.get_one::<OsString>(ADDRESS).cloned().unwrap_or_default();
    let to = address(&word)?;
    let mut line = line(typed);
    if let Some(fds) = typed.get_one::<String>(id::FDS) {
        line = format!("{line} fds={fds}");
    }
    let capture = amended(&line, choices)?.capture.is_some();
    if let Some(token) = token(typed)? {
        line = format!("token={token} {line}");
    }
    let text = word.to_string_lossy();
    let host = text.rsplit_once(':').map_or("localhost", |(host, _)| host).trim_matches(['[', ']']).to_owned();
    Ok(Connect { to, host, line, capture, ca: typed.get_one::<OsString>(TLS_CA).map(PathBuf::from) })
}

/// What `smtrace attach-ring` means: the ring's name and a plan that says what is shown, and where.
pub(super) fn attach_ring(typed: &ArgMatches, choices: &Choices) -> Result<(String, Plan), Refusal> {
    let name = ring_name(typed.get_one::<String>(RING).map_or("", String::as_str))?;
    let mut plan = amended(&line(typed), choices)?;
    plan.output.path = Some(typed.get_one::<OsString>(id::OUTPUT).map_or_else(|| PathBuf::from("-"), PathBuf::from));
    Ok((name, plan))
}

/// The default plan, for all calls, changed by `line`.
fn amended(line: &str, choices: &Choices) -> Result<Plan, Refusal> {
    let typed = super::cli::command(choices).try_get_matches_from(["smtrace", "-e", "all", "--", "-"]);
    let typed = typed.map_err(|error| super::from_clap(&error))?;
    let mut plan = super::plan::plan(&typed, choices)?;
    amend::amend(&mut plan, line, choices).map_err(|what| mistake(&what))?;
    Ok(plan)
}
