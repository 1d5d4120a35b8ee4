//! `smtrace connect`: a stream's lines, or its capture, to stdout until the stream ends or nobody reads.

use super::{Records, tls};
use crate::model::{Address, Connect};
use rustls::pki_types::ServerName;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// Connects and copies; what went wrong otherwise.
///
/// # Errors
/// One line for the user.
pub fn connect(to: &Connect) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("cannot connect to {}: {error}", to.to);
    match &to.to {
        Address::Unix(path) => copy(UnixStream::connect(path).map_err(|error| failed(&error))?, to),
        Address::Tcp(address) => {
            let socket = TcpStream::connect(address).map_err(|error| failed(&error))?;
            let Some(ca) = &to.ca else { return copy(socket, to) };
            let name = ServerName::try_from(to.host.clone()).map_err(|error| failed(&error))?;
            let connection = rustls::ClientConnection::new(tls::client(ca)?, name).map_err(|error| failed(&error))?;
            copy(rustls::StreamOwned::new(connection, socket), to)
        }
    }
}

fn copy(mut stream: impl Read + Write, to: &Connect) -> Result<(), String> {
    let failed = |error: &io::Error| format!("{}: {error}", to.to);
    stream.write_all(format!("{}\n", to.line).as_bytes()).map_err(|error| failed(&error))?;
    stream.flush().map_err(|error| failed(&error))?;
    if to.capture {
        // Whether it is whole is said by who reads it.
        return pass_on(Records::new(stream), to).map(drop);
    }
    match pass_on(stream, to)? {
        b'\n' => Ok(()),
        _ => Err(format!("{}: the stream broke off in a line", to.to)),
    }
}

/// Copies to stdout, and says what came last.
fn pass_on(mut stream: impl Read, to: &Connect) -> Result<u8, String> {
    let failed = |error: &io::Error| format!("{}: {error}", to.to);
    let mut buffer = vec![0; 64 * 1024];
    let mut stdout = io::stdout().lock();
    let mut last = b'\n';
    loop {
        let n = match stream.read(&mut buffer) {
            Ok(0) => return Ok(last),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(&error)),
        };
        let bytes = buffer.get(..n).unwrap_or(&[]);
        last = bytes.last().copied().unwrap_or(last);
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(b'\n'),
            Err(error) => return Err(format!("cannot write to stdout: {error}")),
        }
    }
}
