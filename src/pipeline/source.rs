//! Pipeline files as trees of nodes that know their line and column.
//!
//! YAML by `saphyr-parser`'s events; JSON is read by the same parser, being YAML but for tabs and paired surrogates, which are
//! rewritten first. Scalars are typed by the YAML 1.2 core schema, as js-yaml and Go's yaml type a package's files. Aliases are
//! copied and the copies counted, so that a file cannot grow without bound.

use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

pub use crate::settings::Fault;

/// A place in a pipeline file; both counts begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub file: Arc<str>,
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(&*self.file, self.line, self.column, what)
    }
}

#[derive(Clone, Debug)]
pub struct Node {
    pub at: Position,
    pub tree: Tree,
    /// Where the characters of a text stand: the line and column of its first one.
    text_at: (usize, usize),
    /// Its further lines begin at this column.
    indent: usize,
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
        self.at.fault(what)
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

    /// The place of a character of this text, by its line and column there, both from 1. In a folded or escaped text the line is a guess.
    pub fn position_in(&self, line: usize, column: usize) -> Position {
        let (first_line, first_column) = self.text_at;
        let start = if line <= 1 { first_column } else { self.indent };
        Position {
            file: self.at.file.clone(),
            line: first_line + line.saturating_sub(1),
            column: start + column.saturating_sub(1),
        }
    }

    /// The names of all maps in this tree.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            match &node.tree {
                Tree::List(items) => open.extend(items),
                Tree::Map(entries) => {
                    names.extend(entries.iter().map(|(name, _)| name.text.as_str()));
                    open.extend(entries.iter().map(|(_, node)| node));
                }
                _ => {}
            }
        }
        names
    }

    /// The tree as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.tree {
            Tree::Null => Json::Null,
            Tree::Bool(flag) => Json::Bool(*flag),
            Tree::Int(n) => Json::from(*n),
            Tree::Float(n) => Json::from(*n),
            Tree::Text(text) => Json::String(text.clone()),
            Tree::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Tree::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (key.text.clone(), value.to_json())).collect())
            }
        }
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
    let lines = json.as_deref().unwrap_or(text).lines().collect();
    let mut builder = Builder { lines, file, open: Vec::new(), anchors: Vec::new(), nodes: 0, root: None };
    for event in Parser::new_from_str(json.as_deref().unwrap_or(text)) {
        match event {
            Ok((event, span)) => builder.take(event, span.start)?,
            Err(e) => {
                return Err(builder.position(*e.marker()).fault(format!("no valid YAML: {}", e.info())));
            }
        }
    }
    let empty = builder.position(Marker::new(0, 1, 0));
    builder.root.ok_or_else(|| empty.fault("the file is empty"))
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

struct Builder<'t> {
    lines: Vec<&'t str>,
    file: Arc<str>,
    open: Vec<(Node, usize, Option<Name>)>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
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
                let (text_at, indent) = self.place_of_text(style, &at);
                self.add(Node { at, tree, text_at, indent }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(at, Tree::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.open(at, Tree::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((node, anchor, _)) => self.add(node, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let found = self.anchors.iter().find(|(id, _)| *id == anchor).map(|(_, node)| node.clone());
                let Some(node) = found else { return Err(at.fault("an alias inside its own anchor")) };
                self.nodes += count(&node);
                self.add(node, 0)
            }
            _ => Ok(()),
        }
    }

    /// Where a scalar's own characters begin, and at which column its further lines do.
    fn place_of_text(&self, style: ScalarStyle, at: &Position) -> ((usize, usize), usize) {
        if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let quote = usize::from(style != ScalarStyle::Plain);
            return ((at.line, at.column + quote), 1);
        }
        // A block's text begins on the line behind its `|`.
        let marker = self.lines.get(at.line - 1).is_some_and(|line| line.trim_end().ends_with(['|', '>', '-', '+']));
        let first = at.line + usize::from(marker);
        let line = self.lines.iter().skip(first - 1).find(|line| !line.trim().is_empty());
        let indent = line.map_or(1, |line| line.len() - line.trim_start().len() + 1);
        ((first, indent), indent)
    }

    fn open(&mut self, at: Position, tree: Tree, anchor: usize) -> Result<(), Fault> {
        let text_at = (at.line, at.column);
        let node = Node { at, tree, text_at, indent: 1 };
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
                        return Err(node.at.fault("a key must be text"));
                    };
                    if entries.iter().any(|(name, _)| name.text == text) {
                        return Err(node.at.fault(format!("the key `{text}` stands twice in one map")));
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
