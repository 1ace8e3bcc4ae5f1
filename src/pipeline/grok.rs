//! Grok: patterns of named patterns (`%{IP:source.ip}`) to regular expressions, and their captures to values.
//!
//! The expressions are Oniguruma's, compiled by [`crate::java::regex`], which turns nearly all of them into linear ones. The
//! legacy patterns are in `patterns/legacy`; the ECS v1 patterns are those in `patterns/ecs-v1` over the legacy ones that capture nothing.
//! A legacy pattern that would capture fields with legacy names is not known in ECS mode.

use std::fmt::Write;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::java::numbers;
use crate::java::regex::{Captures, Exhausted, Regex};

/// How deep patterns may name patterns.
const REFERENCE_LEVELS_MAX: usize = 100;
/// The length of one pattern with all its parts put in.
const EXPANDED_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternSet {
    Legacy,
    EcsV1,
}

/// Definitions by name: one of the two sets, and a pipeline's own before it.
#[derive(Debug)]
pub struct Definitions<'d> {
    set: &'static FxHashMap<&'static str, &'static str>,
    own: FxHashMap<&'d str, &'d str>,
}

impl<'d> Definitions<'d> {
    pub fn new(set: PatternSet, own: impl IntoIterator<Item = (&'d str, &'d str)>) -> Self {
        Self { set: set.definitions(), own: own.into_iter().collect() }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.own.get(name).or_else(|| self.set.get(name)).copied()
    }
}

impl PatternSet {
    fn definitions(self) -> &'static FxHashMap<&'static str, &'static str> {
        static LEGACY: OnceLock<FxHashMap<&'static str, &'static str>> = OnceLock::new();
        static ECS_V1: OnceLock<FxHashMap<&'static str, &'static str>> = OnceLock::new();
        match self {
            PatternSet::Legacy => LEGACY.get_or_init(|| lines(include_str!("patterns/legacy")).collect()),
            PatternSet::EcsV1 => ECS_V1.get_or_init(|| {
                let plain = PatternSet::Legacy.definitions().iter().filter(|(_, text)| !captures(text));
                let mut known: FxHashMap<_, _> =
                    plain.map(|(name, text)| (*name, *text)).chain(lines(include_str!("patterns/ecs-v1"))).collect();
                // What is built of patterns that capture legacy fields is not in the set either.
                loop {
                    let names: Vec<&str> = known.keys().copied().collect();
                    known.retain(|_, text| referenced(text).all(|name| names.contains(&name)));
                    if known.len() == names.len() {
                        return known;
                    }
                }
            }),
        }
    }
}

fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

/// The patterns that a definition names.
fn referenced(text: &str) -> impl Iterator<Item = &str> {
    text.split("%{").skip(1).filter_map(|rest| rest.split([':', '}']).next())
}

/// Whether a definition captures into fields itself.
fn captures(text: &str) -> bool {
    text.match_indices("%{").any(|(at, _)| {
        let inner = text.get(at..).and_then(|rest| rest.split('}').next()).unwrap_or_default();
        inner.contains(':')
    }) || text.match_indices("(?<").any(|(at, _)| !matches!(text.as_bytes().get(at + 3), Some(b'=' | b'!')))
}

/// What a captured text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureType {
    Text,
    Int,
    Long,
    Float,
    Double,
    Boolean,
}

/// A captured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Captured<'t> {
    Text(&'t str),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Boolean(bool),
}

impl CaptureType {
    fn of(name: &str) -> CaptureType {
        match name {
            "int" => CaptureType::Int,
            "long" => CaptureType::Long,
            "float" => CaptureType::Float,
            "double" => CaptureType::Double,
            "boolean" => CaptureType::Boolean,
            // As in the original, any other word leaves a text.
            _ => CaptureType::Text,
        }
    }

