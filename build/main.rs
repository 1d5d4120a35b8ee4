//! Turns the data files of `syscalls-table/` into the static tables that `src/table` includes.
//!
//! What is wrong in a file is refused here, with its line and a remedy, so that nothing after the build checks again.
//! One module for each kind of file; nothing here may know what a call or a constant means.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

pub(crate) mod attributes;
pub(crate) mod calls;
pub(crate) mod sets;
pub(crate) mod structs;
pub(crate) mod through;
pub(crate) mod unions;

/// The ABIs in `model::Abi`'s order: the name in the data files and in Rust.
const ABIS: [(&str, &str); 5] =
    [("x86_64", "X86_64"), ("i386", "I386"), ("x32", "X32"), ("aarch64", "Aarch64"), ("riscv64", "Riscv64")];

fn main() -> ExitCode {
    let folders = [sets::FOLDER, structs::FOLDER, unions::FOLDER, attributes::FOLDER];
    #[allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
    for input in ["build", calls::TABLE, through::TABLE, structs::SHAPES].into_iter().chain(folders) {
        println!("cargo:rerun-if-changed={input}");
    }
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let sets = sets::Sets::read(&files(sets::FOLDER, "set")?)?;
    write("sets.rs", &sets.render())?;
    let shapes = read(Path::new(structs::SHAPES))?;
    let structs = structs::Structs::read(&files(structs::FOLDER, "struct")?, &shapes, &sets)?;
    write("structs.rs", &structs.render()?)?;
    let tables = attributes::Tables::read(&files(attributes::FOLDER, "attributes")?, &sets)?;
    write("attributes.rs", &tables.render(&sets, &structs)?)?;
    let unions = unions::Unions::read(&files(unions::FOLDER, "union")?, &sets)?;
    let through = through::Through::read(&read(Path::new(through::TABLE))?, &sets)?;
    let names = calls::Names { sets: &sets, structs: &structs, unions: &unions, through: &through };
    write("syscalls.rs", &calls::generate(&read(Path::new(calls::TABLE))?, names)?)
}

/// The files of `folder` whose names end in `ending`, in the order of their names: path and text.
pub(crate) fn files(folder: &str, ending: &str) -> Result<Vec<(String, String)>, String> {
    let entries = fs::read_dir(folder).map_err(|err| no_input(Path::new(folder), &err))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths.iter().map(|path| Ok((path.display().to_string(), read(path)?))).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|err| no_input(path, &err))
}

fn no_input(path: &Path, err: &std::io::Error) -> String {
    format!("{}: {err}; build from the package's own folder", path.display())
}

fn write(name: &str, code: &str) -> Result<(), String> {
    let folder = env::var("OUT_DIR").map_err(|_| "OUT_DIR is not set; run this through cargo".to_owned())?;
    let path = Path::new(&folder).join(name);
    fs::write(&path, code).map_err(|err| format!("{}: {err}", path.display()))
}
