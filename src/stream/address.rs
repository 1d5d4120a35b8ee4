//! Where clients connect to. A socket's file is the user's own, and goes away with the listener.

use super::transport::{Socket, Transport};
use crate::model::Address;
use std::fs::Permissions;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A listening socket.
pub struct Listener {
    kind: Kind,
    /// The file to remove at the end.
    file: Option<PathBuf>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Listens at a path, for its owner alone. A socket file that nobody listens at any more is replaced.
///
/// # Errors
/// What bind(2) answers; `AddrInUse` when somebody listens there.
pub fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = path.symlink_metadata().is_ok_and(|data| data.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        std::fs::remove_file(path)?;
    }
    // Made with the right mode at once: a bind followed by chmod would leave a moment for others.
    let listener = crate::sys::sockets::bind_private(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

impl Listener {
    /// Listens at `address`.
    ///
    /// # Errors
    /// What bind(2) answers.
    pub fn bind(address: &Address) -> io::Result<Listener> {
        let (kind, file) = match address {
            Address::Tcp(to) => {
                let listener = TcpListener::bind(to)?;
                listener.set_nonblocking(true)?;
                (Kind::Tcp(listener), None)
            }
            Address::Unix(path) => {
                let listener = bind_unix(path)?;
                listener.set_nonblocking(true)?;
                (Kind::Unix(listener), Some(path.clone()))
            }
        };
        Ok(Listener { kind, file })
    }

    /// Where it really listens: a port that was given as 0 is known now.
    #[must_use]
    pub fn address(&self) -> String {
        match (&self.kind, &self.file) {
            (Kind::Tcp(listener), _) => listener.local_addr().map_or_else(|_| "?".to_owned(), |to| to.to_string()),
            (Kind::Unix(_), Some(path)) => format!("unix:{}", path.display()),
            (Kind::Unix(_), None) => "unix".to_owned(),
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener) => listener.as_fd(),
        }
    }

    /// The next client, if one is there.
    pub(super) fn accept(&self, tls: Option<&Arc<rustls::ServerConfig>>) -> Option<Transport> {
        let socket = match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, _) = listener.accept().ok()?;
                stream.set_nonblocking(true).ok()?;
                // Lines come in batches already.
                let _ = stream.set_nodelay(true);
                Socket::Tcp(stream)
            }
            Kind::Unix(listener) => {
                let (stream, _) = listener.accept().ok()?;
                stream.set_nonblocking(true).ok()?;
                Socket::Unix(stream)
            }
        };
        // The permissions of its file guard a unix socket.
        let tls = tls.filter(|_| matches!(socket, Socket::Tcp(_)));
        Transport::new(socket, tls).ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}
