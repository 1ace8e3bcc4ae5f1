//! What can go wrong: at load ([`CompileError`], with line and column) and while a script runs ([`ScriptError`]).
//!
//! Inside a run an error is a [`Thrown`], small and boxed, so that the way without errors stays cheap; it becomes a
//! [`ScriptError`] with its place in the source only when no `catch` of the script takes it.

use std::fmt;

use thiserror::Error;

use super::token::At;

/// A fault of the script's text, found when it is loaded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{line}:{column}: {message}")]
pub struct CompileError {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub message: String,
}

impl CompileError {
    pub(super) fn new(source: &str, at: At, message: impl Into<String>) -> Self {
        let (line, column) = line_and_column(source, at);
        Self { line, column, message: message.into() }
    }
}

/// What a script threw and did not catch.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ScriptError {
    /// As Elasticsearch words it.
    pub message: String,
    /// The Java class of the exception, as `java.lang.NullPointerException`.
    pub class: &'static str,
    pub line: u32,
    pub column: u32,
}

pub(super) fn line_and_column(source: &str, at: At) -> (u32, u32) {
    let before = source.get(..at as usize).unwrap_or(source);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    (line, column)
}

/// The exceptions that scripts can throw, name or catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Exception,
    Runtime,
    Arithmetic,
    ArrayIndex,
    ArrayStore,
    ClassCast,
    ConcurrentModification,
    DateTime,
    DateTimeParse,
    UnsupportedTemporalType,
    EmptyStack,
    IllegalArgument,
    IllegalState,
    IndexOutOfBounds,
    InputMismatch,
    MissingResource,
    NegativeArraySize,
    NoSuchElement,
    NullPointer,
    NumberFormat,
    PatternSyntax,
    Security,
    StringIndex,
    UnsupportedOperation,
    Parse,
    /// Loops, memory, recursion: no script may catch these.
    PainlessError,
    OutOfMemory,
    StackOverflow,
    CircuitBreaking,
}

/// Short name in scripts, Java's name, and the class that it extends.
const CLASSES: [(Class, &str, &str, Class); 29] = [
    (Class::Exception, "Exception", "java.lang.Exception", Class::Exception),
    (Class::Runtime, "RuntimeException", "java.lang.RuntimeException", Class::Exception),
    (Class::Arithmetic, "ArithmeticException", "java.lang.ArithmeticException", Class::Runtime),
    (
        Class::ArrayIndex,
        "ArrayIndexOutOfBoundsException",
        "java.lang.ArrayIndexOutOfBoundsException",
        Class::IndexOutOfBounds,
    ),
    (Class::ArrayStore, "ArrayStoreException", "java.lang.ArrayStoreException", Class::Runtime),
    (Class::ClassCast, "ClassCastException", "java.lang.ClassCastException", Class::Runtime),
    (
        Class::ConcurrentModification,
        "ConcurrentModificationException",
        "java.util.ConcurrentModificationException",
        Class::Runtime,
    ),
    (Class::DateTime, "DateTimeException", "java.time.DateTimeException", Class::Runtime),
    (Class::DateTimeParse, "DateTimeParseException", "java.time.format.DateTimeParseException", Class::DateTime),
    (
        Class::UnsupportedTemporalType,
        "UnsupportedTemporalTypeException",
        "java.time.temporal.UnsupportedTemporalTypeException",
        Class::DateTime,
    ),
    (Class::EmptyStack, "EmptyStackException", "java.util.EmptyStackException", Class::Runtime),
    (Class::IllegalArgument, "IllegalArgumentException", "java.lang.IllegalArgumentException", Class::Runtime),
    (Class::IllegalState, "IllegalStateException", "java.lang.IllegalStateException", Class::Runtime),
    (Class::IndexOutOfBounds, "IndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException", Class::Runtime),
    (Class::InputMismatch, "InputMismatchException", "java.util.InputMismatchException", Class::NoSuchElement),
    (Class::MissingResource, "MissingResourceException", "java.util.MissingResourceException", Class::Runtime),
    (Class::NegativeArraySize, "NegativeArraySizeException", "java.lang.NegativeArraySizeException", Class::Runtime),
    (Class::NoSuchElement, "NoSuchElementException", "java.util.NoSuchElementException", Class::Runtime),
    (Class::NullPointer, "NullPointerException", "java.lang.NullPointerException", Class::Runtime),
    (Class::NumberFormat, "NumberFormatException", "java.lang.NumberFormatException", Class::IllegalArgument),
    (Class::PatternSyntax, "PatternSyntaxException", "java.util.regex.PatternSyntaxException", Class::IllegalArgument),
    (Class::Security, "SecurityException", "java.lang.SecurityException", Class::Runtime),
    (
        Class::StringIndex,
        "StringIndexOutOfBoundsException",
        "java.lang.StringIndexOutOfBoundsException",
        Class::IndexOutOfBounds,
    ),
    (
        Class::UnsupportedOperation,
        "UnsupportedOperationException",
        "java.lang.UnsupportedOperationException",
        Class::Runtime,
    ),
    (Class::Parse, "ParseException", "java.text.ParseException", Class::Exception),
    (Class::PainlessError, "PainlessError", "org.elasticsearch.painless.PainlessError", Class::PainlessError),
    (Class::OutOfMemory, "OutOfMemoryError", "java.lang.OutOfMemoryError", Class::OutOfMemory),
    (Class::StackOverflow, "StackOverflowError", "java.lang.StackOverflowError", Class::StackOverflow),
    (
        Class::CircuitBreaking,
        "CircuitBreakingException",
        "org.elasticsearch.common.breaker.CircuitBreakingException",
        Class::CircuitBreaking,
    ),
];

