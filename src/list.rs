//! `smtrace list`: what the table and the registries hold, as text or JSON. It must not decide anything.

use crate::model::Abi;
use crate::options::{Choices, Listing};
use crate::rules::fields;
use crate::rules::lang::Shape;
use crate::table::{self, Arg, Kind, Len, Phase, Ret, Row};
use serde_json::{Value, json};

/// The list that was asked for, with its last newline.
#[must_use]
pub fn render(what: &Listing, json: bool, choices: &Choices) -> String {
    match (what, json) {
        (Listing::Syscalls, false) => syscalls_text(),
        (Listing::Classes, false) => lines(table::classes().map(|class| {
            let calls = format!("{} calls", members(class));
            format!("%{class:<12} {calls:>9}  {}", table::class_about(class))
        })),
        (Listing::Formats, false) => lines(choices.formats.iter().map(|(name, about)| format!("{name:<10} {about}"))),
        (Listing::Fields, false) => lines(fields::rows().map(|row| {
            let takes = row.takes.word().unwrap_or("");
            let kind = if row.shape == Shape::List {
                format!("LIST({})", row.kind.name())
            } else {
                row.kind.name().to_owned()
            };
            format!("{:<44} {kind:<14} {takes:<12} {}", row.name, row.about)
        })),
        (what, true) => {
            let (key, entries): (_, Vec<Value>) = match what {
                Listing::Syscalls => ("syscalls", table::rows().iter().map(syscall_json).collect()),
                Listing::Classes => ("classes", table::classes().map(class_json).collect()),
                Listing::Fields => ("fields", fields::rows().map(field_json).collect()),
                Listing::Formats => (
                    "formats",
                    choices.formats.iter().map(|(name, about)| json!({"name": name, "about": about})).collect(),
                ),
            };
            format!("{}\n", json!({"version": 1, key: entries}))
        }
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn field_json(row: &fields::Row) -> Value {
    json!({
        "name": row.name,
        "type": row.kind.name(),
        "list": row.shape == Shape::List,
        "argument": row.takes.word(),
        "known": row.known,
        "deprecated": row.deprecated,
        "printable": row.prints,
        "about": row.about,
    })
}

fn members(class: &str) -> usize {
    table::rows().iter().filter(|row| row.classes.contains(&class)).count()
}

fn class_json(class: &'static str) -> Value {
    json!({"name": class, "calls": members(class), "about": table::class_about(class)})
}

fn syscalls_text() -> String {
    let heading = Abi::ALL.map(|abi| format!("{:>7}", abi.name())).join(" ");
    let heading = format!("{:<24} {heading}  {:<24} ARGUMENTS", "NAME", "CLASSES");
    let rows = table::rows().iter().map(|row| {
        let numbers = Abi::ALL.map(|abi| row.number(abi).map_or_else(|| "-".to_owned(), |number| number.to_string()));
        let numbers = numbers.map(|number| format!("{number:>7}")).join(" ");
        let args: Vec<_> =
            row.args(first_abi(row)).iter().map(|arg| format!("{}:{}", arg.name, argument(arg))).collect();
        format!("{:<24} {numbers}  {:<24} {}", row.name, row.classes.join(","), args.join(" "))
    });
    lines(std::iter::once(heading).chain(rows))
}

fn syscall_json(row: &Row) -> Value {
    let usual = first_abi(row);
    let numbers: serde_json::Map<_, _> =
        Abi::ALL.into_iter().map(|abi| (abi.name().to_owned(), json!(row.number(abi)))).collect();
    let others: serde_json::Map<_, _> = Abi::ALL
        .into_iter()
        .filter(|abi| row.number(*abi).is_some() && row.args(*abi) != row.args(usual))
        .map(|abi| (abi.name().to_owned(), arguments_json(row.args(abi))))
        .collect();
    json!({
        "name": row.name,
        "numbers": numbers,
        "classes": row.classes,
        "returns": result(row.ret),
        "args": arguments_json(row.args(usual)),
        "args_by_abi": others,
    })
}

fn arguments_json(args: &[Arg]) -> Value {
    args.iter().map(|arg| json!({"name": arg.name, "kind": argument(arg)})).collect()
}

/// The first ABI that has the call: its arguments stand for the others that do not differ.
fn first_abi(row: &Row) -> Abi {
    Abi::ALL.into_iter().find(|abi| row.number(*abi).is_some()).unwrap_or(Abi::X86_64)
}

/// An argument as the table writes it: `<` before what the kernel writes, `<>` before what it reads and writes.
fn argument(arg: &Arg) -> String {
    let direction = match arg.phase {
        Phase::In => "",
        Phase::Out => "<",
        Phase::InOut => "<>",
    };
    format!("{direction}{}", kind(arg.kind))
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Bytes(len) => format!("bytes({})", length(len)),
        Kind::Flags(set) => format!("flags({})", set.name),
        Kind::Enum(set) => format!("enum({})", set.name),
        Kind::Struct(thing) => format!("&{}", thing.name()),
        Kind::StructArray(thing, len) => format!("&{}[{}]", thing.name(), length(len)),
        Kind::StructSized(thing, len) => format!("&{}({})", thing.name(), length(len)),
        Kind::Union(union) => format!("union({})", union.name),
        plain => format!("{plain:?}").to_lowercase(),
    }
}

/// The argument by its place, as `$2`: the list names the arguments in their order.
fn length(len: Len) -> String {
    match len {
        Len::Arg(index) => format!("${index}"),
        Len::Ret => "ret".to_owned(),
    }
}

fn result(ret: Ret) -> String {
    format!("{ret:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::options::{Choices, Listing};
    use crate::table;

    const CHOICES: Choices = Choices { formats: &[("module", "the text of the kernel module")] };

    #[test]
    fn every_call_has_one_line_and_one_object() {
        let text = render(&Listing::Syscalls, false, &CHOICES);
        assert_eq!(text.lines().count(), table::rows().len() + 1);
        let line = text.lines().find(|line| line.starts_with("openat ")).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[1..8], ["257", "295", "257", "56", "56", "file,desc", "dfd:dirfd"]);
        let json: serde_json::Value = serde_json::from_str(&render(&Listing::Syscalls, true, &CHOICES)).unwrap();
        let rows = json["syscalls"].as_array().unwrap();
        assert_eq!(rows.len(), table::rows().len());
        let read = rows.iter().find(|row| row["name"] == "read").unwrap();
        assert_eq!((&read["numbers"]["i386"], &read["returns"]), (&3.into(), &"size".into()));
        assert_eq!(read["args"][1]["kind"], "<bytes(ret)");
        let mmap = rows.iter().find(|row| row["name"] == "mmap").unwrap();
        assert_eq!(mmap["args_by_abi"]["i386"][0]["name"], "arg");
    }

    #[test]
    fn classes_are_counted() {
        let text = render(&Listing::Classes, false, &CHOICES);
        assert_eq!(text.lines().count(), table::classes().count());
        assert!(text.lines().any(|line| line.starts_with("%network ") && line.contains("Calls on sockets.")));
        let json: serde_json::Value = serde_json::from_str(&render(&Listing::Classes, true, &CHOICES)).unwrap();
        assert!(json["classes"].as_array().unwrap().iter().all(|class| class["calls"].as_u64() > Some(0)));
    }

    #[test]
    fn formats_come_from_the_registry() {
        assert_eq!(render(&Listing::Formats, false, &CHOICES), "module     the text of the kernel module\n");
        let json: serde_json::Value = serde_json::from_str(&render(&Listing::Formats, true, &CHOICES)).unwrap();
        assert_eq!(json["formats"][0]["name"], "module");
    }
}
