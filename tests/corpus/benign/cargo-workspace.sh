# build: a Rust workspace with a procedural macro, a build script that calls the C compiler, and tests that talk over loopback
# needs: cargo gcc ar
mkdir -p app/src macros/src && printf '[workspace]\nmembers = ["app", "macros"]\nresolver = "2"\n' > Cargo.toml
printf '[package]\nname = "macros"\nversion = "0.1.0"\nedition = "2021"\n[lib]\nproc-macro = true\n' > macros/Cargo.toml
cat > macros/src/lib.rs <<'R'
#[proc_macro]
pub fn seven(_: proc_macro::TokenStream) -> proc_macro::TokenStream { "7".parse().unwrap() }
R
printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmacros = { path = "../macros" }\n' > app/Cargo.toml
cat > app/build.rs <<'R'
use std::process::Command;
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/c.c"), "int three(void) { return 3; }\n").unwrap();
    assert!(Command::new("gcc").args(["-c", "c.c", "-o", "c.o"]).current_dir(&out).status().unwrap().success());
    assert!(Command::new("ar").args(["rcs", "libc3.a", "c.o"]).current_dir(&out).status().unwrap().success());
    println!("cargo:rustc-link-search=native={out}\ncargo:rustc-link-lib=static=c3");
}
R
cat > app/src/lib.rs <<'R'
extern "C" { fn three() -> i32; }
pub fn ten() -> i32 { macros::seven!() + unsafe { three() } }
#[test]
fn adds() { assert_eq!(ten(), 10); }
#[test]
fn talks() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"hello").unwrap());
    let mut text = String::new();
    std::net::TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
    server.join().unwrap();
    assert_eq!(text, "hello");
}
R
cargo --offline -q test 2>/dev/null
