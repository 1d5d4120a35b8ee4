//! The two texts of Falco's configuration to what they mean. Whatever is wrong with them is refused here.

use smtrace::options::{Sibling, sibling};
use std::path::PathBuf;

/// The keys of `open_params` beside the siblings'.
const OWN: [&str; 5] = ["capture", "follow", "connect", "ring", "token_file"];

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file: a capture (`-w`), or lines of JSON (`--format json -o`).
    File {
        /// Its name.
        path: PathBuf,
        /// Whether it is still being written: its end is waited at, not taken for the end.
        follow: bool,
    },
    /// A unix socket on which a live smtrace gives lines of JSON.
    Unix(PathBuf),
    /// An address and port, as [`Place::Unix`].
    Tcp(String),
    /// The ring of a live smtrace (`--ring`), by its name: its memory is mapped, and what is not read in time is missed.
    Ring(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File { path, .. } => write!(f, "{}", path.display()),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
            Place::Tcp(address) => f.write_str(address),
            Place::Ring(name) => write!(f, "ring:{name}"),
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Params {
    /// What the siblings' keys say.
    pub sibling: Sibling,
    /// Where events come from.
    pub place: Place,
    /// The token that a live smtrace asks for.
    pub token: Option<String>,
}

impl Params {
    /// Reads both texts. `open_params` may also be the bare name of a file, `unix:PATH`, or `ring:NAME`.
    ///
    /// # Errors
    /// One line that says what is wrong and what to give instead.
    pub fn read(init_config: &str, open_params: &str) -> Result<Params, String> {
        let bare = open_params.trim();
        let is_object = bare.is_empty() || bare.starts_with(['{', '[']);
        let host = i32::try_from(std::process::id()).unwrap_or(0);
        let sibling = sibling(init_config, if is_object { open_params } else { "" }, &OWN, host)
            .map_err(|refusal| refusal.text.trim_end().to_owned())?;
        let own = |name: &str| sibling.own.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let follow = match own("follow") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(format!("smtrace: open_params: follow is \"{other}\"; give true or false")),
        };
        let places = ["capture", "connect", "ring"].map(|key| own(key).map(|value| (key, value)));
        let places: Vec<_> = places.into_iter().flatten().collect();
        let place = match places[..] {
            [(one, _), (other, _), ..] => {
                return Err(format!("smtrace: open_params: {one} and {other} are both given; give one"));
            }
            [("capture", path)] => Place::File { path: PathBuf::from(path), follow },
            [("ring", name)] => ring_of(name)?,
            [(_, address)] => address_of(address)?,
            [] if is_object => {
                return Err(
                    "smtrace: open_params: no source of events; give \"capture\" with a file, \"connect\" with \
                            unix:PATH or ADDRESS:PORT, or \"ring\" with a name"
                        .to_owned(),
                );
            }
            [] => match (bare.starts_with("unix:"), bare.strip_prefix("ring:")) {
                (true, _) => address_of(bare)?,
                (_, Some(name)) => ring_of(name)?,
                _ => Place::File { path: PathBuf::from(bare), follow: false },
            },
        };
        let token = match (own("token_file"), &place) {
            (None, _) => None,
            (Some(_), Place::File { .. } | Place::Ring(_)) => {
                return Err("smtrace: open_params: token_file goes with connect only; take it away".to_owned());
            }
            (Some(file), _) => Some(token(file)?),
        };
        Ok(Params { sibling, place, token })
    }
}

/// The first line of a token file.
fn token(file: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("smtrace: open_params: cannot read token_file {file}: {error}"))?;
    let word = text.lines().next().unwrap_or_default().trim();
    if word.is_empty() || word.len() > 1024 || !word.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!(
            "smtrace: open_params: token_file {file} has no token in its first line; give --token-file's"
        ));
    }
    Ok(word.to_owned())
}

fn ring_of(name: &str) -> Result<Place, String> {
    match name {
        "" => Err("smtrace: open_params: ring is empty; give the name that `smtrace --ring` was given".to_owned()),
        name => Ok(Place::Ring(name.to_owned())),
    }
}

fn address_of(address: &str) -> Result<Place, String> {
    let refuse = || {
        format!(
            "smtrace: open_params: connect is \"{address}\"; give unix:PATH or ADDRESS:PORT, as `smtrace --listen` was given"
        )
    };
    if let Some(path) = address.strip_prefix("unix:") {
        return if path.is_empty() { Err(refuse()) } else { Ok(Place::Unix(PathBuf::from(path))) };
    }
    let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>().ok()));
    if port.flatten().is_some() { Ok(Place::Tcp(address.to_owned())) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn place(open: &str) -> Place {
        Params::read("", open).unwrap().place
    }

    #[test]
    fn a_place_is_named_in_one_of_three_ways() {
        let file = |path: &str, follow| Place::File { path: PathBuf::from(path), follow };
        assert_eq!(place("{\"capture\": \"/x\"}"), file("/x", false));
        assert_eq!(place("{\"capture\": \"x\", \"follow\": \"true\"}"), file("x", true));
        assert_eq!(place("/run/a b"), file("/run/a b", false));
        assert_eq!(place("unix:/run/s"), Place::Unix(PathBuf::from("/run/s")));
        assert_eq!(place("ring:build"), Place::Ring("build".to_owned()));
        assert_eq!(place("{\"ring\": \"build\"}"), Place::Ring("build".to_owned()));
        assert_eq!(place("{\"connect\": \"[::1]:7\"}"), Place::Tcp("[::1]:7".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_remedy() {
        for (open, word) in [
            ("", "no source"),
            ("{}", "no source"),
            ("{", "bad JSON"),
            ("[1]", "an object"),
            ("{\"connect\": \"unix:\"}", "unix:PATH"),
            ("{\"connect\": \"localhost\"}", "ADDRESS:PORT"),
            ("{\"connect\": \":7\"}", "ADDRESS:PORT"),
            ("{\"connect\": \"h:70000\"}", "ADDRESS:PORT"),
            ("{\"connect\": \"h:7\", \"capture\": \"/x\"}", "give one"),
            ("{\"connect\": \"h:7\", \"ring\": \"x\"}", "connect and ring are both given"),
            ("{\"ring\": \"\"}", "ring is empty"),
            ("{\"ring\": \"x\", \"token_file\": \"/y\"}", "goes with connect"),
            ("{\"capture\": \"/x\", \"follow\": 1}", "follow is 1"),
            ("{\"capture\": \"/x\", \"filter_pids\": [4194304]}", "from 0 to 4194303"),
            ("{\"captures\": \"/x\"}", "did you mean `capture`?"),
            ("{\"capture\": \"/x\", \"token_file\": \"/y\"}", "goes with connect"),
            ("{\"connect\": \"h:7\", \"token_file\": \"/nonesuch\"}", "cannot read token_file"),
        ] {
            let said = Params::read("", open).unwrap_err();
            assert!(said.starts_with("smtrace: ") && said.contains(word) && !said.contains('\n'), "{open}: {said}");
        }
        assert!(Params::read("{\"str_max\": 1}", "/x").unwrap_err().contains("init_config:1: unknown key `str_max`"));
    }
}
