//! Regular expressions of rules, and the literals that must stand in whatever they match.
//!
//! `regex` runs them in linear time; what it refuses (look-around, back-references, which the specification does not promise but
//! rules use) goes to `fancy-regex` with a limit on its steps, past which it is no match. Literals come from the parsed expression and are folded,
//! so that they can be searched for in a folded value whatever the expression's own flags are.

use regex_syntax::hir::{Hir, HirKind};

use super::fold::fold;

/// Steps of a back-tracking expression: about a millisecond.
const BACKTRACK_STEPS_MAX: usize = 50_000;
/// One compiled expression.
const COMPILED_BYTES_MAX: usize = 4 << 20;
/// Alternatives of one expression that are worth a look in the index.
const LITERALS_MAX: usize = 64;

pub struct Pattern {
    text: String,
    engine: Engine,
}

enum Engine {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// `flags` are letters of `(?ims)`.
    pub fn new(expression: &str, flags: &str) -> Result<Pattern, String> {
        let text = if flags.is_empty() { expression.to_owned() } else { format!("(?{flags}){expression}") };
        let linear = regex::RegexBuilder::new(&text).size_limit(COMPILED_BYTES_MAX).build();
        let engine = match linear {
            Ok(regex) => Engine::Linear(regex),
            Err(refused) => {
                let built = fancy_regex::RegexBuilder::new(&text)
                    .backtrack_limit(BACKTRACK_STEPS_MAX)
                    .delegate_size_limit(COMPILED_BYTES_MAX)
                    .build();
                // The plain engine says best what is wrong.
                Engine::Backtracking(Box::new(
                    built.map_err(|_| format!("`{expression}` is no regular expression: {refused}"))?,
                ))
            }
        };
        Ok(Pattern { text, engine })
    }

    pub fn is_match(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear(regex) => regex.is_match(text),
            Engine::Backtracking(regex) => regex.is_match(text).unwrap_or(false),
        }
    }

    /// Folded texts of which at least one is in the folded form of whatever matches; empty when there are none to rely on.
    pub fn literals(&self) -> Vec<String> {
        match regex_syntax::parse(&self.text) {
            Ok(hir) => required(&hir).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

/// A set of literals, the shortest of them as long as possible.
fn better(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    let worth = |set: &Option<Vec<String>>| {
        set.as_ref().map_or(0, |set| set.iter().map(String::len).min().unwrap_or(0) * 4 / (3 + set.len()).max(1) + 1)
    };
    if worth(&b) > worth(&a) { b } else { a }
}

fn required(hir: &Hir) -> Option<Vec<String>> {
    let mut best = None;
    match hir.kind() {
        HirKind::Capture(capture) => return required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => return required(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(required(branch)?);
                if all.len() > LITERALS_MAX {
                    return None;
                }
            }
            return Some(all);
        }
        HirKind::Concat(parts) => {
            let mut run = String::new();
            for part in parts {
                match letters(part) {
                    Some(text) => run.push_str(&text),
                    None => {
                        best = better(best, flush(&mut run));
                        best = better(best, required(part));
                    }
                }
            }
            best = better(best, flush(&mut run));
        }
        _ => best = letters(hir).map(|text| vec![text]).filter(|set| set.iter().all(|text| !text.is_empty())),
    }
    best
}

fn flush(run: &mut String) -> Option<Vec<String>> {
    let text = std::mem::take(run);
    (!text.is_empty()).then(|| vec![text])
}

/// The folded text that this part stands for, when there is one: a literal, or a class of one letter's cases.
fn letters(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(fold),
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => {
            let mut letter: Option<String> = None;
            for range in class.iter() {
                if u32::from(range.end()) - u32::from(range.start()) > 3 {
                    return None;
                }
                for c in range.start()..=range.end() {
                    let folded = fold(c.encode_utf8(&mut [0; 4]));
                    if letter.get_or_insert_with(|| folded.clone()) != &folded {
                        return None;
                    }
                }
            }
            letter
        }
        HirKind::Capture(capture) => letters(&capture.sub),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_are_what_every_match_contains() {
        for (expression, flags, expected) in [
            (r"https?://evil\.example/", "", vec!["://evil.example/"]),
            (r"(?:cmd|powershell)\.exe", "i", vec![".exe"]),
            (r"foo|barbaz", "", vec!["foo", "barbaz"]),
            (r"[a-z]+\d{3}", "", vec![]),
            (r"(?i)mimikatz", "", vec!["mimikatz"]),
            (r"x?", "", vec![]),
            (r"foo|", "", vec![]),
        ] {
            assert_eq!(Pattern::new(expression, flags).unwrap().literals(), expected, "{expression}");
        }
    }

    #[test]
    fn look_around_works_and_nonsense_is_refused() {
        assert!(Pattern::new(r"a(?!b)", "").unwrap().is_match("ac"));
        assert!(!Pattern::new(r"a(?!b)", "").unwrap().is_match("ab"));
        let refused = Pattern::new("a(", "").unwrap_err();
        assert!(refused.starts_with("`a(` is no regular expression"), "{refused}");
        // A back-tracking expression gives up instead of running on.
        assert!(!Pattern::new(r"^(?:(a+)+)(?!x)$\1", "").unwrap().is_match(&"a".repeat(5_000)));
    }

    proptest! {
        #[test]
        fn a_match_contains_one_of_the_literals(expression in "(?:[a-cK]|[.]|\\[ab\\]|\\(a\\|b\\)|a[?*+]|sk){1,6}", text in "[a-cKkSsſ\u{212a}]{0,12}", insensitive: bool) {
            let Ok(pattern) = Pattern::new(&expression, if insensitive { "i" } else { "" }) else { return Ok(()) };
            let literals = pattern.literals();
            if pattern.is_match(&text) && !literals.is_empty() {
                let folded = fold(&text);
                prop_assert!(literals.iter().any(|l| folded.contains(l.as_str())), "{expression} {literals:?} {folded}");
            }
        }
    }
}
