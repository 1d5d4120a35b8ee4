//! The nearest known word, for the remedy in a refusal. It must not know what the words mean.

/// The word of `known` that `typed` was most likely meant to be, if one is near enough to be worth saying.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: String = typed.chars().take(64).flat_map(char::to_lowercase).collect();
    let allowed = (typed.chars().count() / 3).max(1);
    let score = |word: &str| {
        let distance = strsim::damerau_levenshtein(&typed, word);
        let similarity = strsim::jaro_winkler(&typed, word);
        (distance <= allowed || similarity >= 0.88).then_some((distance, 1.0 - similarity))
    };
    known
        .into_iter()
        .filter_map(|word| score(word).map(|score| (score, word)))
        .min_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, word)| word)
}

/// The remedy that names the nearest word, or else `otherwise`.
pub(super) fn remedy<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(typed, known).map_or_else(|| otherwise.to_owned(), |word| format!("did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::{nearest, remedy};

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["read", "openat", "openat2", "write", "unlinkat"];
        assert_eq!(nearest("opnat", words), Some("openat"));
        assert_eq!(nearest("OpenAt", words), Some("openat"));
        assert_eq!(nearest("raed", words), Some("read"));
        assert_eq!(nearest("zzzzzzzz", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(remedy("zzzzzzzz", words, "see the list"), "see the list");
    }
}
