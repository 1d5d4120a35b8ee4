//! YAML text to a tree in which every value knows its place, so that a mistake can be shown where it is.

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};
use rustc_hash::FxHashMap;

/// The deepest nesting, and the most values of one file: a rule file has four levels and some thousands.
const DEEPEST: usize = 64;
const MOST: usize = 1 << 20;

const TOO_LARGE: &str = "the file is nested too deep or too large";

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In characters from the start.
    pub offset: usize,
    /// The line, from 0.
    pub line: usize,
    /// The column, from 0.
    pub column: usize,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The value of a key; the first when it stands there twice.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The entries of a map.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Node, &Node)> {
        let entries: &[(Node, Node)] = if let Data::Map(entries) = &self.data { entries } else { &[] };
        entries.iter().map(|(name, value)| (name, value))
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        if let Data::Scalar(text) = &self.data { Some(text) } else { None }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<&[Node]> {
        if let Data::List(items) = &self.data { Some(items) } else { None }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.data, Data::Map(_))
    }

    /// How many values it is, and how deep.
    fn size(&self) -> (usize, usize) {
        let sum = |all: (usize, usize), part: &Node| {
            let (values, deep) = part.size();
            (all.0 + values, all.1.max(deep + 1))
        };
        match &self.data {
            Data::Null | Data::Scalar(_) => (1, 0),
            Data::List(items) => items.iter().fold((1, 0), sum),
            Data::Map(entries) => entries.iter().flat_map(|(name, value)| [name, value]).fold((1, 0), sum),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }
}

fn place(span: Span) -> Place {
    Place { offset: span.start.index(), line: span.start.line().saturating_sub(1), column: span.start.col() }
}

/// The documents of a file.
///
/// # Errors
/// What is no YAML, and where.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, (String, Place)> {
    let mut reader = Reader { parser: Parser::new_from_str(text), values: 0, anchors: FxHashMap::default() };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
            (event, span) => documents.push(reader.value(event, span, 0)?),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    values: usize,
    /// The values that have an anchor.
    anchors: FxHashMap<usize, Node>,
}

type Read<T> = Result<T, (String, Place)>;

impl<'t> Reader<'t> {
    fn next(&mut self) -> Read<(Event<'t>, Span)> {
        let refusal = |error: ScanError| {
            let at = error.marker();
            let place = Place { offset: at.index(), line: at.line().saturating_sub(1), column: at.col() };
            (error.info(), place)
        };
        loop {
            return match self.parser.next_event() {
                Some(Ok((Event::Comment(..) | Event::Anchor(..), _))) => continue,
                Some(event) => event.map_err(refusal),
                None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
            };
        }
    }

    fn value(&mut self, event: Event<'t>, span: Span, depth: usize) -> Read<Node> {
        let place = place(span);
        self.values += 1;
        if depth > DEEPEST || self.values > MOST {
            return Err((TOO_LARGE.to_owned(), place));
        }
        let anchor = match &event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                *anchor
            }
            _ => 0,
        };
        let data = match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let null = plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                if null { Data::Null } else { Data::Scalar(text.into_owned()) }
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                        break Data::List(items);
                    }
                    items.push(self.value(event, span, depth + 1)?);
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                        break Data::Map(entries);
                    }
                    let name = self.value(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    entries.push((name, self.value(event, span, depth + 1)?));
                }
            }
            Event::Alias(anchor) => return self.again(anchor, place, depth),
            _ => Data::Null,
        };
        let node = Node { place, data };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// A value that has an anchor, where its alias stands. Repeated values count as often as they are there, so that a
    /// short file cannot become a large tree.
    fn again(&mut self, anchor: usize, place: Place, depth: usize) -> Read<Node> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(("an alias of a value that is not complete".to_owned(), place));
        };
        let (values, deepest) = node.size();
        self.values = self.values.saturating_add(values);
        if depth + deepest > DEEPEST || self.values > MOST {
            return Err((TOO_LARGE.to_owned(), place));
        }
        Ok(Node { place, data: node.data.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, parse};

    #[test]
    fn values_know_their_places() {
        let documents = parse("- rule: a\n  tags: [x, 'y']\n- list:\n---\n- b\n").unwrap();
        assert_eq!(documents.len(), 2);
        let items = documents[0].items().unwrap();
        assert_eq!(items[0].get("rule").unwrap().text(), Some("a"));
        let tags = items[0].get("tags").unwrap();
        assert_eq!(tags.items().unwrap()[1].place, Place { offset: 22, line: 1, column: 12 });
        assert!(items[1].get("list").unwrap().is_null() && items[1].get("nope").is_none());
    }

    #[test]
    fn an_alias_is_the_value_of_its_anchor() {
        let documents = parse("- &a [x, &b y]\n- *a\n- k: *b\n").unwrap();
        let items = documents[0].items().unwrap();
        assert_eq!(items[1].items().unwrap()[1].text(), Some("y"));
        assert_eq!(items[2].get("k").unwrap().text(), Some("y"));
        assert_eq!(items[1].place.line, 1);
        // Ten times ten times ten ... values, and a nesting of one more each.
        let mut bomb = "- &a0 [x]\n".to_owned();
        let mut tower = bomb.clone();
        for level in 1..100 {
            let below = format!("*a{}", level - 1);
            bomb += &format!("- &a{level} [{}]\n", [below.as_str(); 10].join(", "));
            tower += &format!("- &a{level} [{below}]\n");
        }
        assert!(parse(&bomb).unwrap_err().0.contains("too large") && parse(&tower).unwrap_err().0.contains("too deep"));
    }

    #[test]
    fn damage_is_told_with_its_place() {
        assert_eq!(parse("- a: b\n- c: d: e").unwrap_err().1.line, 1);
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse("- &a [*a]").is_err());
        assert!(parse("").unwrap().is_empty());
    }
}
