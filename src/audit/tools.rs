//! Programs by what they are good for, so that detectors can tell a shell from a compiler.
//!
//! By name alone, for a renamed program is another program; the digest in the facts tells which it was.

use super::text::base;

/// What a program is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing special.
    #[default]
    Other,
    /// Runs commands.
    Shell,
    /// Runs programs of another language.
    Interpreter,
    /// Gets files from the network for whoever calls it.
    Downloader,
    /// Gets and installs packages, and checks them by its own rules.
    PackageManager,
    /// Unpacks archives.
    Archiver,
    /// Passes on what it reads.
    Copier,
}

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "csh", "tcsh", "fish", "rbash", "busybox"];

/// Names that a version may follow.
const INTERPRETERS: &[&str] = &[
    "python", "perl", "ruby", "node", "nodejs", "php", "lua", "luajit", "pypy", "deno", "bun", "tclsh", "Rscript",
    "java",
];

const DOWNLOADERS: &[&str] = &[
    "curl",
    "wget",
    "wget2",
    "aria2c",
    "fetch",
    "axel",
    "nc",
    "ncat",
    "netcat",
    "nc.openbsd",
    "nc.traditional",
    "socat",
    "telnet",
    "ftp",
    "lftp",
    "tftp",
    "scp",
    "sftp",
    "rsync",
    "openssl",
    "http",
    "https",
    "lynx",
    "w3m",
];

const MANAGERS: &[&str] = &[
    "git",
    "git-remote-http",
    "git-remote-https",
    "cargo",
    "rustup",
    "pip",
    "pip3",
    "uv",
    "poetry",
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "go",
    "mvn",
    "gradle",
    "gem",
    "bundle",
    "bundler",
    "composer",
    "apt",
    "apt-get",
    "dpkg",
    "dnf",
    "yum",
    "rpm",
    "apk",
    "pacman",
    "brew",
    "conda",
    "mamba",
    "conan",
    "vcpkg",
    "nix",
    "docker",
    "buildah",
    "podman",
    "buildctl",
];

const ARCHIVERS: &[&str] = &["tar", "bsdtar", "unzip", "cpio", "7z", "7za", "ar", "dpkg-deb", "rpm2cpio", "jar"];

const COPIERS: &[&str] = &[
    "cat", "tee", "cp", "mv", "dd", "install", "base64", "base32", "xxd", "openssl", "gpg", "gunzip", "gzip", "zcat",
    "xz", "xzcat", "unxz", "bzip2", "bunzip2", "bzcat", "zstd", "zstdcat", "lz4", "sed", "tr", "head", "tail", "rev",
    "cut", "awk", "gawk", "mawk", "grep", "sort", "uniq", "od", "hexdump", "uudecode", "iconv", "split", "pv",
    "sponge",
];

/// Programs that make plain what was encoded or packed.
const DECODERS: &[&str] = &[
    "base64", "base32", "basenc", "xxd", "uudecode", "openssl", "gpg", "xz", "unxz", "xzcat", "lzma", "unlzma",
    "lzcat", "gunzip", "gzip", "zcat", "bunzip2", "bzip2", "bzcat", "zstd", "unzstd", "zstdcat", "lz4", "lz4cat",
    "brotli", "rev", "ascii85",
];

/// Those of them whose input is text: what they decode was hidden and not packed.
const DECIPHERERS: &[&str] = &["base64", "base32", "basenc", "xxd", "uudecode", "openssl", "rev", "ascii85"];

fn among(list: &[&str], exe: &[u8], argv0: &[u8]) -> bool {
    [argv0, exe].iter().any(|name| list.iter().any(|known| known.as_bytes() == base(name)))
}

/// Whether the program `exe`, called `argv0`, makes plain what was encoded or packed.
#[must_use]
pub fn decodes(exe: &[u8], argv0: &[u8]) -> bool {
    among(DECODERS, exe, argv0)
}

/// Whether the program `exe`, called `argv0`, makes plain what was encoded as text.
#[must_use]
pub fn deciphers(exe: &[u8], argv0: &[u8]) -> bool {
    among(DECIPHERERS, exe, argv0)
}

/// What the program `exe`, called `argv0`, is good for.
#[must_use]
pub fn kind(exe: &[u8], argv0: &[u8]) -> Kind {
    let (exe, name) = (base(exe), base(argv0.strip_prefix(b"-").unwrap_or(argv0)));
    [name, exe].iter().map(|name| by_name(name)).find(|kind| *kind != Kind::Other).unwrap_or_default()
}

