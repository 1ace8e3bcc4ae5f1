//! `java.util` and `java.util.regex`: collections, optionals, tokens, Base64, patterns.

use super::{Class, Declared, class, interface};

pub(super) const CLASSES: &[Declared] = &[
    interface(
        Class::Collection,
        &[Class::Iterable],
        "
        boolean add 1
        boolean addAll 1
        void clear
        boolean contains 1
        boolean containsAll 1
        boolean isEmpty
        boolean remove 1
        boolean removeAll 1
        boolean removeIf 1
        boolean retainAll 1
        int size
        Stream stream
        def[] toArray 0 1
        List collect 1
        def collect 2
        def find 1
        List findAll 1
        def findResult 1 2
        List split 1",
    ),
    interface(
        Class::List,
        &[Class::Collection],
        "
        void add 2
        boolean addAll 2
        def get 1
        int indexOf 1
        int lastIndexOf 1
        ListIterator listIterator 0 1
        def remove 1
        void replaceAll 1
        def set 2
        int getLength
        void sort 1
        List subList 2
        def getByPath 1 2",
    ),
    class(
        Class::ArrayList,
        &[Class::List],
        "
        new 0 1
        def clone
        void trimToSize",
    ),
    interface(
        Class::Queue,
        &[Class::Collection],
        "
        def element
        boolean offer 1
        def peek
        def poll
        def remove 0",
    ),
    interface(
        Class::Deque,
        &[Class::Queue],
        "
        void addFirst 1
        void addLast 1
        Iterator descendingIterator
        def getFirst
        def getLast
        boolean offerFirst 1
        boolean offerLast 1
        def peekFirst
        def peekLast
        def pollFirst
        def pollLast
        def pop
        void push 1
        def removeFirst
        boolean removeFirstOccurrence 1
        def removeLast
        boolean removeLastOccurrence 1",
    ),
    class(
        Class::LinkedList,
        &[Class::List, Class::Deque],
        "
        new 0 1
        def clone",
    ),
    class(
        Class::ArrayDeque,
        &[Class::Deque],
        "
        new 0 1
        def clone",
    ),
    class(
        Class::Vector,
        &[Class::List],
        "
        new 0 1
        void addElement 1
        def elementAt 1
        def firstElement
        void insertElementAt 2
        def lastElement
        void removeAllElements
        boolean removeElement 1
        void removeElementAt 1
        void setElementAt 2
        def clone",
    ),
    class(
        Class::Stack,
        &[Class::Vector],
        "
        new 0
        def push 1
        def pop
        def peek
        boolean empty
        int search 1",
    ),
    interface(
        Class::Map,
        &[],
        "
        void clear
        def compute 2
        def computeIfAbsent 2
        def computeIfPresent 2
        boolean containsKey 1
        boolean containsValue 1
        Set entrySet
        void forEach 1
        def get 1
        def getOrDefault 2
        boolean isEmpty
        Set keySet
        def merge 3
        def put 2
        void putAll 1
        def putIfAbsent 2
        def remove 1
        boolean remove 2
        def replace 2
        boolean replace 3
        void replaceAll 1
        int size
        Collection values
        def getByPath 1 2
        List collect 1
        def collect 2
        int count 1
        def each 1
        boolean every 1
        def find 1
        Map findAll 1
        def findResult 1 2
        List findResults 1
        Map groupBy 1",
    ),
    class(
        Class::HashMap,
        &[Class::Map],
        "
        new 0 1
        def clone",
    ),
    class(
        Class::Hashtable,
        &[Class::Map],
        "
        new 0 1
        def clone",
    ),
    class(Class::LinkedHashMap, &[Class::HashMap], "new 0 1"),
    interface(
        Class::SortedMap,
        &[Class::Map],
        "
        def firstKey
        SortedMap headMap 1
        def lastKey
        SortedMap subMap 2
        SortedMap tailMap 1",
    ),
    interface(
        Class::NavigableMap,
        &[Class::SortedMap],
        "
        Map.Entry ceilingEntry 1
        def ceilingKey 1
        NavigableSet descendingKeySet
        NavigableMap descendingMap
        Map.Entry firstEntry
        Map.Entry floorEntry 1
        def floorKey 1
        NavigableMap headMap 2
        Map.Entry higherEntry 1
        def higherKey 1
        Map.Entry lastEntry
        Map.Entry lowerEntry 1
        def lowerKey 1
        NavigableSet navigableKeySet
        Map.Entry pollFirstEntry
        Map.Entry pollLastEntry
        NavigableMap subMap 4
        NavigableMap tailMap 2",
    ),
    class(
        Class::TreeMap,
        &[Class::NavigableMap],
        "
        new 0 1
        def clone",
    ),
    interface(
        Class::MapEntry,
        &[],
        "
        def getKey
        def getValue
        def setValue 1
        static Comparator comparingByKey 0 1
        static Comparator comparingByValue 0 1",
    ),
    class(Class::SimpleEntry, &[Class::MapEntry], "new 1 2"),
    interface(Class::Set, &[Class::Collection], ""),
    class(
        Class::HashSet,
        &[Class::Set],
        "
        new 0 1
        def clone",
    ),
    class(Class::LinkedHashSet, &[Class::HashSet], "new 0 1"),
    interface(
        Class::SortedSet,
        &[Class::Set],
        "
        def first
        SortedSet headSet 1
        def last
        SortedSet subSet 2
        SortedSet tailSet 1",
    ),
    interface(
        Class::NavigableSet,
        &[Class::SortedSet],
        "
        def ceiling 1
        Iterator descendingIterator
        NavigableSet descendingSet
        def floor 1
        NavigableSet headSet 2
        def higher 1
        def lower 1
        def pollFirst
        def pollLast
        NavigableSet subSet 4
        NavigableSet tailSet 2",
    ),
    class(
        Class::TreeSet,
        &[Class::NavigableSet],
        "
        new 0 1
        def clone",
    ),
    interface(
        Class::Iterator,
        &[],
        "
        void forEachRemaining 1
        boolean hasNext
        def next
        void remove",
    ),
    interface(
        Class::ListIterator,
        &[Class::Iterator],
        "
        void add 1
        boolean hasPrevious
        int nextIndex
        def previous
        int previousIndex
        void set 1",
    ),
    class(
        Class::Arrays,
        &[],
        "
        static List asList *
        static boolean deepEquals 2
        static int deepHashCode 1
        static String deepToString 1
        static boolean equals 2
        static void fill 2 4
        static int hashCode 1
        static void sort 1 2
        static String toString 1",
    ),
    class(
        Class::Collections,
        &[],
        "
        const List EMPTY_LIST
        const Map EMPTY_MAP
        const Set EMPTY_SET
        static boolean addAll *
        static int binarySearch 2 3
        static void copy 2
        static boolean disjoint 2
        static Iterator emptyIterator 0
        static List emptyList 0
        static Map emptyMap 0
        static Set emptySet 0
        static void fill 2
        static int frequency 2
        static int indexOfSubList 2
        static int lastIndexOfSubList 2
        static def max 1 2
        static def min 1 2
        static List nCopies 2
        static boolean replaceAll 3
        static void reverse 1
        static Comparator reverseOrder 0 1
        static void rotate 2
        static Set singleton 1
        static List singletonList 1
        static Map singletonMap 2
        static void sort 1 2
        static void swap 3
        static Collection unmodifiableCollection 1
        static List unmodifiableList 1
        static Map unmodifiableMap 1
        static Set unmodifiableSet 1
        static SortedMap unmodifiableSortedMap 1
        static SortedSet unmodifiableSortedSet 1",
    ),
    class(
        Class::Objects,
        &[],
        "
        static int compare 3
        static boolean deepEquals 2
        static boolean equals 2
        static int hash *
        static int hashCode 1
        static boolean isNull 1
        static boolean nonNull 1
        static def requireNonNull 1 2
        static String toString 1 2",
    ),
    class(
        Class::Optional,
        &[],
        "
        boolean isPresent
        void ifPresent 1
        def orElse 1
        def orElseGet 1
        def orElseThrow 1
        def get
        Optional filter 1
        Optional flatMap 1
        Optional map 1
        static Optional empty 0
        static Optional of 1
        static Optional ofNullable 1",
    ),
    class(Class::OptionalInt, &[], OPTIONAL_INT),
    class(Class::OptionalLong, &[], OPTIONAL_LONG),
    class(Class::OptionalDouble, &[], OPTIONAL_DOUBLE),
    class(
        Class::StringJoiner,
        &[],
        "
        new 1 3
        StringJoiner add 1
        int length
        StringJoiner merge 1
        StringJoiner setEmptyValue 1",
    ),
    class(
        Class::StringTokenizer,
        &[],
        "
        new 1 2 3
        int countTokens
        boolean hasMoreElements
        boolean hasMoreTokens
        def nextElement
        String nextToken 0 1",
    ),
    interface(
        Class::Comparator,
        &[],
        "
        int compare 2
        Comparator reversed
        Comparator thenComparing 1 2
        Comparator thenComparingDouble 1
        Comparator thenComparingInt 1
        Comparator thenComparingLong 1
        static Comparator comparing 1 2
        static Comparator comparingDouble 1
        static Comparator comparingInt 1
        static Comparator comparingLong 1
        static Comparator naturalOrder 0
        static Comparator nullsFirst 1
        static Comparator nullsLast 1
        static Comparator reverseOrder 0",
    ),
    class(
        Class::Base64,
        &[],
        "
        static Base64.Decoder getDecoder 0
        static Base64.Encoder getEncoder 0
        static Base64.Decoder getMimeDecoder 0
        static Base64.Encoder getMimeEncoder 0
        static Base64.Decoder getUrlDecoder 0
        static Base64.Encoder getUrlEncoder 0",
    ),
    class(
        Class::Base64Encoder,
        &[],
        "
        String encodeToString 1
        Base64.Encoder withoutPadding",
    ),
    class(Class::Base64Decoder, &[], "byte[] decode 1"),
    class(
        Class::Uuid,
        &[Class::Comparable],
        "
        new 2
        long getLeastSignificantBits
        long getMostSignificantBits
        int variant
        int version
        static UUID fromString 1
        static UUID nameUUIDFromBytes 1",
    ),
    class(
        Class::Locale,
        &[],
        "
        const Locale ENGLISH
        const Locale ROOT
        const Locale UK
        const Locale US
        static Locale forLanguageTag 1
        String getLanguage
        String toLanguageTag",
    ),
    class(
        Class::Pattern,
        &[],
        "
        Predicate asPredicate
        int flags
        Matcher matcher 1
        String pattern
        String[] split 1 2
        Stream splitAsStream 1
        static String quote 1",
    ),
    class(
        Class::Matcher,
        &[],
        "
        int end 0 1
        boolean find 0 1
        String group 0 1
        int groupCount
        String namedGroup 1
        boolean lookingAt
        boolean matches
        Pattern pattern
        String replaceAll 1
        String replaceFirst 1
        Matcher reset 0
        int start 0 1
        static String quoteReplacement 1",
    ),
];

const OPTIONAL_INT: &str = "
    boolean isPresent
    void ifPresent 1
    int orElse 1
    int orElseGet 1
    int orElseThrow 1
    int getAsInt
    static OptionalInt empty 0
    static OptionalInt of 1";

const OPTIONAL_LONG: &str = "
    boolean isPresent
    void ifPresent 1
    long orElse 1
    long orElseGet 1
    long orElseThrow 1
    long getAsLong
    static OptionalLong empty 0
    static OptionalLong of 1";

const OPTIONAL_DOUBLE: &str = "
    boolean isPresent
    void ifPresent 1
    double orElse 1
    double orElseGet 1
    double orElseThrow 1
    double getAsDouble
    static OptionalDouble empty 0
    static OptionalDouble of 1";
