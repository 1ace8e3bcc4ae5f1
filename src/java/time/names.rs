//! Names of months, days, halves of the day and eras, by language.
//!
//! English is complete, and is what the root locale means. For the other languages there are those names that logs are written with:
//! months and days. The names are those of Java's COMPAT data, on which Elasticsearch 8 runs; a language without names here is an error
//! at load, as is a text field without names in a language.

use super::pattern::Field;

/// Languages with names.
const LANGUAGES: &[(&str, &Names)] = &[
    ("en", &ENGLISH),
    ("de", &GERMAN),
    ("es", &SPANISH),
    ("fr", &FRENCH),
    ("it", &ITALIAN),
    ("nl", &DUTCH),
    ("pt", &PORTUGUESE),
];

#[derive(Debug)]
struct Names {
    months: [&'static str; 12],
    months_short: [&'static str; 12],
    days: [&'static str; 7],
    days_short: [&'static str; 7],
}

const ENGLISH: Names = Names {
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    months_short: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    days_short: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
};

const GERMAN: Names = Names {
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    months_short: ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    days_short: ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
};

const FRENCH: Names = Names {
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    months_short: ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    days_short: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
};

const SPANISH: Names = Names {
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    months_short: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    days_short: ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
};

const ITALIAN: Names = Names {
    months: [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    months_short: ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    days: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    days_short: ["lun", "mar", "mer", "gio", "ven", "sab", "dom"],
};

const DUTCH: Names = Names {
    months: [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    months_short: ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
    days: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
    days_short: ["ma", "di", "wo", "do", "vr", "za", "zo"],
};

const PORTUGUESE: Names = Names {
    months: [
        "Janeiro",
        "Fevereiro",
        "Março",
        "Abril",
        "Maio",
        "Junho",
        "Julho",
        "Agosto",
        "Setembro",
        "Outubro",
        "Novembro",
        "Dezembro",
    ],
    months_short: ["Jan", "Fev", "Mar", "Abr", "Mai", "Jun", "Jul", "Ago", "Set", "Out", "Nov", "Dez"],
    days: ["Segunda-feira", "Terça-feira", "Quarta-feira", "Quinta-feira", "Sexta-feira", "Sábado", "Domingo"],
    days_short: ["Seg", "Ter", "Qua", "Qui", "Sex", "Sáb", "Dom"],
};

/// A language and, for weeks, a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Locale {
    language: usize,
    weeks: Weeks,
}

/// How a locale counts weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weeks {
    /// 1 for Monday to 7 for Sunday.
    pub first_day: i8,
    /// Days of the new year that the first week must have.
    pub days_min: i8,
}

impl Weeks {
    pub const ISO: Weeks = Weeks { first_day: 1, days_min: 4 };
    const SUNDAY: Weeks = Weeks { first_day: 7, days_min: 1 };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    Short,
    Full,
    Narrow,
}

impl Locale {
    /// `Locale.ROOT`. Elasticsearch makes its weeks ISO's.
    pub const ROOT: Locale = Locale { language: 0, weeks: Weeks::ISO };

    /// A language tag, as `en`, `en-US` or `de_DE`. `Err` says what is missing.
    pub fn of(tag: &str) -> Result<Locale, String> {
        let mut parts = tag.split(['-', '_']);
        let language = parts.next().unwrap_or_default().to_ascii_lowercase();
        if language.is_empty() || language == "root" || language == "und" {
            return Ok(Locale::ROOT);
        }
        let country = parts.find(|part| part.len() == 2).unwrap_or_default().to_ascii_uppercase();
        let found = LANGUAGES.iter().position(|(known, _)| *known == language).ok_or_else(|| {
            let known: Vec<_> = LANGUAGES.iter().map(|(known, _)| *known).collect();
            format!("there are no names for the locale [{tag}]; known languages are {}", known.join(", "))
        })?;
        let weeks = match (&*language, &*country) {
            (_, "US" | "CA" | "MX" | "BR" | "IN" | "JP" | "KR" | "IL" | "ZA" | "PH" | "SG" | "HK" | "TW") => {
                Weeks::SUNDAY
            }
            ("en" | "pt", "") => Weeks::SUNDAY,
            _ => Weeks::ISO,
        };
        Ok(Locale { language: found, weeks })
    }

    pub fn weeks(&self) -> Weeks {
        self.weeks
    }

    fn names(&self) -> &'static Names {
        LANGUAGES.get(self.language).map_or(&ENGLISH, |(_, names)| names)
    }

    /// The texts of a field with their values; `None` when this language has none.
    pub fn texts(&self, field: Field, width: Width) -> Option<Vec<(&'static str, i64)>> {
        let names = self.names();
        let from_one = |names: &[&'static str]| names.iter().copied().zip(1..).collect();
        Some(match (field, width) {
            (Field::MonthOfYear, Width::Full) => from_one(&names.months),
            (Field::MonthOfYear, Width::Short) => from_one(&names.months_short),
            (Field::MonthOfYear, Width::Narrow) => {
                from_one(&["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"])
            }
            (Field::DayOfWeek, Width::Full) => from_one(&names.days),
            (Field::DayOfWeek, Width::Short) => from_one(&names.days_short),
            (Field::DayOfWeek, Width::Narrow) => from_one(&["M", "T", "W", "T", "F", "S", "S"]),
            (Field::AmPm, _) => vec![("AM", 0), ("PM", 1)],
            (Field::Era, Width::Full) if self.language == 0 => vec![("Before Christ", 0), ("Anno Domini", 1)],
            (Field::Era, Width::Short) if self.language == 0 => vec![("BC", 0), ("AD", 1)],
            (Field::Era, Width::Narrow) if self.language == 0 => vec![("B", 0), ("A", 1)],
            (Field::QuarterOfYear, Width::Short) => vec![("Q1", 1), ("Q2", 2), ("Q3", 3), ("Q4", 4)],
            (Field::QuarterOfYear, Width::Full) if self.language == 0 => {
                vec![("1st quarter", 1), ("2nd quarter", 2), ("3rd quarter", 3), ("4th quarter", 4)]
            }
            _ => return None,
        })
    }
}