    pub fn convert(self, text: &str) -> Result<Captured<'_>, numbers::NumberFault> {
        Ok(match self {
            CaptureType::Text => Captured::Text(text),
            CaptureType::Int => Captured::Int(numbers::parse_int(text, 10)?),
            CaptureType::Long => Captured::Long(numbers::parse_long(text, 10)?),
            CaptureType::Float => Captured::Float(numbers::parse_float(text)?),
            CaptureType::Double => Captured::Double(numbers::parse_double(text)?),
            CaptureType::Boolean => Captured::Boolean(text.eq_ignore_ascii_case("true")),
        })
    }
}

/// A field that a pattern captures, and the groups that it is captured by.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub capture_type: CaptureType,
    pub groups: Vec<usize>,
}

/// One compiled pattern.
#[derive(Debug)]
pub struct Grok {
    regex: Regex,
    fields: Vec<Field>,
}

impl Grok {
    /// `Err` says what is wrong, in the original's words where it has some.
    pub fn compile(pattern: &str, definitions: &Definitions<'_>) -> Result<Grok, String> {
        let mut expansion = Expansion { definitions, text: String::new(), fields: Vec::new(), open: Vec::new() };
        expansion.expand(pattern)?;
        let regex = Regex::oniguruma(&expansion.text).map_err(|fault| fault.what)?;
        let mut fields: Vec<Field> = Vec::new();
        for (group_name, group) in regex.group_names() {
            let (name, capture_type) = match group_name.strip_prefix("g#").and_then(|n| n.parse::<usize>().ok()) {
                Some(index) => match expansion.fields.get(index) {
                    Some((name, capture_type)) => (name.clone(), *capture_type),
                    None => continue,
                },
                None => inline_field(group_name),
            };
            match fields.iter_mut().find(|known| known.name == name) {
                Some(known) => known.groups.push(*group),
                None => fields.push(Field { name, capture_type, groups: vec![*group] }),
            }
        }
        Ok(Grok { regex, fields })
    }

    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub fn is_linear(&self) -> bool {
        self.regex.is_linear()
    }

    /// Searches the text; true when it matched.
    pub fn search(&self, text: &str, captures: &mut Captures) -> Result<bool, Exhausted> {
        self.regex.captures_at(text, 0, captures)
    }

    /// As [`Grok::search`], from a byte offset on.
    pub fn search_at(&self, text: &str, from: usize, captures: &mut Captures) -> Result<bool, Exhausted> {
        self.regex.captures_at(text, from, captures)
    }

    /// Where the first match begins.
    pub fn start(&self, text: &str) -> Result<Option<usize>, Exhausted> {
        Ok(self.regex.find_at(text, 0)?.map(|(start, _)| start))
    }
}

/// A group that is named in the pattern itself, as `(?<field>…)` or `(?<field:int>…)`.
fn inline_field(name: &str) -> (String, CaptureType) {
    match name.split_once(':') {
        Some((field, kind)) => (field_name(field), CaptureType::of(kind)),
        None => (field_name(name), CaptureType::Text),
    }
}

/// `[a][b]` is Logstash's way to write `a.b`.
fn field_name(name: &str) -> String {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.replace("][", "."),
        None => name.to_owned(),
    }
}

struct Expansion<'e, 'd> {
    definitions: &'e Definitions<'d>,
    text: String,
    fields: Vec<(String, CaptureType)>,
    /// Names of the patterns that are being put in.
    open: Vec<String>,
}

impl Expansion<'_, '_> {
    fn expand(&mut self, pattern: &str) -> Result<(), String> {
        if self.open.len() > REFERENCE_LEVELS_MAX {
            return Err(format!("patterns name each other more than {REFERENCE_LEVELS_MAX} levels deep"));
        }
        let mut rest = pattern;
        while let Some(start) = rest.find("%{") {
            let (before, reference) = rest.split_at(start);
            self.text.push_str(before);
            let parsed = reference.get(2..).and_then(Reference::parse);
            let Some((reference, length)) = parsed else {
                // Not a reference: the percent sign is itself.
                self.text.push_str("%{");
                rest = reference.get(2..).unwrap_or_default();
                continue;
            };
            rest = rest.get(start + 2 + length..).unwrap_or_default();
            self.reference(reference)?;
        }
        self.text.push_str(rest);
        if self.text.len() > EXPANDED_BYTES_MAX {
            return Err(format!("the pattern is longer than {EXPANDED_BYTES_MAX} bytes when its parts are put in"));
        }
        Ok(())
    }

