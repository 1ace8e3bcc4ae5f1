//! Mustache templates in field names and values, and values that hold them.
//!
//! As in the originals `{{x}}` escapes for JSON text and `{{{x}}}` and `{{&x}}` do not; a missing field is empty text; objects and lists
//! are written as Java prints them. Sections, inverted sections, comments, other delimiters and the functions `toJson`, `join` and
//! `url` are there; partials are not, because nothing could be included.

use bumpalo::collections::String as BumpString;

use crate::event::{List, Symbols, Value};
use crate::java::numbers;

use super::document::{Document, Failure, Number, number};
use super::path::{FieldPath, Path};
use super::source::{Node, Tree};

/// A field's name, fixed at load or made by a template.
#[derive(Debug)]
pub enum FieldName {
    Fixed(FieldPath),
    Template(Template),
}

impl FieldName {
    pub fn compile(text: &str, symbols: &mut Symbols) -> Result<FieldName, String> {
        if text.contains("{{") {
            return Template::compile(text, symbols).map(FieldName::Template);
        }
        FieldPath::compile(text, symbols).map(FieldName::Fixed)
    }

    pub fn path<'a>(&'a self, document: &Document<'a>) -> Result<Path<'a>, Failure<'a>> {
        match self {
            FieldName::Fixed(path) => Ok(path.path()),
            FieldName::Template(template) => document.path(template.render(document)?),
        }
    }
}

#[derive(Debug)]
pub struct Template {
    parts: Box<[Part]>,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    Variable { name: Name, escape: Escape },
    Section { name: Name, inverted: bool, parts: Box<[Part]> },
    ToJson(Name),
    Join { name: Name, delimiter: Box<str> },
    Url(Box<[Part]>),
}

/// How `{{x}}` is escaped; `{{{x}}}` is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    Nothing,
    Json,
    Url,
}

#[derive(Debug)]
enum Name {
    /// `{{.}}`: the value that the section stands for.
    This,
    Path(FieldPath),
}

impl Template {
    /// `Err` says what is wrong with the text.
    pub fn compile(text: &str, symbols: &mut Symbols) -> Result<Template, String> {
        let mut parser = Parser { rest: text, open: "{{".into(), close: "}}".into(), levels: 0, symbols };
        let parts = parser.parts(None)?;
        Ok(Template { parts: parts.into() })
    }

