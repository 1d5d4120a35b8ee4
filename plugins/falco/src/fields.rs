//! The family's fields of one event, from its line of JSON. Pure; what an event does not have is `None`.
//!
//! Pairs of a number and a name can be had as either or as both: `3(close)`.

use serde_json::{Map, Value};

/// One event.
#[derive(Debug)]
pub struct Event(Value);

impl Event {
    /// Reads a line; `None` when it is no event.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Event> {
        let value: Value = serde_json::from_slice(line).ok()?;
        value.get("type")?.as_str()?;
        value.get("time_ns")?;
        Some(Event(value))
    }

    fn text(&self, key: &str) -> Option<String> {
        self.0.get(key).and_then(said)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.as_i64()
    }

    /// When it happened: nanoseconds since the epoch.
    #[must_use]
    pub fn time_ns(&self) -> Option<u64> {
        let time = self.0.get("time_ns")?;
        time.as_u64().or_else(|| time.as_str()?.parse().ok())
    }

    /// Whether it is a call that failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.number("result").is_some_and(|result| (-4095..0).contains(&result)) && self.is_call()
    }

    /// Whether it is a call.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.0.get("type").and_then(Value::as_str) == Some("syscall")
    }

    /// The event's name.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.text("name")
    }

    /// `linux.type`: the call's number and name.
    #[must_use]
    pub fn sort(&self, which: Which) -> Option<String> {
        which.of(self.number("nr").map(|nr| nr.to_string()), self.name())
    }

    /// `linux.user`: the effective user's number and name.
    #[must_use]
    pub fn user(&self, which: Which) -> Option<String> {
        which.of(self.number("uid").map(|uid| uid.to_string()), self.text("user"))
    }

    /// `linux.group`: the effective group's number and name.
    #[must_use]
    pub fn group(&self, which: Which) -> Option<String> {
        which.of(self.number("gid").map(|gid| gid.to_string()), self.text("group"))
    }

    /// `linux.fds`: the open descriptors of the process, each number and what it refers to.
    #[must_use]
    pub fn fds(&self, which: &FdWhich) -> Vec<String> {
        let entries = self.0.get("fds").and_then(Value::as_array);
        let of = |entry: &Value| {
            let (fd, path) = (entry.get("fd")?.as_i64()?, entry.get("path").and_then(said));
            match which {
                FdWhich::Each(which) => which.of(Some(fd.to_string()), path),
                FdWhich::One(number) => path.filter(|_| fd == *number),
            }
        };
        entries.into_iter().flatten().filter_map(of).collect()
    }

    /// `linux.args`: each argument as `name=value`, or the value of one.
    #[must_use]
    pub fn args(&self, name: Option<&str>) -> Vec<String> {
        let entries = self.0.get("args").and_then(Value::as_array);
        let of = |entry: &Value| {
            let own = entry.get("name")?.as_str()?;
            let value = entry.get("value").and_then(said).or_else(|| entry.get("raw").and_then(said));
            match name {
                Some(name) => value.filter(|_| own == name),
                None => Some(format!("{own}={}", value.unwrap_or_default())),
            }
        };
        entries.into_iter().flatten().filter_map(of).collect()
    }

    /// `linux.time`: local time, as text.
    #[must_use]
    pub fn time(&self) -> Option<String> {
        self.text("time")
    }

    /// `linux.dir`: `>` or `<`.
    #[must_use]
    pub fn dir(&self) -> Option<String> {
        self.text("dir")
    }

    /// `linux.comm`: the thread's name.
    #[must_use]
    pub fn comm(&self) -> Option<String> {
        self.text("comm")
    }

    /// `linux.cmdline`: the command line.
    #[must_use]
    pub fn cmdline(&self) -> Option<String> {
        self.text("cmdline")
    }

    /// `linux.fullpath`: the path of the program.
    #[must_use]
    pub fn fullpath(&self) -> Option<String> {
        self.text("exe")
    }

    /// `linux.pid`, `linux.tid`, `linux.ppid`.
    #[must_use]
    pub fn id(&self, key: &str) -> Option<u64> {
        self.number(key).and_then(|id| u64::try_from(id).ok())
    }

    /// `linux.res`: what the call returned.
    #[must_use]
    pub fn res(&self) -> Option<String> {
        self.number("result").map(|result| result.to_string())
    }
}

/// Which part of a pair is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The number.
    Key,
    /// The name.
    Value,
    /// `number(name)`.
    Pair,
}

impl Which {
    /// What `[key]`, `[value]` or nothing asks for.
    #[must_use]
    pub fn parse(arg: Option<&str>) -> Option<Which> {
        match arg {
            None | Some("") => Some(Which::Pair),
            Some("key") => Some(Which::Key),
            Some("value") => Some(Which::Value),
            Some(_) => None,
        }
    }

    fn of(self, key: Option<String>, value: Option<String>) -> Option<String> {
        match self {
            Which::Key => key,
            Which::Value => value,
            Which::Pair if key.is_none() && value.is_none() => None,
            Which::Pair => Some(format!("{}({})", key.unwrap_or_default(), value.unwrap_or_default())),
        }
    }
}

