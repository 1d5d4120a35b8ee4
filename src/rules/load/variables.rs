//! Variables in the items of lists: what only the run knows, as its home directory, `${HOME}/.ssh`.

/// What variables stand for; each can stand for several values, and its item then for several items.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    all: Vec<(String, Vec<String>)>,
}

impl Variables {
    /// Adds a variable, with the patterns that it stands for. Empty ones are left out.
    pub fn set(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let mut kept: Vec<String> = Vec::new();
        for value in values {
            let value = value.trim_end_matches('/').to_owned();
            if !value.is_empty() && !kept.contains(&value) {
                kept.push(value);
            }
        }
        self.all.push((format!("${{{name}}}"), kept));
    }

    /// The items that `item` stands for: itself without a variable, none with one that has no value.
    pub(super) fn expand(&self, item: &str) -> Vec<String> {
        let Some((name, values)) = self.all.iter().find(|(name, _)| item.contains(name.as_str())) else {
            return vec![item.to_owned()];
        };
        // Values are put in once: what looks like a variable in one of them is none.
        values.iter().map(|value| item.replace(name, value)).collect()
    }
}

/// `path` as a pattern that means it: a letter that says something in a pattern or in a condition becomes `?`, which stands
/// for any one.
#[must_use]
pub fn pattern(path: &str) -> String {
    path.chars().map(|c| if special(c) { '?' } else { c }).collect()
}

fn special(c: char) -> bool {
    c.is_control() || matches!(c, '"' | '\'' | '\\' | '*' | '[' | ']' | '{' | '}' | '(' | ')' | ',' | '=' | '$')
}

#[cfg(test)]
mod tests {
    use super::{Variables, pattern};

    #[test]
    fn an_item_stands_for_all_values_of_its_variable() {
        let mut variables = Variables::default();
        variables.set("HOME", ["/root".to_owned(), pattern("/home/a [b]/"), "/root".to_owned()]);
        variables.set("NONE", [String::new()]);
        assert_eq!(variables.expand("${HOME}/.ssh"), ["/root/.ssh", "/home/a ?b?/.ssh"]);
        assert_eq!(variables.expand("/etc/${X}"), ["/etc/${X}"]);
        assert!(variables.expand("${NONE}/x").is_empty());
    }
}