    /// The text itself, when it is always the same.
    pub fn fixed(&self) -> Option<&str> {
        match &*self.parts {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub fn render<'a>(&'a self, document: &Document<'a>) -> Result<&'a str, Failure<'a>> {
        match &*self.parts {
            [] => return Ok(""),
            [Part::Text(text)] => return Ok(text),
            [Part::Variable { name: Name::Path(path), escape: Escape::Nothing }] => {
                if let Some(Value::Str(text)) = document.find(path.path()) {
                    return Ok(text);
                }
            }
            _ => {}
        }
        let mut out = BumpString::new_in(document.arena.bump());
        let mut renderer = Renderer { document, bytes_max: document.growth_bytes_left() };
        renderer.parts(&self.parts, None, &mut out)?;
        Ok(out.into_bump_str())
    }
}

/// What a section stands for, and the sections around it.
struct Scope<'s, 'a> {
    value: Value<'a>,
    outer: Option<&'s Scope<'s, 'a>>,
}

struct Renderer<'d, 'a> {
    document: &'d Document<'a>,
    bytes_max: usize,
}

impl<'a> Renderer<'_, 'a> {
    fn parts(
        &mut self,
        parts: &[Part],
        scope: Option<&Scope<'_, 'a>>,
        out: &mut BumpString<'a>,
    ) -> Result<(), Failure<'a>> {
        for part in parts {
            if out.len() > self.bytes_max {
                let most = self.document.limits.growth_bytes_max;
                return Err(self.document.fail(format_args!("a template gives more than {most} bytes")));
            }
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable { name, escape } => match self.look_up(name, scope) {
                    None | Some(Value::Null) => {}
                    Some(Value::List(list)) if *escape == Escape::Nothing => print_indexed(list, out),
                    Some(value) if *escape == Escape::Nothing => print(&value, out, 0),
                    Some(value) => {
                        let mut text = BumpString::new_in(self.document.arena.bump());
                        print(&value, &mut text, 0);
                        match escape {
                            Escape::Url => encode_url(&text, out),
                            _ => escape_json(&text, out),
                        }
                    }
                },
                Part::Section { name, inverted, parts } => {
                    let value = self.look_up(name, scope).unwrap_or(Value::Null);
                    let truthy = match &value {
                        Value::Null => false,
                        Value::Bool(flag) => *flag,
                        Value::Str(text) => !text.is_empty(),
                        Value::List(list) => !list.is_empty(),
                        _ => true,
                    };
                    match value {
                        _ if truthy == *inverted => {}
                        _ if *inverted => self.parts(parts, scope, out)?,
                        Value::List(list) => {
                            for value in list.iter() {
                                self.parts(parts, Some(&Scope { value, outer: scope }), out)?;
                            }
                        }
                        value => self.parts(parts, Some(&Scope { value, outer: scope }), out)?,
                    }
                }
                Part::ToJson(name) => {
                    if let Some(value) = self.look_up(name, scope) {
                        out.push_str(&crate::event::write::to_string(&value));
                    }
                }
                Part::Join { name, delimiter } => match self.look_up(name, scope) {
                    Some(Value::List(list)) => {
                        for (index, value) in list.iter().enumerate() {
                            if index > 0 {
                                out.push_str(delimiter);
                            }
                            print(&value, out, 0);
                        }
                    }
                    Some(Value::Null) | None => {}
                    Some(value) => print(&value, out, 0),
                },
                Part::Url(parts) => {
                    let mut text = BumpString::new_in(self.document.arena.bump());
                    self.parts(parts, scope, &mut text)?;
                    encode_url(&text, out);
                }
            }
        }
        Ok(())
    }

    fn look_up(&self, name: &Name, scope: Option<&Scope<'_, 'a>>) -> Option<Value<'a>> {
        let path = match name {
            Name::This => return scope.map_or(Some(Value::Object(self.document.ctx)), |scope| Some(scope.value)),
            Name::Path(path) => path.path(),
        };
        let mut around = scope;
        while let Some(Scope { value, outer }) = around {
            let first = path.elements().next();
            if let (Value::Object(object), Some(first)) = (value, first)
                && object.get(&first).is_some()
            {
                return self.document.find_in(*value, path);
            }
            around = *outer;
        }
        self.document.find(path)
    }
}

struct Parser<'t, 's> {
    rest: &'t str,
    open: String,
    close: String,
    levels: usize,
    symbols: &'s mut Symbols,
}

/// Sections inside sections; a recursion each.
const SECTION_LEVELS_MAX: usize = 32;