    fn reference(&mut self, reference: Reference<'_>) -> Result<(), String> {
        let definitions = self.definitions;
        let definition = match reference.definition {
            Some(inline) => inline,
            None => definitions.get(reference.pattern).ok_or_else(|| {
                format!("Unable to find pattern [{}] in Grok's pattern dictionary", reference.pattern)
            })?,
        };
        if self.open.iter().any(|open| open == reference.pattern) {
            let way: Vec<_> = self.open.iter().map(|open| format!("[{open}]")).collect();
            return Err(format!("circular reference in pattern {}[{}]", way.concat(), reference.pattern));
        }
        match reference.field {
            Some(field) => {
                let (name, kind) = match field.split_once(':') {
                    Some((name, kind)) => (name, CaptureType::of(kind)),
                    None => (field, CaptureType::Text),
                };
                let _ = write!(self.text, "(?<g#{}>", self.fields.len());
                self.fields.push((field_name(name), kind));
            }
            None => self.text.push_str("(?:"),
        }
        self.open.push(reference.pattern.to_owned());
        self.expand(definition)?;
        self.open.pop();
        self.text.push(')');
        Ok(())
    }
}

/// `%{PATTERN:field:type=definition}`.
struct Reference<'p> {
    pattern: &'p str,
    field: Option<&'p str>,
    definition: Option<&'p str>,
}

