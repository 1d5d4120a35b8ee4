//! Addresses, names and words that are known for one thing.

use super::Fold;
use super::object::Address;
use crate::audit::limits::Mark;
use crate::audit::model::Level;
use crate::audit::text::base;
use crate::audit::tools::Kind;

/// Where clouds tell a machine, and whoever asks on it, who it is and with which key it may act: the metadata services of
/// AWS, Google, Azure and others, of AWS's containers, of Alibaba, and of AWS by IPv6.
const METADATA: &[&str] = &["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "168.63.129.16"];

/// Programs that are for this.
const ASKERS: &[&[u8]] =
    &[b"aws", b"cloud-init", b"amazon-ssm-agent", b"google_guest_agent", b"waagent", b"ec2-metadata", b"gcloud"];

/// A kind of names.
struct Renown {
    rule: &'static str,
    about: &'static str,
    /// The ends of names; whole labels.
    ends: &'static [&'static str],
}

const NAMES: &[Renown] = &[
    Renown {
        rule: "drop-site-asked",
        about: "A name is asked for under which anybody can collect data without saying who they are",
        ends: &[
            "webhook.site",
            "requestbin.com",
            "requestbin.net",
            "pipedream.net",
            "interact.sh",
            "oast.fun",
            "oast.live",
            "oast.me",
            "oast.online",
            "oast.pro",
            "oast.site",
            "oastify.com",
            "burpcollaborator.net",
            "ngrok.io",
            "ngrok.app",
            "ngrok-free.app",
            "transfer.sh",
            "termbin.com",
            "beeceptor.com",
            "hookbin.com",
            "requestcatcher.com",
            "dnslog.cn",
            "ceye.io",
            "serveo.net",
            "trycloudflare.com",
            "loca.lt",
            "file.io",
            "gofile.io",
            "0x0.st",
            "canarytokens.com",
            "api.telegram.org",
        ],
    },
    Renown {
        rule: "miner-pool-asked",
        about: "A name is asked for that is a pool of those who make coins",
        ends: &[
            "minexmr.com",
            "supportxmr.com",
            "nanopool.org",
            "moneroocean.stream",
            "hashvault.pro",
            "2miners.com",
            "c3pool.com",
            "c3pool.org",
            "herominers.com",
            "unmineable.com",
            "nicehash.com",
            "f2pool.com",
            "xmrpool.eu",
            "monerohash.com",
            "dwarfpool.com",
            "minergate.com",
            "connect.consensus.link",
            "ethermine.org",
            "viabtc.io",
        ],
    },
];

/// Words of what is sent, all of which must be there, that tell what it is.
struct Words {
    rule: &'static str,
    about: &'static str,
    all: &'static [&'static str],
    /// How many letters and digits follow the words, as those of a token do.
    tail: usize,
}

impl Words {
    /// Whether they are in `data`, as they are, in base64 or in hexadecimal.
    fn are_in(&self, data: &[u8]) -> bool {
        self.are_plain_in(data) || {
            let word = self.all.first().filter(|_| self.all.len() == 1).map_or(&b""[..], |word| word.as_bytes());
            let hexadecimal = word.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let mut forms = encoded(word).chain([hexadecimal]).filter(|form| form.len() >= RUN);
            forms.any(|form| memchr::memmem::find(data, form.as_bytes()).is_some())
        }
    }

    fn are_plain_in(&self, data: &[u8]) -> bool {
        self.all.iter().all(|word| {
            let mut ends = memchr::memmem::find_iter(data, word.as_bytes()).map(|at| at + word.len());
            ends.any(|end| {
                let tail = data.get(end..end + self.tail);
                tail.is_some_and(|tail| tail.iter().all(u8::is_ascii_alphanumeric))
            })
        })
    }
}

/// The shortest run of base64 that is looked for: a shorter one stands in any long text by chance.
const RUN: usize = 10;

/// What `word` looks like within a longer text in base64: one form for each of its places in a group of three bytes,
/// without the letters that its neighbours have a part in.
fn encoded(word: &[u8]) -> impl Iterator<Item = String> {
    (0..3usize).filter_map(move |place| {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        // Each letter is six bits; only those count that lie in the word wholly.
        let (first, end) = ((place * 8).div_ceil(6), (place + word.len()) * 8 / 6);
        let bit = |at: usize| word.get(at / 8 - place).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let letter = |index: usize| (index * 6..index * 6 + 6).fold(0, |value, at| value << 1 | usize::from(bit(at)));
        let form: Option<String> =
            (first..end).map(|index| LETTERS.get(letter(index)).map(|l| char::from(*l))).collect();
        form.filter(|form| form.len() >= RUN)
    })
}

const SECRET: &str = "A text goes to the network in the clear that has the form of a key or a token";
const POOL: &str = "A program speaks the language of pools that make coins, whatever its name";

const fn secret(all: &'static [&'static str]) -> Words {
    Words { rule: "secret-sent", about: SECRET, all, tail: 0 }
}

const fn token(all: &'static [&'static str], tail: usize) -> Words {
    Words { rule: "secret-sent", about: SECRET, all, tail }
}

const fn pool(all: &'static [&'static str]) -> Words {
    Words { rule: "miner-speaks", about: POOL, all, tail: 0 }
}

