//! `java.lang` and `java.math`: text, numbers, `Math`.

use super::{Class, Declared, class, interface};

const MATH: &str = "
    const double E
    const double PI
    static double abs 1
    static double acos 1
    static double asin 1
    static double atan 1
    static double atan2 2
    static double cbrt 1
    static double ceil 1
    static double copySign 2
    static double cos 1
    static double cosh 1
    static double exp 1
    static double expm1 1
    static double floor 1
    static double hypot 2
    static double IEEEremainder 2
    static double log 1
    static double log10 1
    static double log1p 1
    static double max 2
    static double min 2
    static double nextAfter 2
    static double nextDown 1
    static double nextUp 1
    static double pow 2
    static double rint 1
    static long round 1
    static double scalb 2
    static double signum 1
    static double sin 1
    static double sinh 1
    static double sqrt 1
    static double tan 1
    static double tanh 1
    static double toDegrees 1
    static double toRadians 1
    static double ulp 1";

const BUILDER: &str = "
    new 0 1
    def append 1 3
    def appendCodePoint 1
    int capacity
    int codePointAt 1
    int codePointBefore 1
    int codePointCount 2
    def delete 2
    def deleteCharAt 1
    int indexOf 1 2
    def insert 2
    int lastIndexOf 1 2
    def replace 3
    def reverse
    void setCharAt 2
    void setLength 1
    String substring 1 2";