impl Class {
    /// The exception class that a script names; the errors that nobody may catch have no name in scripts.
    pub(super) fn named(name: &str) -> Option<Class> {
        let row = CLASSES.iter().find(|(_, short, full, _)| *short == name || *full == name)?;
        (!row.0.is_fatal()).then_some(row.0)
    }

    fn row(self) -> &'static (Class, &'static str, &'static str, Class) {
        CLASSES.iter().find(|row| row.0 == self).unwrap_or(&CLASSES[0])
    }

    pub(super) fn java_name(self) -> &'static str {
        self.row().2
    }

    pub(super) fn is_fatal(self) -> bool {
        matches!(self, Class::PainlessError | Class::OutOfMemory | Class::StackOverflow | Class::CircuitBreaking)
    }

    /// Whether `catch (other e)` takes an exception of this class.
    pub(super) fn is_a(self, other: Class) -> bool {
        let mut class = self;
        loop {
            if class == other {
                return true;
            }
            let parent = class.row().3;
            if parent == class {
                return false;
            }
            class = parent;
        }
    }
}

/// An exception on its way up.
#[derive(Debug)]
pub(super) struct Thrown {
    pub class: Class,
    /// `None` is Java's exception without a message.
    pub message: Option<String>,
    /// Filled in by the innermost node that knows its place.
    pub at: Option<At>,
}

pub(super) type Throw = Box<Thrown>;

#[cold]
pub(super) fn throw(class: Class, message: impl Into<String>) -> Throw {
    Box::new(Thrown { class, message: Some(message.into()), at: None })
}

#[cold]
pub(super) fn throw_bare(class: Class) -> Throw {
    Box::new(Thrown { class, message: None, at: None })
}

impl Thrown {
    /// As Elasticsearch names the cause of a script exception.
    pub(super) fn into_error(self, source: &str) -> ScriptError {
        let (line, column) = line_and_column(source, self.at.unwrap_or(0));
        ScriptError {
            message: self.message.unwrap_or_else(|| "null".to_owned()),
            class: self.class.java_name(),
            line,
            column,
        }
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.java_name())?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}
