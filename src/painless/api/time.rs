//! `java.time`: moments, spans and units.

use super::{Class, Declared, class, interface};

pub(super) const CLASSES: &[Declared] = &[
    interface(
        Class::Temporal,
        &[],
        "
        Instant toInstant",
    ),
    class(
        Class::ZonedDateTime,
        &[Class::Temporal, Class::Comparable],
        "
        int getDayOfMonth
        int getDayOfYear
        int getHour
        int getMinute
        int getMonthValue
        int getNano
        int getSecond
        int getYear
        boolean isAfter 1
        boolean isBefore 1
        boolean isEqual 1
        ZonedDateTime minusDays 1
        ZonedDateTime minusHours 1
        ZonedDateTime minusMinutes 1
        ZonedDateTime minusNanos 1
        ZonedDateTime minusSeconds 1
        ZonedDateTime plusDays 1
        ZonedDateTime plusHours 1
        ZonedDateTime plusMinutes 1
        ZonedDateTime plusNanos 1
        ZonedDateTime plusSeconds 1
        long toEpochSecond
        ZonedDateTime withZoneSameInstant 1
        static ZonedDateTime ofInstant 2
        static ZonedDateTime parse 1",
    ),
    class(
        Class::Instant,
        &[Class::Temporal, Class::Comparable],
        "
        ZonedDateTime atZone 1
        long getEpochSecond
        int getNano
        boolean isAfter 1
        boolean isBefore 1
        Instant minusMillis 1
        Instant minusNanos 1
        Instant minusSeconds 1
        Instant plusMillis 1
        Instant plusNanos 1
        Instant plusSeconds 1
        long toEpochMilli
        static Instant ofEpochMilli 1
        static Instant ofEpochSecond 1 2
        static Instant parse 1",
    ),
    class(
        Class::Duration,
        &[],
        "
        Duration abs
        int getNano
        long getSeconds
        boolean isNegative
        boolean isZero
        Duration negated
        long toDays
        long toHours
        long toMillis
        long toMinutes
        long toNanos
        static Duration between 2
        static Duration ofDays 1
        static Duration ofHours 1
        static Duration ofMillis 1
        static Duration ofMinutes 1
        static Duration ofNanos 1
        static Duration ofSeconds 1",
    ),
    class(
        Class::ChronoUnit,
        &[],
        "
        const ChronoUnit NANOS
        const ChronoUnit MICROS
        const ChronoUnit MILLIS
        const ChronoUnit SECONDS
        const ChronoUnit MINUTES
        const ChronoUnit HOURS
        long between 2",
    ),
    class(
        Class::ZoneId,
        &[],
        "
        String getId
        static ZoneId of 1",
    ),
];
