//! `uri_parts`: a URI taken apart as `java.net.URI` does it, and as `java.net.URL` does it where the former refuses.

use crate::event::Value;

use super::super::document::{Document, Done, Failure, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("uri_parts", uri_parts)];

/// The parts of a URI, decoded where Java decodes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UriParts {
    pub scheme: Option<String>,
    pub domain: Option<String>,
    pub port: Option<i32>,
    pub path: Option<String>,
    pub extension: Option<String>,
    pub query: Option<String>,
    pub fragment: Option<String>,
    pub user_info: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
}

impl UriParts {
    /// `None` when neither of Java's classes takes the text.
    pub fn parse(text: &str) -> Option<UriParts> {
        let mut parts = if is_uri(text) { uri(text)? } else { url(text)? };
        // Behind the last point of the whole path, be it of a folder: what packages expect. Later originals look at the last segment alone.
        if let Some((_, extension)) = parts.path.as_deref().and_then(|path| path.rsplit_once('.')) {
            parts.extension = Some(extension.to_owned());
        }
        if let Some((name, password)) = parts.user_info.as_deref().and_then(|info| info.split_once(':')) {
            parts.username = Some(name.to_owned());
            parts.password = Some(password.to_owned());
        }
        Some(parts)
    }

    /// Fields in a fixed order; the domain and the scheme are there also when they are not known.
    fn set<'a>(&self, document: &Document<'a>, original: Option<&'a str>) -> Value<'a> {
        let object = document.arena.object();
        let text = |text: &str| Value::Str(document.arena.str(text));
        let or_null = |part: &Option<String>| part.as_deref().map_or(Value::Null, text);
        object.set_str("domain", or_null(&self.domain));
        for (name, part) in [
            ("fragment", &self.fragment),
            ("path", &self.path),
            ("extension", &self.extension),
            ("query", &self.query),
            ("user_info", &self.user_info),
            ("username", &self.username),
            ("password", &self.password),
        ] {
            if let Some(part) = part {
                object.set_str(name, text(part));
            }
        }
        object.set_str("scheme", or_null(&self.scheme));
        if let Some(port) = self.port {
            object.set_str("port", Value::Int(port));
        }
        if let Some(original) = original {
            object.set_str("original", Value::Str(original));
        }
        Value::Object(object)
    }
}

fn scheme_of(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    valid.then_some((scheme, rest))
}

/// Whether every character may stand in a URI: RFC 2396's, other letters, and percent signs before two digits.
fn is_uri(text: &str) -> bool {
    let mut rest = text;
    let mut in_authority_brackets = 0;
    while let Some(c) = rest.chars().next() {
        let allowed = match c {
            '%' => rest.get(1..3).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())),
            '[' | ']' => {
                in_authority_brackets += 1;
                // As a literal address, or in query and fragment.
                in_authority_brackets <= 2
                    || text.split_once('?').is_some_and(|(before, _)| before.len() < text.len() - rest.len())
            }
            'a'..='z' | 'A'..='Z' | '0'..='9' => true,
            ';' | '/' | '?' | ':' | '@' | '&' | '=' | '+' | '$' | ',' | '-' | '_' | '.' | '!' | '~' | '*' | '\''
            | '(' | ')' | '#' => true,
            c => !c.is_ascii() && !c.is_control() && !c.is_whitespace(),
        };
        if !allowed {
            return false;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    text.matches('#').count() <= 1
}

/// Percent escapes to UTF-8; what is no UTF-8 becomes U+FFFD.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn uri(text: &str) -> Option<UriParts> {
    let mut parts = UriParts::default();
    let mut rest = text;
    if let Some((before, fragment)) = rest.split_once('#') {
        parts.fragment = Some(decoded(fragment));
        rest = before;
    }
    let before_path = rest.find(['/', '?']).unwrap_or(rest.len());
    if rest.find(':').is_some_and(|colon| colon < before_path) {
        let (scheme, after) = scheme_of(rest)?;
        parts.scheme = Some(scheme.to_owned());
        if after.is_empty() {
            return None;
        }
        if !after.starts_with('/') {
            // Opaque: mailto:someone has neither host nor path.
            return Some(parts);
        }
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let authority = after.get(..end)?;
        rest = after.get(end..)?;
        if authority.is_empty() && rest.is_empty() {
            return None;
        }
        server(authority, &mut parts);
    }
    if let Some((path, query)) = rest.split_once('?') {
        parts.query = Some(decoded(query));
        rest = path;
    }
    parts.path = Some(decoded(rest));
    Some(parts)
}

/// User, host and port; an authority that is not made so (`a_b:c`) gives none of them, as in Java.
fn server(authority: &str, parts: &mut UriParts) {
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, authority),
    };
    let (host, port) = split_port(address);
    let port = match port {
        None | Some("") => None,
        Some(digits) => match digits.parse::<i32>() {
            Ok(port) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(port),
            _ => return,
        },
    };
    if !is_host(host) {
        return;
    }
    parts.user_info = user.map(decoded);
    parts.domain = Some(host.to_owned());
    parts.port = port;
}