/// Which descriptors are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdWhich {
    /// All, as a part of each.
    Each(Which),
    /// What this number refers to.
    One(i64),
}

impl FdWhich {
    /// What `[key]`, `[value]`, `[3]` or nothing asks for.
    #[must_use]
    pub fn parse(arg: Option<&str>) -> Option<FdWhich> {
        let number = || arg.and_then(|arg| arg.parse().ok()).map(FdWhich::One);
        Which::parse(arg).map(FdWhich::Each).or_else(number)
    }
}

/// A value as text: what is text as it is, bytes and structures as JSON has them.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(word) => Some(word.to_string()),
        Value::Array(items) => Some(format!(
            "[{}]",
            items.iter().map(|item| said(item).unwrap_or_default()).collect::<Vec<_>>().join(", ")
        )),
        Value::Object(object) => Some(structure(object)),
    }
}

/// A value that has a form of its own in JSON, as the family's lines show it.
fn structure(object: &Map<String, Value>) -> String {
    let get = |key: &str| object.get(key);
    let raw = || get("raw").and_then(said).unwrap_or_default();
    // Bytes that are no text are {"bytes": "hexadecimal"}.
    if let Some(bytes) = get("bytes").and_then(Value::as_str) {
        return bytes.to_owned();
    }
    if let (Some(name), Some(_)) = (get("name").and_then(Value::as_str), get("raw")) {
        return name.to_owned();
    }
    if let Some(flags) = get("flags").and_then(Value::as_array) {
        let names: Vec<_> = flags.iter().filter_map(said).collect();
        return if names.is_empty() { raw() } else { names.join("|") };
    }
    if let (Some(fd), Some(path)) = (get("fd").and_then(said), get("path").and_then(said)) {
        return format!("{fd}({path})");
    }
    let fields = object.iter().map(|(key, value)| format!("{key}={}", said(value).unwrap_or_default()));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn event() -> Event {
        Event::parse(
            br#"{"v":1,"type":"syscall","time":"2026-01-01T00:00:00.5+00:00","time_ns":"1767225600500000000","name":"close",
            "nr":3,"abi":"x86_64","dir":"<","result":-9,"user":"root","uid":0,"group":null,"gid":7,"comm":{"bytes":"ff"},
            "cmdline":"a b","exe":"/bin/a","pid":5,"tid":6,"ppid":4,
            "args":[{"name":"fd","raw":3,"value":{"fd":3,"path":"/p"}},{"name":"x","raw":"0x1","value":["p","q"]},
            {"name":"flags","raw":5,"value":{"flags":["O_A","O_B"],"raw":5}},{"name":"cmd","value":{"name":"F_X","raw":2}},
            {"name":"addr","value":{"sin_port":7,"sin_addr":"1.2.3.4"}}],
            "fds":[{"fd":0,"path":"/dev/null"},{"fd":3,"path":"pipe:[1]"}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn pairs_can_be_taken_apart() {
        let event = event();
        assert_eq!(event.sort(Which::Pair).as_deref(), Some("3(close)"));
        assert_eq!((event.user(Which::Key), event.user(Which::Value)), (Some("0".into()), Some("root".into())));
        assert_eq!((event.group(Which::Value), event.group(Which::Pair).as_deref()), (None, Some("7()")));
        assert_eq!(event.fds(&FdWhich::parse(None).unwrap()), ["0(/dev/null)", "3(pipe:[1])"]);
        assert_eq!(event.fds(&FdWhich::parse(Some("key")).unwrap()), ["0", "3"]);
        assert_eq!(event.fds(&FdWhich::parse(Some("3")).unwrap()), ["pipe:[1]"]);
        assert!(event.fds(&FdWhich::One(4)).is_empty() && FdWhich::parse(Some("no")).is_none());
    }

    #[test]
    fn single_fields_are_told_as_they_are() {
        let event = event();
        let all = ["fd=3(/p)", "x=[p, q]", "flags=O_A|O_B", "cmd=F_X"];
        assert_eq!(event.args(None)[..4], all);
        assert!(event.args(Some("addr"))[0].contains("sin_addr=1.2.3.4"));
        assert_eq!(event.args(Some("x")), ["[p, q]"]);
        assert!(event.args(Some("y")).is_empty());
        assert_eq!((event.comm().as_deref(), event.fullpath().as_deref()), (Some("ff"), Some("/bin/a")));
        assert_eq!((event.id("ppid"), event.id("nope"), event.failed()), (Some(4), None, true));
        assert_eq!(event.time_ns(), Some(1_767_225_600_500_000_000));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for bad in [&b""[..], b"[]", b"null", b"{}", b"{\"type\":1,\"time_ns\":1}", b"\xff", b"{\"type\":\"x\"}"] {
            assert!(Event::parse(bad).is_none());
        }
    }
}
