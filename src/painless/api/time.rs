//! `java.time`: moments, spans and units.

use super::{Class, Declared, class, interface};

pub(super) const CLASSES: &[Declared] = &[
    interface(
        Class::Temporal,
        &[Class::TemporalAccessor],
        "
        Instant toInstant",
    ),
    interface(Class::TemporalAccessor, &[], ""),
    interface(Class::TemporalAmount, &[], ""),
    interface(Class::TemporalUnit, &[], ""),
    interface(Class::TemporalField, &[], ""),
    class(
        Class::ZonedDateTime,
        &[Class::Temporal, Class::Comparable],
        "
        ZonedDateTime plus 1 2
        ZonedDateTime minus 1 2
        ZonedDateTime with 2
        int get 1
        long getLong 1
        long until 2
        String format 1
        boolean isAfter 1
        boolean isBefore 1
        int getDayOfMonth
        int getDayOfYear
        int getMonthValue
        int getYear
        ZonedDateTime withYear 1
        ZonedDateTime withMonth 1
        ZonedDateTime withDayOfMonth 1
        ZonedDateTime withDayOfYear 1
        int getHour
        int getMinute
        int getSecond
        int getNano
        ZonedDateTime withHour 1
        ZonedDateTime withMinute 1
        ZonedDateTime withSecond 1
        ZonedDateTime withNano 1
        ZonedDateTime truncatedTo 1
        ZonedDateTime plusDays 1
        ZonedDateTime minusDays 1
        ZonedDateTime plusWeeks 1
        ZonedDateTime minusWeeks 1
        ZonedDateTime plusMonths 1
        ZonedDateTime minusMonths 1
        ZonedDateTime plusYears 1
        ZonedDateTime minusYears 1
        ZonedDateTime plusHours 1
        ZonedDateTime minusHours 1
        ZonedDateTime plusMinutes 1
        ZonedDateTime minusMinutes 1
        ZonedDateTime plusSeconds 1
        ZonedDateTime minusSeconds 1
        ZonedDateTime plusNanos 1
        ZonedDateTime minusNanos 1
        boolean isEqual 1
        ZoneId getZone
        ZoneOffset getOffset
        long toEpochSecond
        LocalDate toLocalDate
        LocalTime toLocalTime
        LocalDateTime toLocalDateTime
        ZonedDateTime withZoneSameInstant 1
        ZonedDateTime withZoneSameLocal 1
        static ZonedDateTime of 2 3 8
        static ZonedDateTime ofInstant 2
        static ZonedDateTime parse 1 2",
    ),
    class(
        Class::LocalDateTime,
        &[Class::Temporal, Class::Comparable],
        "
        LocalDateTime plus 1 2
        LocalDateTime minus 1 2
        LocalDateTime with 2
        int get 1
        long getLong 1
        long until 2
        String format 1
        boolean isAfter 1
        boolean isBefore 1
        int getDayOfMonth
        int getDayOfYear
        int getMonthValue
        int getYear
        LocalDateTime withYear 1
        LocalDateTime withMonth 1
        LocalDateTime withDayOfMonth 1
        LocalDateTime withDayOfYear 1
        int getHour
        int getMinute
        int getSecond
        int getNano
        LocalDateTime withHour 1
        LocalDateTime withMinute 1
        LocalDateTime withSecond 1
        LocalDateTime withNano 1
        LocalDateTime truncatedTo 1
        LocalDateTime plusDays 1
        LocalDateTime minusDays 1
        LocalDateTime plusWeeks 1
        LocalDateTime minusWeeks 1
        LocalDateTime plusMonths 1
        LocalDateTime minusMonths 1
        LocalDateTime plusYears 1
        LocalDateTime minusYears 1
        LocalDateTime plusHours 1
        LocalDateTime minusHours 1
        LocalDateTime plusMinutes 1
        LocalDateTime minusMinutes 1
        LocalDateTime plusSeconds 1
        LocalDateTime minusSeconds 1
        LocalDateTime plusNanos 1
        LocalDateTime minusNanos 1
        boolean isEqual 1
        ZonedDateTime atZone 1
        Instant toInstant 1
        long toEpochSecond 1
        LocalDate toLocalDate
        LocalTime toLocalTime
        static LocalDateTime of 2 5 6 7
        static LocalDateTime ofEpochSecond 3
        static LocalDateTime ofInstant 2
        static LocalDateTime parse 1 2",
    ),
    class(
        Class::LocalDate,
        &[Class::Temporal, Class::Comparable],
        "
        LocalDate plus 1 2
        LocalDate minus 1 2
        LocalDate with 2
        int get 1
        long getLong 1
        long until 2
        String format 1
        boolean isAfter 1
        boolean isBefore 1
        int getDayOfMonth
        int getDayOfYear
        int getMonthValue
        int getYear
        LocalDate withYear 1
        LocalDate withMonth 1
        LocalDate withDayOfMonth 1
        LocalDate withDayOfYear 1
        LocalDate plusDays 1
        LocalDate minusDays 1
        LocalDate plusWeeks 1
        LocalDate minusWeeks 1
        LocalDate plusMonths 1
        LocalDate minusMonths 1
        LocalDate plusYears 1
        LocalDate minusYears 1
        boolean isEqual 1
        boolean isLeapYear
        int lengthOfMonth
        long toEpochDay
        LocalDateTime atStartOfDay
        ZonedDateTime atStartOfDay 1
        LocalDateTime atTime 1 2 3 4
        static LocalDate of 3
        static LocalDate ofEpochDay 1
        static LocalDate ofInstant 2
        static LocalDate ofYearDay 2
        static LocalDate parse 1 2",
    ),
    class(
        Class::LocalTime,
        &[Class::Temporal, Class::Comparable],
        "
        LocalTime plus 1 2
        LocalTime minus 1 2
        LocalTime with 2
        int get 1
        long getLong 1
        long until 2
        String format 1
        boolean isAfter 1
        boolean isBefore 1
        int getHour
        int getMinute
        int getSecond
        int getNano
        LocalTime withHour 1
        LocalTime withMinute 1
        LocalTime withSecond 1
        LocalTime withNano 1
        LocalTime truncatedTo 1
        LocalTime plusHours 1
        LocalTime minusHours 1
        LocalTime plusMinutes 1
        LocalTime minusMinutes 1
        LocalTime plusSeconds 1
        LocalTime minusSeconds 1
        LocalTime plusNanos 1
        LocalTime minusNanos 1
        int toSecondOfDay
        long toNanoOfDay
        static LocalTime of 2 3 4
        static LocalTime ofSecondOfDay 1
        static LocalTime parse 1 2",
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
        Instant plus 1 2
        Instant minus 1 2
        Instant truncatedTo 1
        long until 2
        Instant minusMillis 1
        Instant minusNanos 1
        Instant minusSeconds 1
        Instant plusMillis 1
        Instant plusNanos 1
        Instant plusSeconds 1
        long toEpochMilli
        static Instant ofEpochMilli 1
        static Instant ofEpochSecond 1 2
        static Instant parse 1
        const Instant EPOCH",
    ),
    class(
        Class::Duration,
        &[Class::TemporalAmount, Class::Comparable],
        "
        Duration plus 1
        Duration minus 1
        Duration multipliedBy 1
        Duration dividedBy 1
        long toSeconds
        static Duration of 2
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
        &[Class::TemporalUnit],
        "
        const ChronoUnit NANOS
        const ChronoUnit MICROS
        const ChronoUnit MILLIS
        const ChronoUnit SECONDS
        const ChronoUnit MINUTES
        const ChronoUnit HOURS
        const ChronoUnit HALF_DAYS
        const ChronoUnit DAYS
        const ChronoUnit WEEKS
        const ChronoUnit MONTHS
        const ChronoUnit YEARS
        const ChronoUnit DECADES
        const ChronoUnit CENTURIES
        long between 2",
    ),
    class(
        Class::ZoneId,
        &[],
        "
        String getId
        static ZoneId of 1",
    ),
    class(
        Class::ZoneOffset,
        &[Class::ZoneId],
        "
        const ZoneOffset UTC
        int getTotalSeconds
        static ZoneOffset of 1
        static ZoneOffset ofHours 1
        static ZoneOffset ofHoursMinutes 2
        static ZoneOffset ofTotalSeconds 1",
    ),
    class(
        Class::ChronoField,
        &[Class::TemporalField],
        "
        const ChronoField ALIGNED_WEEK_OF_MONTH
        const ChronoField AMPM_OF_DAY
        const ChronoField CLOCK_HOUR_OF_AMPM
        const ChronoField CLOCK_HOUR_OF_DAY
        const ChronoField DAY_OF_MONTH
        const ChronoField DAY_OF_WEEK
        const ChronoField DAY_OF_YEAR
        const ChronoField HOUR_OF_AMPM
        const ChronoField HOUR_OF_DAY
        const ChronoField INSTANT_SECONDS
        const ChronoField MILLI_OF_DAY
        const ChronoField MINUTE_OF_HOUR
        const ChronoField MONTH_OF_YEAR
        const ChronoField NANO_OF_DAY
        const ChronoField NANO_OF_SECOND
        const ChronoField OFFSET_SECONDS
        const ChronoField SECOND_OF_MINUTE
        const ChronoField YEAR
        const ChronoField YEAR_OF_ERA",
    ),
    class(
        Class::DateTimeFormatter,
        &[],
        "
        const DateTimeFormatter BASIC_ISO_DATE
        const DateTimeFormatter ISO_DATE
        const DateTimeFormatter ISO_LOCAL_DATE
        const DateTimeFormatter ISO_LOCAL_TIME
        const DateTimeFormatter ISO_LOCAL_DATE_TIME
        const DateTimeFormatter ISO_OFFSET_DATE_TIME
        const DateTimeFormatter ISO_ZONED_DATE_TIME
        const DateTimeFormatter ISO_DATE_TIME
        const DateTimeFormatter ISO_INSTANT
        const DateTimeFormatter ISO_ORDINAL_DATE
        const DateTimeFormatter RFC_1123_DATE_TIME
        static DateTimeFormatter ofPattern 1 2
        String format 1
        ZoneId getZone
        DateTimeFormatter withLocale 1
        DateTimeFormatter withZone 1",
    ),
    class(
        Class::SimpleDateFormat,
        &[],
        "
        new 1 2
        String format 1
        Date parse 1",
    ),
    class(
        Class::Date,
        &[Class::Comparable],
        "
        new 0 1
        boolean after 1
        boolean before 1
        long getTime
        Instant toInstant",
    ),
];
