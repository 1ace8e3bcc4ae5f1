//! Patterns with wildcards: `*` for any text, line breaks included, `?` for one character, and for `windash` any of five dashes.
//!
//! A pattern that is only text between stars is no pattern any more but one of the plain comparisons ([`Shape`]), which the index
//! knows how to find without trying; [`Glob`] is for the rest. Matching steps back only to the last star, so it costs at most text times
//! pattern and cannot blow up.

use super::fold::fold_into;

/// The characters that `windash` holds equal: hyphen, slash, en dash, em dash, horizontal bar.
pub const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    Char(char),
    One,
    Any,
    Dash,
}

/// Where a value's text must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Exact,
    Prefix,
    Suffix,
    Contains,
}

/// What a pattern comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `*`: any text at all, the empty one included.
    AnyText,
    Text(Place, String),
    Glob(Glob),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    tokens: Vec<Token>,
}

/// Brings tokens and the place that the modifiers ask for into the simplest shape that means the same.
pub fn shape(place: Place, mut tokens: Vec<Token>) -> Shape {
    if matches!(place, Place::Suffix | Place::Contains) {
        tokens.insert(0, Token::Any);
    }
    if matches!(place, Place::Prefix | Place::Contains) {
        tokens.push(Token::Any);
    }
    tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
    if tokens == [Token::Any] {
        return Shape::AnyText;
    }
    let starts = tokens.first() == Some(&Token::Any);
    let ends = tokens.last() == Some(&Token::Any);
    let inner = tokens.get(usize::from(starts)..tokens.len() - usize::from(ends)).unwrap_or_default();
    let text: Option<String> = inner.iter().map(|t| if let Token::Char(c) = t { Some(*c) } else { None }).collect();
    let Some(text) = text else { return Shape::Glob(Glob { tokens }) };
    let place = match (starts, ends) {
        (false, false) => Place::Exact,
        (false, true) => Place::Prefix,
        (true, false) => Place::Suffix,
        (true, true) => Place::Contains,
    };
    Shape::Text(place, text)
}

/// Folds the characters of a pattern as [`super::fold`] folds a value.
pub fn fold_tokens(tokens: Vec<Token>) -> Vec<Token> {
    let mut folded = Vec::with_capacity(tokens.len());
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::Char(c) => {
                text.clear();
                fold_into(c.encode_utf8(&mut [0; 4]), &mut text);
                folded.extend(text.chars().map(Token::Char));
            }
            other => folded.push(other),
        }
    }
    folded
}

impl Glob {
    pub fn is_match(&self, text: &str) -> bool {
        let tokens = &self.tokens;
        let (mut at, mut rest) = (0, text.chars());
        let mut back: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if tokens.get(at) == Some(&Token::Any) {
                at += 1;
                back = Some((at, rest.clone()));
                continue;
            }
            let before = rest.clone();
            match (tokens.get(at), rest.next()) {
                (None, None) => return true,
                (Some(token), Some(c)) if token.takes(c) => at += 1,
                (_, None) if before.as_str().is_empty() => return false,
                _ => {
                    let Some((star, mut from)) = back.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    at = star;
                    rest = from.clone();
                    back = Some((star, from));
                }
            }
        }
    }

    /// The longest run of plain characters: text that every match contains.
    pub fn literal(&self) -> Option<String> {
        self.tokens
            .split(|t| !matches!(t, Token::Char(_)))
            .map(|run| {
                run.iter().filter_map(|t| if let Token::Char(c) = t { Some(*c) } else { None }).collect::<String>()
            })
            .max_by_key(String::len)
            .filter(|text| !text.is_empty())
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One => true,
            Token::Dash => DASHES.contains(&c),
            Token::Any => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(pattern: &str) -> Vec<Token> {
        pattern
            .chars()
            .map(|c| match c {
                '*' => Token::Any,
                '?' => Token::One,
                '~' => Token::Dash,
                c => Token::Char(c),
            })
            .collect()
    }

    /// The definition itself, by recursion over both.
    fn naive(tokens: &[Token], text: &[char]) -> bool {
        match tokens.split_first() {
            None => text.is_empty(),
            Some((Token::Any, rest)) => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            Some((token, rest)) => text.split_first().is_some_and(|(c, after)| token.takes(*c) && naive(rest, after)),
        }
    }

    #[test]
    fn shapes_are_the_simplest_that_mean_the_same() {
        for (place, pattern, expected) in [
            (Place::Exact, "*", Shape::AnyText),
            (Place::Contains, "", Shape::AnyText),
            (Place::Exact, "", Shape::Text(Place::Exact, "".into())),
            (Place::Exact, "*a*", Shape::Text(Place::Contains, "a".into())),
            (Place::Prefix, "*a", Shape::Text(Place::Contains, "a".into())),
            (Place::Suffix, "a*", Shape::Text(Place::Contains, "a".into())),
            (Place::Exact, "a**", Shape::Text(Place::Prefix, "a".into())),
        ] {
            assert_eq!(shape(place, tokens(pattern)), expected, "{place:?} {pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_glob_matches_as_defined(pattern in "[ab*?~é]{0,8}", text in "[ab/é\n-]{0,10}") {
            let chars: Vec<char> = text.chars().collect();
            let expected = naive(&tokens(&pattern), &chars);
            prop_assert_eq!(Glob { tokens: tokens(&pattern) }.is_match(&text), expected);
        }
    }
}