fn by_name(name: &[u8]) -> Kind {
    let is = |list: &[&str]| list.iter().any(|known| known.as_bytes() == name);
    let versioned = |known: &&str| {
        let rest = name.strip_prefix(known.as_bytes());
        rest.is_some_and(|rest| rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
    };
    match name {
        name if is(SHELLS) && name != b"busybox" => Kind::Shell,
        name if is(DOWNLOADERS) && name != b"openssl" => Kind::Downloader,
        _ if is(MANAGERS) => Kind::PackageManager,
        _ if is(ARCHIVERS) => Kind::Archiver,
        _ if is(COPIERS) => Kind::Copier,
        _ if INTERPRETERS.iter().any(versioned) => Kind::Interpreter,
        _ => Kind::Other,
    }
}

/// Scripts that get and install packages, which an interpreter runs: by their last or their last but one name (a package
/// that is run as a directory has `__main__.py` in it, and pip calls itself by `__pip-runner__.py`).
const SCRIPTED: &[&str] = &[
    "pip",
    "pip3",
    "pipx",
    "poetry",
    "pdm",
    "hatch",
    "pipenv",
    "virtualenv",
    "tox",
    "nox",
    "pre-commit",
    "pre_commit",
    "conda",
    "mamba",
    "ensurepip",
    "npm",
    "npm-cli.js",
    "npx",
    "npx-cli.js",
    "yarn",
    "yarn.js",
    "yarnpkg",
    "pnpm",
    "pnpm.cjs",
    "pnpx",
    "corepack",
    "corepack.js",
    "gem",
    "bundle",
    "bundler",
    "composer",
    "composer.phar",
    "cpan",
    "cpanm",
    "conan",
];

/// Whether a command line of `kind` runs a script that gets and installs packages. One that lies among the build's `own`
/// files is taken for that only where a package manager would put it: beside its interpreter (a virtual environment), or
/// among installed packages.
#[must_use]
pub fn installs(kind: Kind, argv: &[&[u8]], cwd: &[u8], own: impl Fn(&[u8]) -> bool) -> bool {
    let known = |name: &[u8]| {
        let name = name.strip_suffix(b".py").unwrap_or(name);
        let plain = name.strip_prefix(b"__").and_then(|name| name.strip_suffix(b"-runner__")).unwrap_or(name);
        let plain = plain.split(|byte| *byte == b'.').next().filter(|start| *start == b"pip3").unwrap_or(plain);
        SCRIPTED.iter().any(|known| known.as_bytes() == plain)
    };
    if kind == Kind::PackageManager {
        return true;
    }
    if kind != Kind::Interpreter {
        return false;
    }
    if let Source::File(path) = program_source(kind, argv) {
        let absolute = |path: &[u8]| {
            let mut out = Vec::new();
            crate::event::join(cwd, path, &mut out);
            out
        };
        let path = absolute(path);
        let dir = |path: &[u8]| memchr::memrchr(b'/', path).map(|at| path[..at].to_vec()).unwrap_or_default();
        // A name without a slash was looked for in PATH.
        let beside = argv.first().is_some_and(|name| name.contains(&b'/') && dir(&absolute(name)) == dir(&path));
        let places = [&b"/site-packages/"[..], b"/node_modules/"];
        let packaged = places.iter().any(|place| memchr::memmem::find(&path, place).is_some());
        return (beside || packaged || !own(&path)) && path.rsplit(|byte| *byte == b'/').take(2).any(known);
    }
    // `python3 -m pip`, `-Im pip.__main__`
    let module =
        argv.iter().position(|word| word.starts_with(b"-") && word.ends_with(b"m")).and_then(|at| argv.get(at + 1));
    module.and_then(|module| module.split(|byte| *byte == b'.').next()).is_some_and(known)
}

/// Where a shell or an interpreter has its program from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// It is none, or its command line is the program.
    Elsewhere,
    /// What it reads from its standard input.
    Stdin,
    /// A file.
    File(&'a [u8]),
    /// A word of its command line.
    Word(&'a [u8]),
}

/// Where the program of a command line of `kind` comes from.
#[must_use]
pub fn program_source<'a>(kind: Kind, argv: &[&'a [u8]]) -> Source<'a> {
    if !matches!(kind, Kind::Shell | Kind::Interpreter) {
        return Source::Elsewhere;
    }
    if argv.first().is_some_and(|name| base(name) == b"java") {
        let jar = argv.iter().position(|word| *word == b"-jar").and_then(|at| argv.get(at + 1));
        return jar.map_or(Source::Elsewhere, |jar| Source::File(jar));
    }
    let mut words = argv.iter().skip(1).copied().peekable();
    while let Some(word) = words.next() {
        if word == b"-" {
            return Source::Stdin;
        }
        if word == b"--" {
            return words.next().map_or(Source::Stdin, Source::File);
        }
        let Some(letters) = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")) else {
            return Source::File(word);
        };
        if letters.starts_with(b"-") {
            // `--rcfile FILE`, `--init-file FILE`; most long options have their value in the same word.
            if matches!(letters, b"-rcfile" | b"-init-file") {
                words.next();
            }
            if matches!(letters, b"-version" | b"-help" | b"-eval" | b"-print") {
                return Source::Elsewhere;
            }
            continue;
        }
        let inline: &[u8] = match argv.first().map_or(&[][..], |name| base(name)) {
            _ if kind == Kind::Shell => b"c",
            name if name.starts_with(b"py") => b"cm",
            name if name.starts_with(b"perl") => b"eE",
            name if name.starts_with(b"php") => b"r",
            _ => b"ep",
        };
        if kind == Kind::Shell && letters.contains(&b's') && !letters.contains(&b'c') {
            return Source::Stdin;
        }
        if letters.iter().any(|letter| inline.contains(letter)) {
            return if inline == b"cm" && letters.contains(&b'm') {
                Source::Elsewhere
            } else {
                inline_word(&mut words)
            };
        }
        if kind == Kind::Shell && letters == b"o" {
            words.next();
        }
        // `-I DIR` of Perl and Ruby; Python's -I has no value.
        let python = inline == b"cm";
        if kind == Kind::Interpreter && (matches!(letters, b"W" | b"X") || (letters == b"I" && !python)) {
            words.next();
        }
    }
    Source::Stdin
}

