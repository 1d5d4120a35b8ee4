//! How grave an alert is, in Falco's eight steps.

/// A priority; graver ones are less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Informational,
    Debug,
}

impl Priority {
    /// All, the gravest first.
    pub const ALL: [Priority; 8] = [
        Priority::Emergency,
        Priority::Alert,
        Priority::Critical,
        Priority::Error,
        Priority::Warning,
        Priority::Notice,
        Priority::Informational,
        Priority::Debug,
    ];

    /// Its name in alerts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Priority::Emergency => "Emergency",
            Priority::Alert => "Alert",
            Priority::Critical => "Critical",
            Priority::Error => "Error",
            Priority::Warning => "Warning",
            Priority::Notice => "Notice",
            Priority::Informational => "Informational",
            Priority::Debug => "Debug",
        }
    }

    /// The priority of that name, in letters of any case; `INFO` is one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Priority> {
        if word.eq_ignore_ascii_case("info") {
            return Some(Priority::Informational);
        }
        Priority::ALL.into_iter().find(|priority| priority.name().eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use super::Priority;

    #[test]
    fn words_of_any_case() {
        assert_eq!(Priority::parse("WARNING"), Some(Priority::Warning));
        assert_eq!(Priority::parse("info"), Some(Priority::Informational));
        assert_eq!(Priority::parse("Informational"), Some(Priority::Informational));
        assert_eq!(Priority::parse("loud"), None);
        assert!(Priority::Emergency < Priority::Debug);
    }
}
