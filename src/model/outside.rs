//! What a run offers to others while it runs: streams, a shared ring, control.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The word for the records themselves in place of a format: what a client gets then is a capture.
pub const CAPTURE_FORMAT: &str = "capture";

/// Who may look in from outside, and what a slow reader costs.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Where clients are streamed to (`--listen`).
    pub listen: Vec<Address>,
    /// The word that a client has to say first (`--token-file`).
    pub token: Option<String>,
    /// Certificate chain and key, when clients speak TLS (`--tls-cert`, `--tls-key`).
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The name by which other processes find the ring (`--ring`).
    pub ring: Option<String>,
    /// The socket that commands come from (`--control`).
    pub control: Option<PathBuf>,
    /// What happens when the log takes no more (`--on-overflow`).
    pub overflow: Overflow,
    /// Whether the plan comes from files, which SIGHUP reads again.
    pub files: bool,
}

/// A place to listen at or to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `--on-overflow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The traced processes wait until there is room.
    #[default]
    Wait,
    /// Records are dropped and counted.
    Drop,
}

/// What `smtrace connect` needs.
#[derive(Clone, Debug)]
pub struct Connect {
    /// Where to.
    pub to: Address,
    /// The name that a certificate has to be for.
    pub host: String,
    /// The first line: format, filters, token.
    pub line: String,
    /// Whether that asks for a capture.
    pub capture: bool,
    /// The certificates to trust; TLS is spoken when there are some.
    pub ca: Option<PathBuf>,
}
