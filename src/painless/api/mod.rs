//! The classes that scripts may use and the members of each: what a script can call, and what is refused at load.
//!
//! The tables ([`lang`], [`util`], [`function`], …) list exactly what [`super::methods`] implements. A line is
//! `type name arities`, with `static`, `const` or `new` before it; `*` stands for any number of arguments. They are read once.

mod function;
mod ingest;
mod lang;
mod names;
mod stream;
mod time;
mod util;

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::types::Type;
pub(super) use names::Name;

macro_rules! classes {
    ($($id:ident $name:literal)*) => {
        /// A class or interface of Java, or of Elasticsearch's ingest API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Class { $($id),* }

        const CLASSES: &[(Class, &str)] = &[$((Class::$id, $name)),*];
    };
}

classes! {
    Object "java.lang.Object"
    String "java.lang.String"
    CharSequence "java.lang.CharSequence"
    Comparable "java.lang.Comparable"
    Iterable "java.lang.Iterable"
    Boolean "java.lang.Boolean"
    Byte "java.lang.Byte"
    Short "java.lang.Short"
    Character "java.lang.Character"
    Integer "java.lang.Integer"
    Long "java.lang.Long"
    Float "java.lang.Float"
    Double "java.lang.Double"
    Number "java.lang.Number"
    BigInteger "java.math.BigInteger"
    Math "java.lang.Math"
    StrictMath "java.lang.StrictMath"
    StringBuilder "java.lang.StringBuilder"
    StringBuffer "java.lang.StringBuffer"
    System "java.lang.System"
    Exception "java.lang.Exception"
    Collection "java.util.Collection"
    List "java.util.List"
    ArrayList "java.util.ArrayList"
    LinkedList "java.util.LinkedList"
    Queue "java.util.Queue"
    Deque "java.util.Deque"
    ArrayDeque "java.util.ArrayDeque"
    Stack "java.util.Stack"
    Vector "java.util.Vector"
    Map "java.util.Map"
    HashMap "java.util.HashMap"
    Hashtable "java.util.Hashtable"
    LinkedHashMap "java.util.LinkedHashMap"
    SortedMap "java.util.SortedMap"
    NavigableMap "java.util.NavigableMap"
    TreeMap "java.util.TreeMap"
    MapEntry "java.util.Map$Entry"
    SimpleEntry "java.util.AbstractMap$SimpleEntry"
    Set "java.util.Set"
    HashSet "java.util.HashSet"
    LinkedHashSet "java.util.LinkedHashSet"
    SortedSet "java.util.SortedSet"
    NavigableSet "java.util.NavigableSet"
    TreeSet "java.util.TreeSet"
    Iterator "java.util.Iterator"
    ListIterator "java.util.ListIterator"
    Arrays "java.util.Arrays"
    Collections "java.util.Collections"
    Objects "java.util.Objects"
    Optional "java.util.Optional"
    OptionalInt "java.util.OptionalInt"
    OptionalLong "java.util.OptionalLong"
    OptionalDouble "java.util.OptionalDouble"
    StringJoiner "java.util.StringJoiner"
    StringTokenizer "java.util.StringTokenizer"
    Comparator "java.util.Comparator"
    Base64 "java.util.Base64"
    Base64Encoder "java.util.Base64$Encoder"
    Base64Decoder "java.util.Base64$Decoder"
    Uuid "java.util.UUID"
    Date "java.util.Date"
    Locale "java.util.Locale"
    TimeZone "java.util.TimeZone"
    IntSummaryStatistics "java.util.IntSummaryStatistics"
    LongSummaryStatistics "java.util.LongSummaryStatistics"
    DoubleSummaryStatistics "java.util.DoubleSummaryStatistics"
    Pattern "java.util.regex.Pattern"
    Matcher "java.util.regex.Matcher"
    Function "java.util.function.Function"
    BiFunction "java.util.function.BiFunction"
    UnaryOperator "java.util.function.UnaryOperator"
    BinaryOperator "java.util.function.BinaryOperator"
    Predicate "java.util.function.Predicate"
    BiPredicate "java.util.function.BiPredicate"
    Supplier "java.util.function.Supplier"
    Consumer "java.util.function.Consumer"
    BiConsumer "java.util.function.BiConsumer"
    ToIntFunction "java.util.function.ToIntFunction"
    ToLongFunction "java.util.function.ToLongFunction"
    ToDoubleFunction "java.util.function.ToDoubleFunction"
    IntFunction "java.util.function.IntFunction"
    IntPredicate "java.util.function.IntPredicate"
    IntUnaryOperator "java.util.function.IntUnaryOperator"
    IntBinaryOperator "java.util.function.IntBinaryOperator"
    BaseStream "java.util.stream.BaseStream"
    Stream "java.util.stream.Stream"
    IntStream "java.util.stream.IntStream"
    LongStream "java.util.stream.LongStream"
    DoubleStream "java.util.stream.DoubleStream"
    Collector "java.util.stream.Collector"
    Collectors "java.util.stream.Collectors"
    ZonedDateTime "java.time.ZonedDateTime"
    OffsetDateTime "java.time.OffsetDateTime"
    LocalDate "java.time.LocalDate"
    LocalDateTime "java.time.LocalDateTime"
    LocalTime "java.time.LocalTime"
    Instant "java.time.Instant"
    Duration "java.time.Duration"
    Period "java.time.Period"
    ZoneId "java.time.ZoneId"
    ZoneOffset "java.time.ZoneOffset"
    DayOfWeek "java.time.DayOfWeek"
    Month "java.time.Month"
    Year "java.time.Year"
    YearMonth "java.time.YearMonth"
    ChronoZonedDateTime "java.time.chrono.ChronoZonedDateTime"
    ChronoLocalDate "java.time.chrono.ChronoLocalDate"
    ChronoLocalDateTime "java.time.chrono.ChronoLocalDateTime"
    Temporal "java.time.temporal.Temporal"
    TemporalAccessor "java.time.temporal.TemporalAccessor"
    TemporalAmount "java.time.temporal.TemporalAmount"
    TemporalAdjuster "java.time.temporal.TemporalAdjuster"
    TemporalUnit "java.time.temporal.TemporalUnit"
    TemporalField "java.time.temporal.TemporalField"
    ChronoUnit "java.time.temporal.ChronoUnit"
    ChronoField "java.time.temporal.ChronoField"
    DateTimeFormatter "java.time.format.DateTimeFormatter"
    TextStyle "java.time.format.TextStyle"
    DateFormat "java.text.DateFormat"
    SimpleDateFormat "java.text.SimpleDateFormat"
    Processors "org.elasticsearch.ingest.common.Processors"
    Json "org.elasticsearch.painless.api.Json"
    Metadata "org.elasticsearch.script.Metadata"
    WriteField "org.elasticsearch.script.field.WriteField"
}