pub(super) const CLASSES: &[Declared] = &[
    interface(
        Class::Object,
        &[],
        "
        boolean equals 1
        int hashCode
        String toString",
    ),
    interface(Class::Comparable, &[], "int compareTo 1"),
    interface(
        Class::CharSequence,
        &[],
        "
        char charAt 1
        IntStream chars
        IntStream codePoints
        int length
        String replaceAll 2
        String replaceFirst 2
        CharSequence subSequence 2",
    ),
    interface(
        Class::Iterable,
        &[],
        "
        void forEach 1
        Iterator iterator
        boolean any 1
        Collection asCollection
        List asList
        def each 1
        def eachWithIndex 1
        boolean every 1
        List findResults 1
        Map groupBy 1
        String join 1
        double sum 0 1",
    ),
    class(
        Class::String,
        &[Class::CharSequence, Class::Comparable],
        "
        new 0
        int codePointAt 1
        int codePointBefore 1
        int codePointCount 2
        int compareToIgnoreCase 1
        String concat 1
        boolean contains 1
        boolean contentEquals 1
        String decodeBase64
        String encodeBase64
        String[] splitOnToken 1 2
        boolean endsWith 1
        boolean equalsIgnoreCase 1
        int indexOf 1 2
        boolean isEmpty
        int lastIndexOf 1 2
        int offsetByCodePoints 2
        boolean regionMatches 4 5
        String replace 2
        boolean startsWith 1 2
        String substring 1 2
        char[] toCharArray
        String toLowerCase 0 1
        String toUpperCase 0 1
        String trim
        String sha1
        String sha256
        String sha512
        static String copyValueOf 1 3
        static String format *
        static String join 2
        static String valueOf 1",
    ),
    class(
        Class::Number,
        &[],
        "
        byte byteValue
        short shortValue
        int intValue
        long longValue
        float floatValue
        double doubleValue",
    ),
    class(
        Class::Boolean,
        &[Class::Comparable],
        "
        const Boolean TRUE
        const Boolean FALSE
        boolean booleanValue
        static int compare 2
        static int hashCode 1
        static boolean logicalAnd 2
        static boolean logicalOr 2
        static boolean logicalXor 2
        static boolean parseBoolean 1
        static String toString 1
        static Boolean valueOf 1",
    ),
    class(
        Class::Byte,
        &[Class::Number, Class::Comparable],
        "
        const int BYTES
        const byte MAX_VALUE
        const byte MIN_VALUE
        const int SIZE
        static int compare 2
        static Byte decode 1
        static int hashCode 1
        static byte parseByte 1 2
        static String toString 1
        static int toUnsignedInt 1
        static long toUnsignedLong 1
        static Byte valueOf 1 2",
    ),
    class(
        Class::Short,
        &[Class::Number, Class::Comparable],
        "
        const int BYTES
        const short MAX_VALUE
        const short MIN_VALUE
        const int SIZE
        static int compare 2
        static Short decode 1
        static int hashCode 1
        static short parseShort 1 2
        static short reverseBytes 1
        static String toString 1
        static int toUnsignedInt 1
        static long toUnsignedLong 1
        static Short valueOf 1 2",
    ),
    class(
        Class::Integer,
        &[Class::Number, Class::Comparable],
        "
        const int BYTES
        const int MAX_VALUE
        const int MIN_VALUE
        const int SIZE
        static int bitCount 1
        static int compare 2
        static int compareUnsigned 2
        static Integer decode 1
        static int divideUnsigned 2
        static int hashCode 1
        static int highestOneBit 1
        static int lowestOneBit 1
        static int max 2
        static int min 2
        static int numberOfLeadingZeros 1
        static int numberOfTrailingZeros 1
        static int parseInt 1 2
        static int parseUnsignedInt 1 2
        static int remainderUnsigned 2
        static int reverse 1
        static int reverseBytes 1
        static int rotateLeft 2
        static int rotateRight 2
        static int signum 1
        static int sum 2
        static String toBinaryString 1
        static String toHexString 1
        static String toOctalString 1
        static String toString 1 2
        static long toUnsignedLong 1
        static String toUnsignedString 1 2
        static Integer valueOf 1 2",
    ),
    class(
        Class::Long,
        &[Class::Number, Class::Comparable],
        "
        const int BYTES
        const long MAX_VALUE
        const long MIN_VALUE
        const int SIZE
        static int bitCount 1
        static int compare 2
        static int compareUnsigned 2
        static Long decode 1
        static long divideUnsigned 2
        static int hashCode 1
        static long highestOneBit 1
        static long lowestOneBit 1
        static long max 2
        static long min 2
        static int numberOfLeadingZeros 1
        static int numberOfTrailingZeros 1
        static long parseLong 1 2
        static long parseUnsignedLong 1 2
        static long remainderUnsigned 2
        static long reverse 1
        static long reverseBytes 1
        static long rotateLeft 2
        static long rotateRight 2
        static int signum 1
        static long sum 2
        static String toBinaryString 1
        static String toHexString 1
        static String toOctalString 1
        static String toString 1 2
        static String toUnsignedString 1 2
        static Long valueOf 1 2",
    ),
    class(
        Class::Float,
        &[Class::Number, Class::Comparable],
        "
        const int BYTES
        const int MAX_EXPONENT
        const float MAX_VALUE
        const int MIN_EXPONENT
        const float MIN_NORMAL
        const float MIN_VALUE
        const float NaN
        const float NEGATIVE_INFINITY
        const float POSITIVE_INFINITY
        const int SIZE
        boolean isInfinite
        boolean isNaN
        static int compare 2
        static int floatToIntBits 1
        static int floatToRawIntBits 1
        static int hashCode 1
        static float intBitsToFloat 1
        static boolean isFinite 1
        static boolean isInfinite 1
        static boolean isNaN 1
        static float max 2
        static float min 2
        static float parseFloat 1
        static float sum 2
        static String toString 1
        static Float valueOf 1",
    ),
    class(
        Class::Double,
        &[Class::Number, Class::Comparable],
        "
        const int BYTES
        const int MAX_EXPONENT
        const double MAX_VALUE
        const int MIN_EXPONENT
        const double MIN_NORMAL
        const double MIN_VALUE
        const double NaN
        const double NEGATIVE_INFINITY
        const double POSITIVE_INFINITY
        const int SIZE
        boolean isInfinite
        boolean isNaN
        static int compare 2
        static long doubleToLongBits 1
        static long doubleToRawLongBits 1
        static int hashCode 1
        static boolean isFinite 1
        static boolean isInfinite 1
        static boolean isNaN 1
        static double longBitsToDouble 1
        static double max 2
        static double min 2
        static double parseDouble 1
        static double sum 2
        static String toString 1
        static Double valueOf 1",
    ),
    class(
        Class::Character,
        &[Class::Comparable],
        "
        const int BYTES
        const int MAX_CODE_POINT
        const int MAX_RADIX
        const char MAX_VALUE
        const int MIN_CODE_POINT
        const int MIN_RADIX
        const int MIN_SUPPLEMENTARY_CODE_POINT
        const char MIN_VALUE
        const int SIZE
        char charValue
        static int charCount 1
        static int codePointAt 2
        static int codePointBefore 2
        static int codePointCount 3
        static int compare 2
        static int digit 2
        static char forDigit 2
        static int getNumericValue 1
        static int hashCode 1
        static char highSurrogate 1
        static boolean isAlphabetic 1
        static boolean isBmpCodePoint 1
        static boolean isDigit 1
        static boolean isHighSurrogate 1
        static boolean isISOControl 1
        static boolean isLetter 1
        static boolean isLetterOrDigit 1
        static boolean isLowSurrogate 1
        static boolean isLowerCase 1
        static boolean isSpaceChar 1
        static boolean isSupplementaryCodePoint 1
        static boolean isSurrogate 1
        static boolean isSurrogatePair 2
        static boolean isUpperCase 1
        static boolean isValidCodePoint 1
        static boolean isWhitespace 1
        static char lowSurrogate 1
        static char reverseBytes 1
        static char[] toChars 1
        static int toCodePoint 2
        static char toLowerCase 1
        static String toString 1
        static char toUpperCase 1
        static Character valueOf 1",
    ),
    class(Class::BigInteger, &[Class::Number, Class::Comparable], ""),
    class(Class::Math, &[], MATH),
    class(Class::StrictMath, &[], MATH),
    class(Class::StringBuilder, &[Class::CharSequence], BUILDER),
    class(Class::StringBuffer, &[Class::CharSequence], BUILDER),
    class(
        Class::System,
        &[],
        "
        static long currentTimeMillis 0
        static long nanoTime 0",
    ),
    class(
        Class::Exception,
        &[],
        "
        String getMessage
        String getLocalizedMessage",
    ),
];
