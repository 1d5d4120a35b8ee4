//! The tokens of conditions. What a token is depends on what the grammar expects, so each is asked for by its kind.

use super::ast::Pos;

/// A reader of tokens.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    pos: Pos,
    /// The last token, for messages.
    pub(super) last: String,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{8}' | '\r' | '\n')
}

/// The length of an identifier at the start.
fn identifier(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, pos: Pos { index: 0, line: 1, column: 1 }, last: String::new() }
    }

    pub(super) fn pos(&self) -> Pos {
        self.pos
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.pos.index..).unwrap_or("")
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    fn skip(&mut self, len: usize) -> &'t str {
        let taken = self.rest().get(..len).unwrap_or("");
        for c in taken.chars() {
            self.pos.column += 1;
            if matches!(c, '\r' | '\n') {
                self.pos.column = 1;
                self.pos.line += 1;
            }
        }
        self.pos.index += taken.len();
        taken
    }

    fn take(&mut self, len: usize) -> Option<String> {
        if len == 0 {
            return None;
        }
        let token = self.skip(len).to_owned();
        self.last.clone_from(&token);
        Some(token)
    }

    /// Skips blanks; whether there were any.
    pub(super) fn blank(&mut self) -> bool {
        let rest = self.rest();
        let len = rest.find(|c| !is_blank(c)).unwrap_or(rest.len());
        self.skip(len);
        len > 0
    }

    /// Takes exactly `word`, whatever follows.
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.rest().starts_with(word) && self.take(word.len()).is_some()
    }

    /// Takes `word` with at least one blank after it.
    pub(super) fn word_and_blank(&mut self, word: &str) -> bool {
        let Some(after) = self.rest().strip_prefix(word) else { return false };
        let found = after.starts_with(is_blank);
        if found {
            self.take(word.len());
            self.blank();
        }
        found
    }

    /// Takes `word` if a parenthesis follows, blanks between or not, and leaves the parenthesis.
    pub(super) fn word_before_list(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let found = after.is_some_and(|after| after.trim_start_matches(is_blank).starts_with('('));
        if found {
            self.take(word.len());
            self.blank();
        }
        found
    }

    /// A name without dots.
    pub(super) fn identifier(&mut self) -> Option<String> {
        self.take(identifier(self.rest()))
    }

    /// A name with at least one dot.
    pub(super) fn field(&mut self) -> Option<String> {
        let text = self.rest();
        let mut len = identifier(text);
        let mut dots = 0;
        while len > 0 {
            let part = text.get(len..).and_then(|rest| rest.strip_prefix('.')).map_or(0, identifier);
            if part == 0 {
                break;
            }
            len += 1 + part;
            dots += 1;
        }
        if dots == 0 { None } else { self.take(len) }
    }

    /// What stands in brackets without quotes.
    pub(super) fn bare_argument(&mut self) -> Option<String> {
        let rest = self.rest();
        let ends = |c: char| matches!(c, '[' | ']' | '"' | '\'') || c.is_ascii_whitespace();
        self.take(rest.find(ends).unwrap_or(rest.len()))
    }

    /// A value without quotes.
    pub(super) fn bare_text(&mut self) -> Option<String> {
        let rest = self.rest();
        let ends = |c: char| matches!(c, '(' | ')' | '"' | '\'' | '=' | ',' | '\u{b}') || c.is_ascii_whitespace();
        self.take(rest.find(ends).unwrap_or(rest.len()))
    }

    /// A number, in base 10 or 16.
    pub(super) fn number(&mut self) -> Option<String> {
        let text = self.rest();
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let digits = hex.map_or(0, |rest| rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()));
        if digits > 0 {
            return self.take(2 + digits);
        }
        let count = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let sign = usize::from(text.starts_with(['+', '-']));
        let whole = count(text.get(sign..)?);
        if whole == 0 {
            return None;
        }
        let mut len = sign + whole;
        if text.get(len..)?.starts_with('.') {
            len += 1 + count(text.get(len + 1..)?);
        }
        let exponent = text.get(len..)?.strip_prefix(['e', 'E']).and_then(|rest| rest.strip_prefix(['+', '-']));
        let digits = exponent.map_or(0, count);
        self.take(if digits > 0 { len + 2 + digits } else { len })
    }

    /// A value in quotes, without them and its escapes; `None` when no quote starts here, or none ends it.
    pub(super) fn quoted_text(&mut self) -> Result<Option<String>, String> {
        let text = self.rest();
        let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
        let mut before = '\\';
        // A quote after a backslash does not end the text, be the backslash itself escaped or not: as libsinsp has it.
        let end = text.char_indices().find(|(_, c)| {
            let ends = *c == quote && before != '\\';
            before = *c;
            ends
        });
        let Some((end, _)) = end else { return Ok(None) };
        let inner = text.get(1..end).unwrap_or("");
        let value = unescape(inner, quote)?;
        self.take(end + 1);
        self.last.clone_from(&value);
        Ok(Some(value))
    }
}

fn unescape(text: &str, quote: char) -> Result<String, String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        value.push(match chars.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            // Rules written before escapes were defined have `\ `.
            Some(' ' | '\\') => '\\',
            Some('/') => '/',
            Some(other @ ('"' | '\'')) if other == quote => other,
            Some(other @ ('"' | '\'')) => return Err(format!("invalid \\{other} escape in {quote}-quoted string")),
            Some(other) => return Err(format!("unsupported string escape sequence: \\{other}")),
            None => break,
        });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::Lexer;

    #[test]
    fn tokens_end_where_the_grammar_says() {
        assert_eq!(Lexer::new("evt.arg.name=x").field().as_deref(), Some("evt.arg.name"));
        assert_eq!(Lexer::new("proc.aname[2]").field().as_deref(), Some("proc.aname"));
        assert_eq!(Lexer::new("a.1").field(), None);
        assert_eq!(Lexer::new("a_b1-").identifier().as_deref(), Some("a_b1"));
        assert_eq!(Lexer::new("/a/[b]*,c").bare_text().as_deref(), Some("/a/[b]*"));
        assert_eq!(Lexer::new("-12.5e+3x").number().as_deref(), Some("-12.5e+3"));
        assert_eq!(Lexer::new("0x3e9)").number().as_deref(), Some("0x3e9"));
        assert_eq!(Lexer::new("x").number(), None);
    }

    #[test]
    fn quotes_and_escapes() {
        let quoted = |text: &str| Lexer::new(text).quoted_text();
        assert_eq!(quoted(r#""a\"b" c"#), Ok(Some("a\"b".to_owned())));
        assert_eq!(quoted(r"'a\tb\\c'"), Ok(Some("a\tb\\c".to_owned())));
        assert_eq!(quoted("\"open"), Ok(None));
        assert_eq!(quoted("bare"), Ok(None));
        assert!(quoted(r#""a\'b""#).is_err());
        assert!(quoted(r#""a\xb""#).is_err());
    }

    #[test]
    fn places_count_lines_and_columns() {
        let mut lexer = Lexer::new("a\n  b");
        assert!(lexer.word("a") && lexer.blank());
        assert_eq!((lexer.pos().index, lexer.pos().line, lexer.pos().column), (4, 2, 3));
    }
}