const WORDS: &[Words] = &[
    secret(&["PRIVATE KEY-----"]),
    secret(&["aws_secret_access_key"]),
    secret(&["AWS_SECRET_ACCESS_KEY"]),
    secret(&["AWS_SESSION_TOKEN"]),
    token(&["AKIA"], 12),
    token(&["ghp_"], 16),
    token(&["ghs_"], 16),
    token(&["gho_"], 16),
    secret(&["github_pat_"]),
    token(&["glpat-"], 8),
    secret(&["_authToken"]),
    secret(&["NPM_TOKEN"]),
    secret(&["pypi-AgEIcHlwaS"]),
    token(&["xoxb-"], 4),
    secret(&["GITHUB_TOKEN"]),
    secret(&["ACTIONS_RUNTIME_TOKEN"]),
    secret(&["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]),
    secret(&["CI_JOB_TOKEN"]),
    secret(&["root:x:0:0:"]),
    secret(&["root:$"]),
    pool(&["mining.subscribe"]),
    pool(&["mining.authorize"]),
    pool(&["eth_submitLogin"]),
    pool(&["\"method\"", "\"login\"", "\"pass\""]),
];

fn ends_with(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Fold {
    /// An address was spoken to, or was tried.
    pub(super) fn spoken_to(&mut self, address: &Address, by: Mark) {
        let Some(ip) = address.ip.map(|ip| ip.to_canonical().to_string()).filter(|ip| METADATA.contains(&ip.as_str()))
        else {
            return;
        };
        let exe = self.processes.program(by.process).map(|program| program.exe.clone()).unwrap_or_default();
        if ASKERS.contains(&base(exe.as_bytes())) {
            return;
        }
        let message = format!("the metadata service at {ip}, which gives the machine's own keys, was contacted");
        let about = "The service is contacted that tells a machine of a cloud its keys";
        self.detect("metadata-service-contacted", about, Level::Error, message, Some(ip), by);
    }

    /// Bytes went to an address of the internet's families. Version control and package managers log in with what they
    /// have; that is theirs.
    pub(super) fn sent(&mut self, data: &[u8], peer: Option<&Address>, by: Mark) {
        if self.processes.recall(by.process).is_some_and(|memory| memory.kind == Kind::PackageManager) {
            return;
        }
        let Some(words) = WORDS.iter().find(|words| words.are_in(data)) else { return };
        let peer = peer.map_or_else(|| "the network".to_owned(), Address::told);
        let message = format!("a text with `{}` was sent to {peer}", words.all.join("`, `"));
        self.detect(words.rule, words.about, Level::Error, message, Some(peer), by);
    }

    /// A name was asked for.
    pub(super) fn name_asked(&mut self, name: &str, by: Mark) {
        for kind in NAMES {
            let Some(end) = kind.ends.iter().find(|end| ends_with(name, end)) else { continue };
            self.detect(
                kind.rule,
                kind.about,
                Level::Error,
                format!("{name} was asked for"),
                Some((*end).to_owned()),
                by,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{METADATA, NAMES, WORDS, encoded, ends_with};

    #[test]
    fn a_word_is_known_in_base64_wherever_it_stands() {
        // Made with base64(1): `GITHUB_TOKEN=x` after zero, one and two letters.
        let texts = ["R0lUSFVCX1RPS0VOPXg=", "YUdJVEhVQl9UT0tFTj14", "YWFHSVRIVUJfVE9LRU49eA=="];
        let forms: Vec<String> = encoded(b"GITHUB_TOKEN").collect();
        assert_eq!(forms.len(), 3);
        for text in texts {
            assert!(forms.iter().any(|form| text.contains(form.as_str())), "{forms:?} {text}");
            assert!(WORDS.iter().any(|words| words.are_in(text.as_bytes())));
        }
        assert_eq!(encoded(b"AKIA").count(), 0);
        assert!(WORDS.iter().any(|words| words.are_in(b"d=4e504d5f544f4b454e3d78")), "NPM_TOKEN=x");
        assert!(!WORDS.iter().any(|words| words.are_in(b"414b4941")), "AKIA alone is any number");
    }

    #[test]
    fn a_token_is_more_than_its_first_letters() {
        let found = |text: &str| WORDS.iter().any(|words| words.are_in(text.as_bytes()));
        assert!(found("key=AKIAIOSFODNN7EXAMPLE&") && found("x\nghp_0123456789abcdef0123"));
        assert!(!found("AKIA-") && !found("the prefix ghp_ is GitHub's") && !found("ghp_0123"));
        assert!(found("{\"method\": \"login\", \"params\": {\"pass\": \"x\"}}") && !found("\"login\""));
    }

    #[test]
    fn names_end_with_whole_labels() {
        assert!(ends_with("a.webhook.site", "webhook.site") && ends_with("webhook.site", "webhook.site"));
        assert!(!ends_with("mywebhook.site", "webhook.site") && !ends_with("webhook.site.example", "webhook.site"));
        assert!(NAMES.iter().all(|kind| !kind.ends.is_empty()));
        assert!(METADATA.iter().all(|ip| ip.parse::<std::net::IpAddr>().is_ok_and(|parsed| parsed.to_string() == *ip)));
    }
}