/// One class of a table: what it extends, and its members as text.
pub(super) struct Declared {
    pub class: Class,
    pub parents: &'static [Class],
    pub interface: bool,
    pub members: &'static str,
}

pub(super) const fn class(class: Class, parents: &'static [Class], members: &'static str) -> Declared {
    Declared { class, parents, interface: false, members }
}

pub(super) const fn interface(class: Class, parents: &'static [Class], members: &'static str) -> Declared {
    Declared { class, parents, interface: true, members }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Instance,
    Static,
    Constant,
    New,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    arity: Option<u8>,
    result: Type,
}

struct Known {
    parents: &'static [Class],
    interface: bool,
    members: FxHashMap<(Kind, Name), Vec<Member>>,
}

struct Table {
    classes: FxHashMap<Class, Known>,
    named: FxHashMap<String, Class>,
    /// Every instance method of any class, for receivers whose class only the run will tell.
    dynamic: FxHashSet<(Name, Option<u8>)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(read);

fn declared() -> impl Iterator<Item = &'static Declared> {
    [lang::CLASSES, util::CLASSES, function::CLASSES, stream::CLASSES, time::CLASSES, ingest::CLASSES]
        .into_iter()
        .flatten()
}

fn read() -> Table {
    let mut table = Table { classes: FxHashMap::default(), named: FxHashMap::default(), dynamic: FxHashSet::default() };
    for declared in declared() {
        let full = declared.class.java_name();
        let short = full.rsplit('.').next().unwrap_or(full).replace('$', ".");
        table.named.insert(short, declared.class);
        table.named.insert(full.replace('$', "."), declared.class);
    }
    for declared in declared() {
        let mut members: FxHashMap<(Kind, Name), Vec<Member>> = FxHashMap::default();
        for line in declared.members.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some((kind, name, found)) = member(&table.named, declared.class, line) else { continue };
            if kind == Kind::Instance {
                table.dynamic.extend(found.iter().map(|m| (name, m.arity)));
            }
            members.entry((kind, name)).or_default().extend(found);
        }
        let known = Known { parents: declared.parents, interface: declared.interface, members };
        table.classes.insert(declared.class, known);
    }
    table
}