impl<'p> Reference<'p> {
    /// Reads from behind `%{`; gives the length up to behind the closing brace.
    fn parse(text: &'p str) -> Option<(Reference<'p>, usize)> {
        let end = text.find('}')?;
        let inner = text.get(..end)?;
        let (head, definition) = match inner.split_once('=') {
            Some((head, definition)) => (head, Some(definition)),
            None => (inner, None),
        };
        let (pattern, field) = match head.split_once(':') {
            Some((pattern, field)) => (pattern, Some(field)),
            None => (head, None),
        };
        let named = !pattern.is_empty() && pattern.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let fielded = field.is_none_or(|field| {
            !field.is_empty() && field.chars().all(|c| c.is_alphanumeric() || "@[]_:.-".contains(c))
        });
        (named && fielded).then_some((Reference { pattern, field, definition }, end + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grok(set: PatternSet, pattern: &str) -> Grok {
        Grok::compile(pattern, &Definitions::new(set, [])).unwrap()
    }

    fn fields(grok: &Grok, text: &str) -> Vec<(String, String)> {
        let mut captures = Captures::new();
        assert!(grok.search(text, &mut captures).unwrap(), "no match");
        let mut found = Vec::new();
        for field in grok.fields() {
            if let Some(value) = field.groups.iter().find_map(|group| captures.text(text, *group)) {
                found.push((field.name.clone(), value.to_owned()));
            }
        }
        found
    }

    #[test]
    fn an_access_line_is_read_in_linear_time() {
        let line = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif?x=1 HTTP/1.0" 200 2326 "http://a.b/c" "Mozilla/4.08 [en]""#;
        let legacy = grok(PatternSet::Legacy, "%{COMBINEDAPACHELOG}");
        let found = fields(&legacy, line);
        for (name, value) in [
            ("clientip", "127.0.0.1"),
            ("auth", "frank"),
            ("timestamp", "10/Oct/2000:13:55:36 -0700"),
            ("verb", "GET"),
            ("request", "/apache_pb.gif?x=1"),
            ("httpversion", "1.0"),
            ("response", "200"),
            ("bytes", "2326"),
        ] {
            assert!(found.contains(&(name.into(), value.into())), "{name}: {found:?}");
        }
        let ecs = fields(&grok(PatternSet::EcsV1, "%{COMBINEDAPACHELOG}"), line);
        for (name, value) in [
            ("source.address", "127.0.0.1"),
            ("user.name", "frank"),
            ("http.request.referrer", "http://a.b/c"),
            ("user_agent.original", "Mozilla/4.08 [en]"),
        ] {
            assert!(ecs.contains(&(name.into(), value.into())), "{name}: {ecs:?}");
        }
    }

    #[test]
    fn every_pattern_of_both_sets_compiles() {
        for set in [PatternSet::Legacy, PatternSet::EcsV1] {
            let definitions = Definitions::new(set, []);
            for name in set.definitions().keys() {
                if let Err(fault) = Grok::compile(&format!("%{{{name}}}"), &definitions) {
                    panic!("{set:?} {name}: {fault}");
                }
            }
        }
    }

    #[test]
    fn common_patterns_match_what_they_name() {
        for (pattern, text, value) in [
            ("%{IP:x}", "from 2001:db8::1:0 to", "2001:db8::1:0"),
            ("%{IPV4:x}", "a 1234.5.6.7 10.1.2.3 b", "10.1.2.3"),
            ("%{NUMBER:x}", "v=-12.50;", "-12.50"),
            ("%{QUOTEDSTRING:x}", r#"say "a \" b" end"#, r#""a \" b""#),
            ("%{TIMESTAMP_ISO8601:x}", "at 2023-01-02T03:04:05.678+01:00 x", "2023-01-02T03:04:05.678+01:00"),
            ("%{SYSLOGTIMESTAMP:x}", "Mar  7 01:02:03 host", "Mar  7 01:02:03"),
            ("%{MAC:x}", "00:1B:44:11:3A:B7", "00:1B:44:11:3A:B7"),
            ("%{UUID:x}", "id 123e4567-e89b-12d3-a456-426614174000.", "123e4567-e89b-12d3-a456-426614174000"),
            ("%{EMAILADDRESS:x}", "<jo@example.com>", "jo@example.com"),
            ("%{URI:x}", "GET https://u@h.example/p/a?q=1 x", "https://u@h.example/p/a?q=1"),
            ("%{PATH:x}", "in /var/log/syslog.1 now", "/var/log/syslog.1"),
            ("(?<x>[a-f]+)-%{INT}", "zz abc-12", "abc"),
            ("%{WORD}=%{GREEDYDATA:x}", "k=v w", "v w"),
        ] {
            assert_eq!(
                fields(&grok(PatternSet::Legacy, pattern), text),
                [("x".to_owned(), value.to_owned())],
                "{pattern}"
            );
        }
    }

    #[test]
    fn types_own_definitions_and_faults() {
        let definitions = Definitions::new(PatternSet::Legacy, [("ID", "[0-9]{3}"), ("A", "%{B}"), ("B", "%{A}")]);
        let typed = Grok::compile("%{ID:id:int} %{ID:id:int}?%{WORD:[a][b]}", &definitions).unwrap();
        assert_eq!(typed.fields().len(), 2);
        assert_eq!(typed.fields()[0].capture_type.convert("123"), Ok(Captured::Int(123)));
        assert_eq!(typed.fields()[1].name, "a.b");
        assert!(CaptureType::Int.convert("9999999999").is_err());
        assert_eq!(
            Grok::compile("%{NOPE}", &definitions).unwrap_err(),
            "Unable to find pattern [NOPE] in Grok's pattern dictionary"
        );
        assert_eq!(Grok::compile("%{A}", &definitions).unwrap_err(), "circular reference in pattern [A][B][A]");
        let ecs = Definitions::new(PatternSet::EcsV1, []);
        assert!(Grok::compile("%{S3_ACCESS_LOG}", &ecs).unwrap_err().contains("[S3_ACCESS_LOG]"));
    }
}
