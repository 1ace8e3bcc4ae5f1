//! Pipeline files as trees of nodes that know their line and column.
//!
//! YAML by `saphyr-parser`'s events; JSON is read by the same parser, being YAML but for tabs and paired surrogates, which are
//! rewritten first. Scalars are typed by the YAML 1.2 core schema, as js-yaml and Go's yaml type a package's files. Aliases are
//! copied and the copies counted, so that a file cannot grow without bound.

use std::fmt;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

/// A place in a pipeline file; both counts begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub file: Arc<str>,
    pub line: usize,
    pub column: usize,
}

/// What is wrong in a file, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: Position,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.at.file, self.at.line, self.at.column, self.what)
    }
}

#[derive(Clone, Debug)]
pub struct Node {
    pub at: Position,
    pub tree: Tree,
}

#[derive(Clone, Debug)]
pub enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Name, Node)>),
}

/// A key of a map, with its place.
#[derive(Clone, Debug)]
pub struct Name {
    pub at: Position,
    pub text: String,
}

/// More nodes than any pipeline has; aliases of aliases end here.
const NODES_MAX: usize = 1_000_000;
/// A recursion a level; deeper than any pipeline, and far from the end of a thread's stack.
const NESTING_LEVELS_MAX: usize = 100;

impl Node {
    pub fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { at: self.at.clone(), what: what.into() }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn map(&self) -> Option<&[(Name, Node)]> {
        match &self.tree {
            Tree::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.tree {
            Tree::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.map()?.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.tree {
            Tree::Null => "nothing",
            Tree::Bool(_) => "true or false",
            Tree::Int(_) | Tree::Float(_) => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a map",
        }
    }
}

/// Reads the one YAML or JSON document of a file.
pub fn parse(file: &str, text: &str) -> Result<Node, Fault> {
    let file: Arc<str> = file.into();
    let json = text.trim_start().starts_with('{').then(|| json_as_yaml(text));
    let mut builder = Builder { file, open: Vec::new(), anchors: Vec::new(), nodes: 0, root: None };
    for event in Parser::new_from_str(json.as_deref().unwrap_or(text)) {
        match event {
            Ok((event, span)) => builder.take(event, span.start)?,
            Err(e) => {
                return Err(Fault { at: builder.position(*e.marker()), what: format!("no valid YAML: {}", e.info()) });
            }
        }
    }
    let empty = builder.position(Marker::new(0, 1, 0));
    builder.root.ok_or(Fault { at: empty, what: "the file is empty".into() })
}

/// Tabs between tokens and escaped surrogate pairs are JSON and not YAML.
fn json_as_yaml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '\t' if !in_string => out.push(' '),
            '\\' if in_string => {
                let escape = rest.next().unwrap_or('\\');
                let unit = |from: &str| from.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let tail = rest.as_str();
                let pair = (escape == 'u')
                    .then(|| Some((unit(tail)?, unit(tail.get(4..)?.strip_prefix("\\u")?)?)))
                    .flatten()
                    .filter(|(high, low)| (0xD800..0xDC00).contains(high) && (0xDC00..0xE000).contains(low));
                match pair {
                    Some((high, low)) => {
                        let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                        out.push_str(&format!("\\U{code:08x}"));
                        rest = tail.get(10..).unwrap_or_default().chars();
                    }
                    None => {
                        out.push('\\');
                        out.push(escape);
                    }
                }
            }
            _ => out.push(c),
        }
    }
    out
}

struct Builder {
    file: Arc<str>,
    open: Vec<(Node, usize, Option<Name>)>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder {
    fn position(&self, marker: Marker) -> Position {
        Position { file: self.file.clone(), line: marker.line(), column: marker.col() + 1 }
    }

    fn take(&mut self, event: Event<'_>, marker: Marker) -> Result<(), Fault> {
        let at = self.position(marker);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let tree = if style == ScalarStyle::Plain { plain(&text) } else { Tree::Text(text.into_owned()) };
                // A key keeps its text whatever type it would have as a value.
                let key = matches!(self.open.last(), Some((Node { tree: Tree::Map(_), .. }, _, None)));
                let tree = if key { Tree::Text(text_of(tree, marker)) } else { tree };
                self.add(Node { at, tree }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(Node { at, tree: Tree::List(Vec::new()) }, anchor),
            Event::MappingStart(anchor, _) => self.open(Node { at, tree: Tree::Map(Vec::new()) }, anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((node, anchor, _)) => self.add(node, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let found = self.anchors.iter().find(|(id, _)| *id == anchor).map(|(_, node)| node.clone());
                let Some(node) = found else { return Err(Fault { at, what: "an alias inside its own anchor".into() }) };
                self.nodes += count(&node);
                self.add(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if self.open.len() >= NESTING_LEVELS_MAX {
            return Err(node.fault(format!("nested deeper than {NESTING_LEVELS_MAX} levels")));
        }
        self.open.push((node, anchor, None));
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(node.fault(format!("more than {NODES_MAX} values in one file")));
        }
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut() {
            None if self.root.is_some() => return Err(node.fault("a second document in the file")),
            None => self.root = Some(node),
            Some((Node { tree: Tree::List(items), .. }, _, _)) => items.push(node),
            Some((Node { tree: Tree::Map(entries), .. }, _, key)) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let Tree::Text(text) = node.tree else {
                        return Err(Fault { at: node.at, what: "a key must be text".into() });
                    };
                    if entries.iter().any(|(name, _)| name.text == text) {
                        return Err(Fault { at: node.at, what: format!("the key `{text}` stands twice in one map") });
                    }
                    *key = Some(Name { at: node.at, text });
                }
            },
            Some(_) => {}
        }
        Ok(())
    }
}

fn text_of(tree: Tree, _marker: Marker) -> String {
    match tree {
        Tree::Text(text) => text,
        Tree::Int(n) => n.to_string(),
        Tree::Float(n) => n.to_string(),
        Tree::Bool(b) => b.to_string(),
        _ => "null".into(),
    }
}

fn count(node: &Node) -> usize {
    match &node.tree {
        Tree::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Tree::Map(entries) => 1 + entries.iter().map(|(_, node)| count(node)).sum::<usize>(),
        _ => 1,
    }
}

/// A plain scalar by the core schema.
fn plain(text: &str) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Tree::Null,
        "true" | "True" | "TRUE" => return Tree::Bool(true),
        "false" | "False" | "FALSE" => return Tree::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Tree::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Tree::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Tree::Float(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Tree::Text(text.into());
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).map_or(Tree::Text(text.into()), Tree::Int);
        }
    }
    if unsigned.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(n) = text.parse() {
            return Tree::Int(n);
        }
    }
    let numeric = unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && unsigned.bytes().any(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(n) if numeric => Tree::Float(n),
        _ => Tree::Text(text.into()),
    }
}