impl<'t> Parser<'t, '_> {
    /// Everything up to the end of the section `until`, or of the text.
    fn parts(&mut self, until: Option<&str>) -> Result<Vec<Part>, String> {
        let mut parts: Vec<Part> = Vec::new();
        loop {
            let Some(at) = self.rest.find(&self.open) else {
                push_text(&mut parts, self.rest);
                self.rest = "";
                return match until {
                    None => Ok(parts),
                    Some(name) => Err(format!("the section `{name}` has no end")),
                };
            };
            let (before, tag) = self.rest.split_at(at);
            let tag = tag.get(self.open.len()..).unwrap_or_default();
            let triple = tag.starts_with('{') && self.open == "{{";
            let close = if triple { "}}}".to_owned() } else { self.close.clone() };
            let Some(end) = tag.find(&close) else { return Err(format!("`{}` has no `{close}`", self.open)) };
            let content = tag.get(usize::from(triple)..end).unwrap_or_default();
            let after = tag.get(end + close.len()..).unwrap_or_default();
            let kind = if triple { '{' } else { content.chars().next().unwrap_or(' ') };
            let block = matches!(kind, '#' | '^' | '/' | '!' | '=');
            let (before, after) = if block { alone_on_line(before, after) } else { (before, after) };
            push_text(&mut parts, before);
            self.rest = after;
            let name = content.trim_start_matches(kind).trim();
            match kind {
                '{' => parts.push(Part::Variable { name: self.name(content.trim())?, escape: Escape::Nothing }),
                '&' => parts.push(Part::Variable { name: self.name(name)?, escape: Escape::Nothing }),
                '!' => {}
                '=' => {
                    let mut delimiters = name.trim_end_matches('=').split_whitespace();
                    match (delimiters.next(), delimiters.next()) {
                        (Some(open), Some(close)) => (self.open, self.close) = (open.into(), close.into()),
                        _ => return Err(format!("`{content}` names no delimiters")),
                    }
                }
                '>' => return Err(format!("it includes `{name}`, and there is nothing to include")),
                '/' if until == Some(name) => return Ok(parts),
                '/' => return Err(format!("the end of a section `{name}` that was not begun")),
                '#' | '^' => {
                    self.levels += 1;
                    if self.levels > SECTION_LEVELS_MAX {
                        return Err(format!("sections lie deeper than {SECTION_LEVELS_MAX} levels"));
                    }
                    let inner = self.parts(Some(name))?;
                    self.levels -= 1;
                    parts.push(self.section(kind, name, inner)?);
                }
                _ => parts.push(Part::Variable { name: self.name(content.trim())?, escape: Escape::Json }),
            }
        }
    }

    fn section(&mut self, kind: char, name: &str, inner: Vec<Part>) -> Result<Part, String> {
        let argument = match inner.as_slice() {
            [Part::Text(text)] => Some(text.trim().to_owned()),
            _ => None,
        };
        let delimiter = name.strip_prefix("join delimiter='").and_then(|rest| rest.strip_suffix('\''));
        match (kind, name) {
            ('#', "url") => Ok(Part::Url(inner.into())),
            ('#', "toJson") => match argument {
                Some(field) => Ok(Part::ToJson(self.name(&field)?)),
                None => Err("`toJson` needs the name of a field".into()),
            },
            ('#', _) if name == "join" || delimiter.is_some() => match argument {
                Some(field) => Ok(Part::Join { name: self.name(&field)?, delimiter: delimiter.unwrap_or(",").into() }),
                None => Err("`join` needs the name of a field".into()),
            },
            _ => Ok(Part::Section { name: self.name(name)?, inverted: kind == '^', parts: inner.into() }),
        }
    }

    fn name(&mut self, text: &str) -> Result<Name, String> {
        if text == "." {
            return Ok(Name::This);
        }
        FieldPath::compile(text, self.symbols).map(Name::Path).map_err(|e| format!("`{text}` names no field: {e}"))
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Part::Text(last)) = parts.last_mut() {
        *last = format!("{last}{text}").into();
    } else {
        parts.push(Part::Text(text.into()));
    }
}

/// A tag that gives no text and stands alone on its line takes the line with it.
fn alone_on_line<'t>(before: &'t str, after: &'t str) -> (&'t str, &'t str) {
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let Some(line_end) = after.find('\n') else { return (before, after) };
    let blank = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
    if blank(before.get(line_start..)) && blank(after.get(..line_end)) {
        (before.get(..line_start).unwrap_or_default(), after.get(line_end + 1..).unwrap_or_default())
    } else {
        (before, after)
    }
}

/// Past this depth a value is not printed; a script can tie a map into itself.
const PRINT_LEVELS_MAX: usize = 64;

/// A list that a variable names: the originals hand it to Mustache as a map from positions.
fn print_indexed(list: &List<'_>, out: &mut BumpString<'_>) {
    out.push('{');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(itoa::Buffer::new().format(index));
        out.push('=');
        print(&item, out, 1);
    }
    out.push('}');
}