/// Reads one line of a table; `None` only for a line that the test below would refuse.
fn member(named: &FxHashMap<String, Class>, class: Class, line: &str) -> Option<(Kind, Name, Vec<Member>)> {
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    let kind = match word {
        "static" => Kind::Static,
        "const" => Kind::Constant,
        "new" => Kind::New,
        _ => Kind::Instance,
    };
    if kind == Kind::New {
        let found = words.filter_map(arity).map(|arity| Member { arity, result: Type::class(class) }).collect();
        return Some((kind, Name::new, found));
    }
    if kind != Kind::Instance {
        word = words.next()?;
    }
    let bare = word.trim_end_matches("[]");
    let dimensions = ((word.len() - bare.len()) / 2) as u8;
    let base = Type::primitive(bare).or_else(|| named.get(bare).copied().map(Type::class))?.base;
    let result = Type { base, dimensions };
    let name = Name::named(words.next()?)?;
    let mut found: Vec<Member> = words.filter_map(arity).map(|arity| Member { arity, result }).collect();
    if found.is_empty() {
        found.push(Member { arity: Some(0), result });
    }
    Some((kind, name, found))
}

fn arity(word: &str) -> Option<Option<u8>> {
    if word == "*" { Some(None) } else { word.parse().ok().map(Some) }
}

impl Class {
    pub(super) fn named(name: &str) -> Option<Class> {
        TABLE.named.get(name).copied().or_else(|| super::error::Class::named(name).map(|_| Class::Exception))
    }

    pub(super) fn java_name(self) -> &'static str {
        CLASSES.get(self as usize).map_or("java.lang.Object", |(_, name)| name)
    }

    pub(super) fn is_interface(self) -> bool {
        self == Class::Object || TABLE.classes.get(&self).is_some_and(|known| known.interface)
    }

    pub(super) fn is_a(self, other: Class) -> bool {
        self == other
            || other == Class::Object
            || TABLE.classes.get(&self).is_some_and(|known| known.parents.iter().any(|parent| parent.is_a(other)))
    }

    fn find(self, kind: Kind, name: Name, arity: usize) -> Option<Type> {
        let known = TABLE.classes.get(&self)?;
        let own = known.members.get(&(kind, name)).and_then(|found| {
            found.iter().find(|m| m.arity.is_none_or(|wanted| usize::from(wanted) == arity)).map(|m| m.result)
        });
        if own.is_some() || kind != Kind::Instance {
            return own;
        }
        known
            .parents
            .iter()
            .find_map(|parent| parent.find(kind, name, arity))
            .or_else(|| (self != Class::Object).then(|| Class::Object.find(kind, name, arity)).flatten())
    }

    /// The type of what an instance method gives, looked for in the class and all that it extends.
    pub(super) fn method(self, name: Name, arity: usize) -> Option<Type> {
        self.find(Kind::Instance, name, arity)
    }

    pub(super) fn static_method(self, name: Name, arity: usize) -> Option<Type> {
        self.find(Kind::Static, name, arity)
    }

    pub(super) fn constant(self, name: Name) -> Option<Type> {
        self.find(Kind::Constant, name, 0)
    }

    pub(super) fn has_constructor(self, arity: usize) -> bool {
        self.find(Kind::New, Name::new, arity).is_some()
    }
}

/// Whether any class has an instance method of that name and number of arguments.
pub(super) fn exists_somewhere(name: Name, arity: usize) -> bool {
    let exact = u8::try_from(arity).is_ok_and(|arity| TABLE.dynamic.contains(&(name, Some(arity))));
    exact || TABLE.dynamic.contains(&(name, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_understood() {
        for declared in declared() {
            for line in declared.members.lines().map(str::trim).filter(|line| !line.is_empty()) {
                assert!(member(&TABLE.named, declared.class, line).is_some(), "{:?}: {line}", declared.class);
            }
        }
    }
}
