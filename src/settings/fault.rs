//! What is wrong in a file that a person wrote, and where: shared by settings, pipelines and rules, so that every complaint of
//! `sluice check` reads the same.
//!
//! A fault is data and never the first of many only: whoever reads a file collects all of its faults and returns them together.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file as the user named it, or `environment`.
    pub file: String,
    /// From 1; 0 when the fault is of no line: of the whole file, or of an environment variable.
    pub line: usize,
    /// From 1, in characters; 0 like `line`.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Fault {
    pub fn new(file: impl Into<String>, line: usize, column: usize, message: impl Into<String>) -> Fault {
        Fault { file: file.into(), line, column, message: message.into() }
    }

    /// A fault of a file as a whole, such as one that cannot be read.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault::new(file, 0, 0, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
        }
    }
}

impl std::error::Error for Fault {}

/// All faults of one reading, in the order of the files' lines; never empty when returned as an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The one of `known` that `word` was probably meant to be: nearest by edit distance, and near enough to be worth naming.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A longer word is no slip of the finger, and the distance costs its length times that of each known word.
    const WORD_CHARS_MAX: usize = 64;
    let length = word.chars().count();
    if length > WORD_CHARS_MAX {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|known| (edit_distance(&word, known), known))
        .filter(|(distance, _)| *distance <= (length / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Insertions, deletions, replacements and swaps of neighbours.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, from_char) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, to_char) in to.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(from_char != *to_char))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = column > 0 && previous == Some(*to_char) && to.get(column - 1) == Some(&from_char);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(from_char);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_named_and_a_far_one_is_not() {
        let known = ["brokers", "group", "topics", "properties"];
        for (word, expected) in [
            ("broker", Some("brokers")),
            ("borkers", Some("brokers")),
            ("Topics", Some("topics")),
            ("propertys", Some("properties")),
            ("servers", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_fault_of_a_line_and_one_of_a_file_read_as_compilers_write_them() {
        assert_eq!(Fault::new("sluice.yml", 3, 5, "no").to_string(), "sluice.yml:3:5: no");
        assert_eq!(Fault::of_file("sluice.yml", "no").to_string(), "sluice.yml: no");
    }
}
