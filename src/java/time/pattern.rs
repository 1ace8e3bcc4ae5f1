//! Patterns of `DateTimeFormatter` (`yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX`) to the steps that reading and writing go through.
//!
//! The builder's rules are Java's, the one about neighbours above all: in `yyyyMMdd` the year leaves the four digits behind it to
//! month and day.

use std::fmt;

use super::names::{Locale, Width};

const PATTERN_CHARS_MAX: usize = 1000;
const OPTIONAL_LEVELS_MAX: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Era,
    Year,
    YearOfEra,
    QuarterOfYear,
    MonthOfYear,
    /// Week-based years and weeks of ISO 8601.
    WeekBasedYear,
    WeekOfWeekBasedYear,
    /// The same by the formatter's locale.
    LocalWeekBasedYear,
    LocalWeekOfWeekBasedYear,
    LocalWeekOfMonth,
    LocalDayOfWeek,
    DayOfYear,
    DayOfMonth,
    AlignedWeekOfMonth,
    DayOfWeek,
    ModifiedJulianDay,
    AmPm,
    HourOfAmPm,
    ClockHourOfAmPm,
    HourOfDay,
    ClockHourOfDay,
    MinuteOfHour,
    SecondOfMinute,
    NanoOfSecond,
    MilliOfDay,
    NanoOfDay,
    /// Seconds of the zone's offset, where the text has one.
    OffsetSeconds,
    InstantSeconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignStyle {
    Normal,
    NotNegative,
    ExceedsPad,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub field: Field,
    pub min: usize,
    pub max: usize,
    pub sign: SignStyle,
    /// The last two digits of a year from 2000 on.
    pub reduced: bool,
    /// A fraction of a second without a point.
    pub fraction: bool,
    /// Digits that the fixed numbers behind it need.
    pub subsequent: usize,
}

/// Shapes of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OffsetShape {
    /// `+HHmm`: minutes only where they are not zero.
    HourOptionalMinute,
    HourMinute,
    HourColonMinute,
    HourMinuteOptionalSecond,
    HourColonMinuteColonOptionalSecond,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Literal(char),
    Number(Number),
    /// A fraction of a second behind a point, which is left out when it has no digits.
    PointFraction {
        min: usize,
        max: usize,
    },
    Text {
        field: Field,
        texts: Vec<(&'static str, i64)>,
    },
    Offset {
        shape: OffsetShape,
        none: &'static str,
    },
    LocalizedOffset {
        full: bool,
    },
    /// `VV`.
    ZoneId,
    /// An offset or a zone's id.
    ZoneOrOffsetId,
    /// `z`.
    ZoneName {
        full: bool,
    },
    Optional(Vec<Step>),
    Pad {
        width: usize,
        step: Box<Step>,
    },
}

/// Why a pattern is none, in the words of Java's exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternFault(pub String);

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternFault {}

/// A compiled pattern with its locale.
#[derive(Clone, Debug)]
pub struct Formatter {
    pub(super) steps: Vec<Step>,
    pub(super) locale: Locale,
}

impl Formatter {
    /// `DateTimeFormatter.ofPattern(pattern, locale)`.
    pub fn compile(pattern: &str, locale: Locale) -> Result<Formatter, PatternFault> {
        let chars: Vec<char> = pattern.chars().collect();
        if chars.len() > PATTERN_CHARS_MAX {
            return Err(PatternFault(format!("the pattern has more than {PATTERN_CHARS_MAX} characters")));
        }
        Self::build(&chars, locale, false)
    }

    /// A pattern that may hold the parts in braces which Elasticsearch's own formats need: `{f}` is a point and 1 to 9 digits of a
    /// second, `{f0}` the same or nothing, `{f3}` and `{f9}` are what is printed for them, `{F}` the digits alone, `{z}` a zone's id or an offset, `{o}` an offset as `+HHmm`, `{g}` the same
    /// with its minutes always and `GMT` for none.
    pub fn compile_extended(pattern: &str) -> Result<Formatter, PatternFault> {
        let chars: Vec<char> = pattern.chars().collect();
        Self::build(&chars, Locale::ROOT, true)
    }

    fn build(chars: &[char], locale: Locale, extended: bool) -> Result<Formatter, PatternFault> {
        let mut builder = Builder { locale, top: Level::default(), outer: Vec::new(), pad: None, extended };
        builder.pattern(chars)?;
        while builder.close() {}
        Ok(Formatter { steps: builder.top.steps, locale })
    }
}

#[derive(Default)]
struct Level {
    steps: Vec<Step>,
    /// The number whose digits its neighbours take from.
    active: Option<usize>,
}

struct Builder {
    locale: Locale,
    top: Level,
    /// The levels around it, the outermost first.
    outer: Vec<Level>,
    pad: Option<usize>,
    extended: bool,
}

