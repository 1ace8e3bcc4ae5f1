//! `java.time` and the older dates of `java.util` and `java.text`.

use super::{Class, Declared, class, interface};

const DATE: &str = "
    int getDayOfMonth
    DayOfWeek getDayOfWeek
    DayOfWeek getDayOfWeekEnum
    int getDayOfYear
    Month getMonth
    int getMonthValue
    int getYear
    def minusDays 1
    def minusMonths 1
    def minusWeeks 1
    def minusYears 1
    def plusDays 1
    def plusMonths 1
    def plusWeeks 1
    def plusYears 1
    def withDayOfMonth 1
    def withDayOfYear 1
    def withMonth 1
    def withYear 1";

const ZONED: &str = "
    int getHour
    int getMinute
    int getNano
    int getSecond
    ZoneOffset getOffset
    ZoneId getZone
    def minusHours 1
    def minusMinutes 1
    def minusNanos 1
    def minusSeconds 1
    def plusHours 1
    def plusMinutes 1
    def plusNanos 1
    def plusSeconds 1
    def truncatedTo 1
    def withHour 1
    def withMinute 1
    def withNano 1
    def withSecond 1
    long toEpochSecond
    Instant toInstant
    LocalDate toLocalDate
    LocalDateTime toLocalDateTime
    LocalTime toLocalTime
    boolean isAfter 1
    boolean isBefore 1
    boolean isEqual 1
    String format 1
";

pub(super) const CLASSES: &[Declared] = &[];
const _: (
    &str,
    &str,
    fn(Class, &'static [Class], &'static str) -> Declared,
    fn(Class, &'static [Class], &'static str) -> Declared,
) = (DATE, ZONED, class, interface);
