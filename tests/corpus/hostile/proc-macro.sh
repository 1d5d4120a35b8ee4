# incident: rustdecimal (2022) at compile time: a macro of a dependency reads keys
# finding: credential-read
# needs: cargo
mkdir -p m/src c/src && printf '[package]\nname="m"\nversion="0.1.0"\nedition="2021"\n[lib]\nproc-macro=true\n[workspace]\n' > m/Cargo.toml
cat > m/src/lib.rs <<'R'
use proc_macro::TokenStream;
#[proc_macro] pub fn go(_: TokenStream) -> TokenStream { let _ = std::fs::read(format!("{}/.ssh/id_rsa", std::env::var("HOME").unwrap())); "".parse().unwrap() }
R
printf '[package]\nname="c"\nversion="0.1.0"\nedition="2021"\n[dependencies]\nm={path="../m"}\n[workspace]\n' > c/Cargo.toml && echo 'm::go!{} fn main() {}' > c/src/main.rs
cd c && cargo build --offline -q