impl Builder {
    /// A part in braces; gives the place of its closing brace.
    fn extension(&mut self, chars: &[char], start: usize) -> Result<usize, PatternFault> {
        let name: String = chars.iter().skip(start + 1).take_while(|c| **c != '}').collect();
        let fraction = |min, max, point| {
            if point {
                return Step::PointFraction { min, max };
            }
            Step::Number(Number {
                field: Field::NanoOfSecond,
                min,
                max,
                sign: SignStyle::NotNegative,
                reduced: false,
                fraction: true,
                subsequent: 0,
            })
        };
        self.push(match &*name {
            "f" => fraction(1, 9, true),
            "f0" => fraction(0, 9, true),
            "f3" => fraction(3, 3, true),
            "f9" => fraction(3, 9, true),
            "F" => fraction(1, 9, false),
            "z" => Step::ZoneOrOffsetId,
            "o" => Step::Offset { shape: OffsetShape::HourOptionalMinute, none: "Z" },
            "g" => Step::Offset { shape: OffsetShape::HourMinute, none: "GMT" },
            _ => return Err(PatternFault(format!("Pattern includes reserved character: '{{{name}'"))),
        });
        Ok(start + 1 + name.chars().count())
    }

    fn pattern(&mut self, chars: &[char]) -> Result<(), PatternFault> {
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            if c.is_ascii_alphabetic() {
                let mut count = run(chars, at);
                at += count;
                let mut letter = c;
                if c == 'p' {
                    let Some(&next) = chars.get(at).filter(|c| c.is_ascii_alphabetic()) else {
                        return Err(PatternFault("Pad letter 'p' must be followed by valid pad pattern".into()));
                    };
                    self.pad = Some(count);
                    letter = next;
                    count = run(chars, at);
                    at += count;
                }
                self.letter(letter, count)?;
                continue;
            }
            match c {
                '\'' => at = self.quoted(chars, at)?,
                '[' => {
                    if self.outer.len() >= OPTIONAL_LEVELS_MAX {
                        return Err(PatternFault(format!("more than {OPTIONAL_LEVELS_MAX} levels of optional parts")));
                    }
                    self.top.active = None;
                    self.outer.push(std::mem::take(&mut self.top));
                }
                ']' => {
                    if !self.close() {
                        return Err(PatternFault("Pattern invalid as it contains ] without previous [".into()));
                    }
                }
                '{' if self.extended => at = self.extension(chars, at)?,
                '{' | '}' | '#' => return Err(PatternFault(format!("Pattern includes reserved character: '{c}'"))),
                _ => self.push(Step::Literal(c)),
            }
            at += 1;
        }
        Ok(())
    }

    /// A quoted text from its first quote on; gives the place of its last one.
    fn quoted(&mut self, chars: &[char], start: usize) -> Result<usize, PatternFault> {
        let mut at = start + 1;
        let mut empty = true;
        loop {
            match (chars.get(at), chars.get(at + 1)) {
                (None, _) => {
                    let pattern: String = chars.iter().collect();
                    return Err(PatternFault(format!("Pattern ends with an incomplete string literal: {pattern}")));
                }
                (Some('\''), Some('\'')) => {
                    self.push(Step::Literal('\''));
                    at += 2;
                }
                (Some('\''), _) => {
                    if empty {
                        self.push(Step::Literal('\''));
                    }
                    return Ok(at);
                }
                (Some(c), _) => {
                    self.push(Step::Literal(*c));
                    at += 1;
                }
            }
            empty = false;
        }
    }

    /// Ends an optional part; false when there is none.
    fn close(&mut self) -> bool {
        let Some(outer) = self.outer.pop() else { return false };
        let inner = std::mem::replace(&mut self.top, outer);
        if !inner.steps.is_empty() {
            self.top.steps.push(Step::Optional(inner.steps));
        }
        true
    }

    fn push(&mut self, step: Step) {
        let step = match self.pad.take() {
            Some(width) => Step::Pad { width, step: Box::new(step) },
            None => step,
        };
        self.top.steps.push(step);
        self.top.active = None;
    }

    fn number(&mut self, field: Field, min: usize, max: usize, sign: SignStyle) {
        self.append_number(Number { field, min, max, sign, reduced: false, fraction: false, subsequent: 0 });
    }

    fn append_number(&mut self, number: Number) {
        let padded = self.pad.is_some();
        let active = self.top.active.filter(|_| !padded);
        let fixed = number.min == number.max && number.sign == SignStyle::NotNegative;
        if fixed
            && let Some(index) = active
            && let Some(Step::Number(base)) = self.top.steps.get_mut(index)
        {
            base.subsequent += number.max;
            self.top.steps.push(Step::Number(number));
            return;
        }
        self.push(Step::Number(number));
        self.top.active = (!padded).then_some(self.top.steps.len() - 1);
    }

    fn text(&mut self, letter: char, field: Field, width: Width) -> Result<(), PatternFault> {
        let texts = self.locale.texts(field, width).ok_or_else(|| {
            PatternFault(format!("there are no names for the pattern letter '{letter}' in this locale"))
        })?;
        self.push(Step::Text { field, texts });
        Ok(())
    }

    fn letter(&mut self, letter: char, count: usize) -> Result<(), PatternFault> {
        use Field::*;
        use SignStyle::*;
        let too_many = || Err(PatternFault(format!("Too many pattern letters: {letter}")));
        let width = match count {
            1..=3 => Width::Short,
            4 => Width::Full,
            _ => Width::Narrow,
        };
        match letter {
            'u' | 'y' | 'Y' => {
                let field = match letter {
                    'u' => Year,
                    'y' => YearOfEra,
                    _ => LocalWeekBasedYear,
                };
                if count == 2 {
                    self.append_number(Number {
                        field,
                        min: 2,
                        max: 2,
                        sign: NotNegative,
                        reduced: true,
                        fraction: false,
                        subsequent: 0,
                    });
                } else {
                    self.number(field, count, 19, if count < 4 { Normal } else { ExceedsPad });
                }
            }
            'M' | 'L' | 'Q' | 'q' | 'e' | 'c' => {
                let field = match letter {
                    'M' | 'L' => MonthOfYear,
                    'Q' | 'q' => QuarterOfYear,
                    _ => LocalDayOfWeek,
                };
                match count {
                    1 => self.number(field, 1, 19, Normal),
                    2 if letter == 'c' => return Err(PatternFault(format!("Invalid pattern \"{letter}{letter}\""))),
                    2 => self.number(field, 2, 2, NotNegative),
                    3..=5 => self.text(letter, if field == LocalDayOfWeek { DayOfWeek } else { field }, width)?,
                    _ => return too_many(),
                }
            }
            'E' | 'G' if count <= 5 => self.text(letter, if letter == 'E' { DayOfWeek } else { Era }, width)?,
            'a' if count == 1 => self.text(letter, AmPm, Width::Short)?,
            'S' => self.append_number(Number {
                field: NanoOfSecond,
                min: count.min(9),
                max: count.min(9),
                sign: NotNegative,
                reduced: false,
                fraction: true,
                subsequent: 0,
            }),
            'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' if count <= 2 => {
                let field = match letter {
                    'd' => DayOfMonth,
                    'h' => ClockHourOfAmPm,
                    'H' => HourOfDay,
                    'k' => ClockHourOfDay,
                    'K' => HourOfAmPm,
                    'm' => MinuteOfHour,
                    _ => SecondOfMinute,
                };
                if count == 1 { self.number(field, 1, 19, Normal) } else { self.number(field, 2, 2, NotNegative) }
            }
            'F' if count == 1 => self.number(AlignedWeekOfMonth, 1, 19, Normal),
            'D' if count == 1 => self.number(DayOfYear, 1, 19, Normal),
            'D' if count <= 3 => self.number(DayOfYear, count, 3, NotNegative),
            'g' => self.number(ModifiedJulianDay, count.min(19), 19, Normal),
            'A' => self.number(MilliOfDay, count.min(19), 19, NotNegative),
            'n' => self.number(NanoOfSecond, count.min(19), 19, NotNegative),
            'N' => self.number(NanoOfDay, count.min(19), 19, NotNegative),
            'w' if count <= 2 => {
                if count == 1 {
                    self.number(LocalWeekOfWeekBasedYear, 1, 2, NotNegative);
                } else {
                    self.number(LocalWeekOfWeekBasedYear, 2, 2, NotNegative);
                }
            }
            'W' if count == 1 => self.number(LocalWeekOfMonth, 1, 2, NotNegative),
            'z' if count <= 4 => self.push(Step::ZoneName { full: count == 4 }),
            'V' if count == 2 => self.push(Step::ZoneId),
            'V' => return Err(PatternFault("Pattern letter count must be 2: V".into())),
            'O' if count == 1 || count == 4 => self.push(Step::LocalizedOffset { full: count == 4 }),
            'O' => return Err(PatternFault("Pattern letter count must be 1 or 4: O".into())),
            'Z' => match count {
                1..=3 => self.push(Step::Offset { shape: OffsetShape::HourMinute, none: "+0000" }),
                4 => self.push(Step::LocalizedOffset { full: true }),
                5 => self.push(Step::Offset { shape: OffsetShape::HourColonMinuteColonOptionalSecond, none: "Z" }),
                _ => return too_many(),
            },
            'X' | 'x' if count <= 5 => {
                let shape = match count {
                    1 => OffsetShape::HourOptionalMinute,
                    2 => OffsetShape::HourMinute,
                    3 => OffsetShape::HourColonMinute,
                    4 => OffsetShape::HourMinuteOptionalSecond,
                    _ => OffsetShape::HourColonMinuteColonOptionalSecond,
                };
                let none = match (letter, count) {
                    ('X', _) => "Z",
                    (_, 1) => "+00",
                    (_, 2 | 4) => "+0000",
                    _ => "+00:00",
                };
                self.push(Step::Offset { shape, none });
            }
            'E' | 'G' | 'a' | 'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' | 'F' | 'D' | 'w' | 'W' | 'z' | 'X' | 'x' => {
                return too_many();
            }
            'B' | 'v' => return Err(PatternFault(format!("The pattern letter '{letter}' is not supported"))),
            _ => return Err(PatternFault(format!("Unknown pattern letter: {letter}"))),
        }
        Ok(())
    }
}

fn run(chars: &[char], start: usize) -> usize {
    chars.iter().skip(start).take_while(|c| Some(*c) == chars.get(start)).count()
}
