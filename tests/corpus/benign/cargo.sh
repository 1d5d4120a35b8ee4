# build: a Rust workspace with a build script and tests, offline
# needs: cargo
mkdir -p src && cat > Cargo.toml <<'T'
[package]
name = "demo"
version = "0.1.0"
edition = "2021"
[workspace]
T
cat > build.rs <<'R'
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/made.rs"), "pub const MADE: u32 = 7;").unwrap();
}
R
printf 'include!(concat!(env!("OUT_DIR"), "/made.rs"));\nfn main() { println!("{MADE}"); }\n#[test]\nfn made() { assert_eq!(MADE, 7); }\n' > src/main.rs
cargo --offline build && cargo --offline test && cargo --offline run
