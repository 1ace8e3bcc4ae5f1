//! The names of all members of the tables, as numbers: a call is decided at run time by comparing numbers, not texts.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

macro_rules! names {
    ($($id:ident)*) => {
        /// The name of a method or constant, as Java spells it.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(in crate::painless) enum Name { $($id),* }

        const NAMES: &[(Name, &str)] = &[$((Name::$id, stringify!($id))),*];
    };
}

names! {
    BYTES E EMPTY_LIST EMPTY_MAP EMPTY_SET ENGLISH FALSE HOURS IEEEremainder MAX_CODE_POINT MAX_EXPONENT MAX_RADIX
    MAX_VALUE MICROS MILLIS MINUTES MIN_CODE_POINT MIN_EXPONENT MIN_NORMAL MIN_RADIX MIN_SUPPLEMENTARY_CODE_POINT
    MIN_VALUE NANOS NEGATIVE_INFINITY NaN PI POSITIVE_INFINITY ROOT SECONDS SIZE TRUE UK US abs accept acos add addAll
    addElement addFirst addLast allMatch and andThen any anyMatch append appendCodePoint apply applyAsDouble
    applyAsInt applyAsLong asCollection asDoubleStream asList asLongStream asPredicate asin atZone atan atan2 average
    averagingDouble averagingInt averagingLong between binarySearch bitCount booleanValue boxed byteValue bytes
    capacity cbrt ceil ceiling ceilingEntry ceilingKey charAt charCount charValue chars clear clone close codePointAt
    codePointBefore codePointCount codePoints collect collectingAndThen combine compare compareTo compareToIgnoreCase
    compareUnsigned comparing comparingByKey comparingByValue comparingDouble comparingInt comparingLong compose
    compute computeIfAbsent computeIfPresent concat contains containsAll containsKey containsValue contentEquals copy
    copySign copyValueOf cos cosh count countTokens counting currentTimeMillis decode decodeBase64 deepEquals
    deepHashCode deepToString delete deleteCharAt descendingIterator descendingKeySet descendingMap descendingSet
    digit disjoint distinct divideUnsigned doubleToLongBits doubleToRawLongBits doubleValue each eachWithIndex element
    elementAt empty emptyIterator emptyList emptyMap emptySet encodeBase64 encodeToString end endsWith entrySet equals
    equalsIgnoreCase every exp expm1 fill filter find findAll findAny findFirst findResult findResults first
    firstElement firstEntry firstKey flags flatMap flatMapToDouble flatMapToInt flatMapToLong floatToIntBits
    floatToRawIntBits floatValue floor floorEntry floorKey forDigit forEach forEachOrdered forEachRemaining
    forLanguageTag format frequency fromString get getAsDouble getAsInt getAsLong getAverage getByPath getCount
    getDayOfMonth getDayOfYear getDecoder getEncoder getEpochSecond getFirst getHour getId getKey getLanguage getLast
    getLeastSignificantBits getLength getLocalizedMessage getMax getMessage getMimeDecoder getMimeEncoder getMin
    getMinute getMonthValue getMostSignificantBits getNano getNumericValue getOrDefault getSecond getSeconds getSum
    getUrlDecoder getUrlEncoder getValue getYear group groupBy groupCount groupingBy hasMoreElements hasMoreTokens
    hasNext hasPrevious hash hashCode headMap headSet highSurrogate higher higherEntry higherKey highestOneBit hypot
    identity ifPresent indexOf indexOfSubList insert insertElementAt intBitsToFloat intValue isAfter isAlphabetic
    isBefore isBmpCodePoint isDigit isEmpty isEqual isFinite isHighSurrogate isISOControl isInfinite isLetter
    isLetterOrDigit isLowSurrogate isLowerCase isNaN isNegative isNull isParallel isPresent isSpaceChar
    isSupplementaryCodePoint isSurrogate isSurrogatePair isUpperCase isValidCodePoint isWhitespace isZero iterator
    join joining json keySet last lastElement lastEntry lastIndexOf lastIndexOfSubList lastKey length limit
    listIterator log log10 log1p logicalAnd logicalOr logicalXor longBitsToDouble longValue lookingAt lowSurrogate
    lower lowerEntry lowerKey lowercase lowestOneBit map mapToDouble mapToInt mapToLong mapToObj mapping matcher
    matches max maxBy merge min minBy minusDays minusHours minusMillis minusMinutes minusNanos minusSeconds nCopies
    nameUUIDFromBytes namedGroup nanoTime naturalOrder navigableKeySet negate negated new next nextAfter nextDown
    nextElement nextIndex nextToken nextUp nonNull noneMatch nullsFirst nullsLast numberOfLeadingZeros
    numberOfTrailingZeros of ofDays ofEpochMilli ofEpochSecond ofHours ofInstant ofMillis ofMinutes ofNanos ofNullable
    ofSeconds offer offerFirst offerLast offsetByCodePoints or orElse orElseGet orElseThrow parse parseBoolean
    parseByte parseDouble parseFloat parseInt parseLong parseShort parseUnsignedInt parseUnsignedLong partitioningBy
    pattern peek peekFirst peekLast plusDays plusHours plusMillis plusMinutes plusNanos plusSeconds poll pollFirst
    pollFirstEntry pollLast pollLastEntry pop pow previous previousIndex push put putAll putIfAbsent quote
    quoteReplacement range rangeClosed reduce reducing regionMatches remainderUnsigned remove removeAll
    removeAllElements removeElement removeElementAt removeFirst removeFirstOccurrence removeIf removeLast
    removeLastOccurrence replace replaceAll replaceFirst requireNonNull reset retainAll reverse reverseBytes
    reverseOrder reversed rint rotate rotateLeft rotateRight round scalb search sequential set setCharAt setElementAt
    setEmptyValue setLength setValue sha1 sha256 sha512 shortValue signum sin singleton singletonList singletonMap
    sinh size skip sort sorted split splitAsStream splitOnToken sqrt start startsWith stream subList subMap
    subSequence subSet substring sum summarizingDouble summarizingInt summarizingLong summaryStatistics summingDouble
    summingInt summingLong swap tailMap tailSet tan tanh test thenComparing thenComparingDouble thenComparingInt
    thenComparingLong toArray toBinaryString toCharArray toChars toCodePoint toCollection toDays toDegrees
    toEpochMilli toEpochSecond toHexString toHours toInstant toLanguageTag toList toLowerCase toMap toMillis toMinutes
    toNanos toOctalString toRadians toSet toString toUnsignedInt toUnsignedLong toUnsignedString toUpperCase trim
    trimToSize ulp unmodifiableCollection unmodifiableList unmodifiableMap unmodifiableSet unmodifiableSortedMap
    unmodifiableSortedSet unordered uppercase urlDecode valueOf values variant version withZoneSameInstant
    withoutPadding
    HALF_DAYS DAYS WEEKS MONTHS YEARS DECADES CENTURIES ALIGNED_WEEK_OF_MONTH AMPM_OF_DAY CLOCK_HOUR_OF_AMPM
    CLOCK_HOUR_OF_DAY DAY_OF_MONTH DAY_OF_WEEK DAY_OF_YEAR HOUR_OF_AMPM HOUR_OF_DAY INSTANT_SECONDS MILLI_OF_DAY
    MINUTE_OF_HOUR MONTH_OF_YEAR NANO_OF_DAY NANO_OF_SECOND OFFSET_SECONDS SECOND_OF_MINUTE YEAR YEAR_OF_ERA plus
    minus plusWeeks minusWeeks plusMonths minusMonths plusYears minusYears withYear withMonth withDayOfMonth
    withDayOfYear withHour withMinute withSecond withNano with getLong truncatedTo until toLocalDate toLocalTime
    toLocalDateTime isLeapYear lengthOfMonth toEpochDay toSecondOfDay toNanoOfDay atStartOfDay atTime ofEpochDay
    ofYearDay ofSecondOfDay ofHoursMinutes ofTotalSeconds UTC BASIC_ISO_DATE ISO_DATE ISO_LOCAL_DATE ISO_LOCAL_TIME
    ISO_LOCAL_DATE_TIME ISO_OFFSET_DATE_TIME ISO_ZONED_DATE_TIME ISO_DATE_TIME ISO_INSTANT ISO_ORDINAL_DATE
    RFC_1123_DATE_TIME ofPattern withZone withLocale setTimeZone getZone getOffset withZoneSameLocal getTime before
    after getTotalSeconds toSeconds multipliedBy dividedBy ofWeeks MIDNIGHT NOON MIN MAX EPOCH communityId uriParts
    jsonLenient
}

static NUMBERS: LazyLock<FxHashMap<&'static str, Name>> =
    LazyLock::new(|| NAMES.iter().map(|(name, text)| (text.trim_start_matches("r#"), *name)).collect());

impl Name {
    pub(in crate::painless) fn named(text: &str) -> Option<Name> {
        NUMBERS.get(text).copied()
    }

    pub(in crate::painless) fn text(self) -> &'static str {
        NAMES.get(self as usize).map_or("", |(_, text)| text.trim_start_matches("r#"))
    }
}