/// Java's `toString`.
pub fn print(value: &Value<'_>, out: &mut BumpString<'_>, level: usize) {
    match value {
        Value::Str(text) => out.push_str(text),
        Value::List(_) | Value::Object(_) if level >= PRINT_LEVELS_MAX => out.push_str("..."),
        Value::List(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                print(&item, out, level + 1);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (index, (key, item)) in object.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(key.text);
                out.push('=');
                print(&item, out, level + 1);
            }
            out.push('}');
        }
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        scalar => match number(scalar) {
            Some(Number::Int(n)) => out.push_str(itoa::Buffer::new().format(n)),
            Some(Number::Long(n)) => out.push_str(itoa::Buffer::new().format(n)),
            Some(Number::Big(text)) => out.push_str(text),
            Some(Number::Float(n)) => out.push_str(&numbers::float_to_string(n)),
            Some(Number::Double(n)) => out.push_str(&numbers::double_to_string(n)),
            None => {}
        },
    }
}

fn escape_json(text: &str, out: &mut BumpString<'_>) {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    crate::event::write::write_string(text, &mut quoted);
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    out.push_str(std::str::from_utf8(inner).unwrap_or_default());
}

/// Java's `URLEncoder`.
fn encode_url(text: &str, out: &mut BumpString<'_>) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

/// A value of a pipeline file, templates in its texts.
#[derive(Debug)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Text(Template),
    List(Box<[Literal]>),
    Object(Box<[(Template, Literal)]>),
}

impl Literal {
    pub fn compile(node: &Node, symbols: &mut Symbols) -> Result<Literal, String> {
        Ok(match &node.tree {
            Tree::Null => Literal::Null,
            Tree::Bool(flag) => Literal::Bool(*flag),
            Tree::Int(n) => i32::try_from(*n).map_or(Literal::Long(*n), Literal::Int),
            Tree::Float(n) => Literal::Double(*n),
            Tree::Text(text) => Literal::Text(Template::compile(text, symbols)?),
            Tree::List(items) => {
                Literal::List(items.iter().map(|item| Literal::compile(item, symbols)).collect::<Result<_, _>>()?)
            }
            Tree::Map(entries) => Literal::Object(
                entries
                    .iter()
                    .map(|(key, node)| {
                        symbols.intern(&key.text);
                        Ok((Template::compile(&key.text, symbols)?, Literal::compile(node, symbols)?))
                    })
                    .collect::<Result<_, String>>()?,
            ),
        })
    }

    /// The value with its templates filled in; nothing in it is shared with another document.
    pub fn resolve<'a>(&'a self, document: &Document<'a>) -> Result<Value<'a>, Failure<'a>> {
        Ok(match self {
            Literal::Null => Value::Null,
            Literal::Bool(flag) => Value::Bool(*flag),
            Literal::Int(n) => Value::Int(*n),
            Literal::Long(n) => Value::Long(*n),
            Literal::Double(n) => Value::Double(*n),
            Literal::Text(template) => Value::Str(template.render(document)?),
            Literal::List(items) => {
                let list = document.arena.list();
                for item in items {
                    list.push(item.resolve(document)?);
                }
                Value::List(list)
            }
            Literal::Object(entries) => {
                let object = document.arena.object();
                for (key, item) in entries {
                    object.set(document.key(key.render(document)?), item.resolve(document)?);
                }
                Value::Object(object)
            }
        })
    }

    /// The value is a text made by a template.
    pub fn is_template(&self) -> bool {
        matches!(self, Literal::Text(template) if template.fixed().is_none())
    }

    /// The same value with `{{x}}` escaped for another kind of text.
    pub fn escaped_for(mut self, escape: Escape) -> Literal {
        fn parts(list: &mut [Part], escape: Escape) {
            for part in list {
                match part {
                    Part::Variable { escape: old, .. } if *old != Escape::Nothing => *old = escape,
                    Part::Section { parts: inner, .. } | Part::Url(inner) => parts(inner, escape),
                    _ => {}
                }
            }
        }
        match &mut self {
            Literal::Text(template) => parts(&mut template.parts, escape),
            Literal::List(items) => {
                for item in items {
                    *item = std::mem::replace(item, Literal::Null).escaped_for(escape);
                }
            }
            Literal::Object(entries) => {
                for (key, item) in entries {
                    parts(&mut key.parts, escape);
                    *item = std::mem::replace(item, Literal::Null).escaped_for(escape);
                }
            }
            _ => {}
        }
        self
    }
}