fn inline_word<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Source<'a> {
    words.find(|word| !word.starts_with(b"-")).map_or(Source::Elsewhere, Source::Word)
}

#[cfg(test)]
mod tests {
    use super::{Kind, Source, kind, program_source};

    #[test]
    fn a_program_is_what_it_is_called_or_is() {
        for (exe, name, want) in [
            ("/usr/bin/dash", "sh", Kind::Shell),
            ("/usr/bin/python3.13", "python3", Kind::Interpreter),
            ("/usr/bin/curl", "curl", Kind::Downloader),
            ("/usr/bin/python3.13", "pip", Kind::PackageManager),
            ("/bin/busybox", "wget", Kind::Downloader),
            ("/usr/bin/gcc-12", "gcc", Kind::Other),
        ] {
            assert_eq!(kind(exe.as_bytes(), name.as_bytes()), want, "{exe} {name}");
        }
    }

    #[test]
    fn decoders_are_known() {
        assert!(super::decodes(b"/usr/bin/xz", b"xzcat") && super::decodes(b"/bin/busybox", b"base64"));
        assert!(!super::decodes(b"/usr/bin/cat", b"cat"));
    }

    #[test]
    fn scripts_that_install_are_known() {
        let of = |line: &'static str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            super::installs(kind(words[0], words[0]), &words, b"/w", |path| !path.starts_with(b"/usr/"))
        };
        for line in [
            "/w/v/bin/python3 v/bin/pip install -q pytest",
            "/usr/bin/python3.11 -Im ensurepip --upgrade",
            "python3 -m pip install build",
            "python3 -I -m pip.__main__ install build",
            "python3 /w/v/lib/python3.11/site-packages/pip/__pip-runner__.py install wheel",
            "python3 /tmp/x/site-packages/pip install wheel",
            "python3 /usr/bin/pip3.11 download x",
            "node /usr/bin/npm ci",
            "node /usr/lib/node_modules/npm/bin/npm-cli.js install",
            "ruby /usr/bin/gem install x",
            "cargo build",
        ] {
            assert!(of(line), "{line}");
        }
        for line in [
            "python3 setup.py install",
            "node install.js",
            "python3 -c pip",
            "sh pip",
            "python3 -m json.tool",
            "perl -e npm",
            "python3 bin/pip x",
            "/opt/bin/python3 bin/pip x",
            "node ./npm",
        ] {
            assert!(!of(line), "{line}");
        }
    }

    #[test]
    fn a_command_line_tells_where_the_program_is() {
        let of = |line: &'static str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            program_source(kind(words[0], words[0]), &words)
        };
        assert_eq!(of("sh"), Source::Stdin);
        assert_eq!(of("bash -s -- x"), Source::Stdin);
        assert_eq!(of("bash -ex build.sh a"), Source::File(b"build.sh"));
        assert_eq!(of("sh -c make"), Source::Word(b"make"));
        assert_eq!(of("bash -o pipefail -c make"), Source::Word(b"make"));
        assert_eq!(of("python3 -"), Source::Stdin);
        assert_eq!(of("python3 -u"), Source::Stdin);
        assert_eq!(of("python3 -m json.tool"), Source::Elsewhere);
        assert_eq!(of("python3 -c print()"), Source::Word(b"print()"));
        assert_eq!(of("perl -e 1"), Source::Word(b"1"));
        assert_eq!(of("node index.js"), Source::File(b"index.js"));
        assert_eq!(of("java -Xmx1g -jar lib/x.jar a"), Source::File(b"lib/x.jar"));
        assert_eq!(of("java -cp lib Main -jar"), Source::Elsewhere);
        assert_eq!(of("cat x"), Source::Elsewhere);
    }
}