fn split_port(address: &str) -> (&str, Option<&str>) {
    if let Some(end) = address.rfind(']') {
        let (host, after) = address.split_at(end + 1);
        return (host, after.strip_prefix(':'));
    }
    match address.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    }
}

/// A literal address, or labels of letters, digits and hyphens of which the last begins with a letter.
fn is_host(host: &str) -> bool {
    if let Some(v6) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.split('%').next().is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let label = |label: &&str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.iter().all(label)
        && labels.last().is_some_and(|last| labels.len() == 1 || last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// `java.net.URL`, which takes nearly everything with a protocol that it knows, and decodes nothing.
fn url(text: &str) -> Option<UriParts> {
    let text = text.trim_matches(|c| c <= ' ');
    let (scheme, rest) = scheme_of(text)?;
    let known = ["http", "https", "ftp", "file", "jar", "mailto"];
    if !known.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let mut parts =
        UriParts { scheme: Some(scheme.to_ascii_lowercase()), domain: Some(String::new()), ..UriParts::default() };
    let mut rest = rest;
    if let Some((before, fragment)) = rest.split_once('#') {
        parts.fragment = Some(fragment.to_owned());
        rest = before;
    }
    if let Some((before, query)) = rest.split_once('?') {
        parts.query = Some(query.to_owned());
        rest = before;
    }
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        let authority = after.get(..end)?;
        rest = after.get(end..)?;
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let (host, port) = split_port(address);
        parts.user_info = user.map(str::to_owned);
        parts.domain = Some(host.to_owned());
        if let Some(digits) = port.filter(|digits| !digits.is_empty()) {
            parts.port = Some(digits.parse().ok().filter(|port| *port >= -1)?);
        }
    }
    parts.path = Some(rest.to_owned());
    Some(parts)
}

struct UriPartsProcessor {
    field: FieldPath,
    target: FieldPath,
    remove_if_successful: bool,
    keep_original: bool,
    ignore_missing: bool,
}

fn uri_parts(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(UriPartsProcessor {
        field: options.path("field")?,
        target: options.path_or("target_field", "url")?,
        remove_if_successful: options.flag("remove_if_successful", false)?,
        keep_original: options.flag("keep_original", true)?,
        ignore_missing: options.flag("ignore_missing", false)?,
    }))
}

impl Processor for UriPartsProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null, cannot process it.", path.text())));
        };
        let refused =
            |document: &Document<'a>| -> Failure<'a> { document.fail(format_args!("unable to parse URI [{text}]")) };
        let parts = UriParts::parse(text).ok_or_else(|| refused(document))?;
        let value = parts.set(document, self.keep_original.then_some(text));
        if self.remove_if_successful && self.field.text() != self.target.text() {
            document.remove(path)?;
        }
        document.set(self.target.path(), value)?;
        Ok(Flow::Next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_taken_apart() {
        let parts = UriParts::parse("http://user:p%40ss@www.example.com:8080/a/b.tar.gz?q=%20x#frag").unwrap();
        assert_eq!(parts.scheme.as_deref(), Some("http"));
        assert_eq!(parts.domain.as_deref(), Some("www.example.com"));
        assert_eq!(parts.port, Some(8080));
        assert_eq!(parts.path.as_deref(), Some("/a/b.tar.gz"));
        assert_eq!(parts.extension.as_deref(), Some("gz"));
        assert_eq!(parts.query.as_deref(), Some("q= x"));
        assert_eq!(parts.fragment.as_deref(), Some("frag"));
        assert_eq!(parts.username.as_deref(), Some("user"));
        assert_eq!(parts.password.as_deref(), Some("p@ss"));
    }

    #[test]
    fn odd_ones_follow_java() {
        for (text, domain, path) in [
            ("/just/a/path", None, Some("/just/a/path")),
            ("mailto:jo@example.com", None, None),
            ("http://[::1]:80/x", Some("[::1]"), Some("/x")),
            ("http://host_with_underscore/x", None, Some("/x")),
            ("http://example.com/a b", Some("example.com"), Some("/a b")),
            ("https://example.com", Some("example.com"), Some("")),
            ("ftp://ftp.is.co.za/rfc/rfc1808.txt", Some("ftp.is.co.za"), Some("/rfc/rfc1808.txt")),
        ] {
            let parts = UriParts::parse(text).unwrap();
            assert_eq!((parts.domain.as_deref(), parts.path.as_deref()), (domain, path), "{text}");
        }
        for text in ["not:\\/_a_valid_uri", "no scheme here", "http:"] {
            assert_eq!(UriParts::parse(text), None, "{text}");
        }
    }
}
