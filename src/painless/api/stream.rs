//! `java.util.stream`: streams, collectors, summary statistics.

use super::{Class, Declared, class, interface};

const STATISTICS: &str = "
    new 0
    void accept 1
    void combine 1
    double getAverage
    long getCount
    def getMax
    def getMin
    def getSum";

pub(super) const CLASSES: &[Declared] = &[
    interface(
        Class::BaseStream,
        &[],
        "
        void close
        boolean isParallel
        Iterator iterator
        long count",
    ),
    interface(
        Class::Stream,
        &[Class::BaseStream],
        "
        boolean allMatch 1
        boolean anyMatch 1
        def collect 1 3
        Stream distinct
        Stream filter 1
        Optional findAny
        Optional findFirst
        Stream flatMap 1
        DoubleStream flatMapToDouble 1
        IntStream flatMapToInt 1
        LongStream flatMapToLong 1
        void forEach 1
        void forEachOrdered 1
        Stream limit 1
        Stream map 1
        DoubleStream mapToDouble 1
        IntStream mapToInt 1
        LongStream mapToLong 1
        Optional max 1
        Optional min 1
        boolean noneMatch 1
        Stream peek 1
        Optional reduce 1
        def reduce 2 3
        Stream sequential
        Stream skip 1
        Stream sorted 0 1
        def[] toArray 0 1
        Stream unordered
        static Stream concat 2
        static Stream empty 0
        static Stream of *",
    ),
    interface(
        Class::IntStream,
        &[Class::BaseStream],
        "
        boolean allMatch 1
        boolean anyMatch 1
        DoubleStream asDoubleStream
        LongStream asLongStream
        OptionalDouble average
        Stream boxed
        def collect 3
        IntStream distinct
        IntStream filter 1
        OptionalInt findAny
        OptionalInt findFirst
        IntStream flatMap 1
        void forEach 1
        void forEachOrdered 1
        IntStream limit 1
        IntStream map 1
        DoubleStream mapToDouble 1
        LongStream mapToLong 1
        Stream mapToObj 1
        OptionalInt max
        OptionalInt min
        boolean noneMatch 1
        IntStream peek 1
        OptionalInt reduce 1
        int reduce 2
        IntStream sequential
        IntStream skip 1
        IntStream sorted
        int sum
        IntSummaryStatistics summaryStatistics
        int[] toArray
        static IntStream concat 2
        static IntStream empty 0
        static IntStream of *
        static IntStream range 2
        static IntStream rangeClosed 2",
    ),
    interface(
        Class::LongStream,
        &[Class::BaseStream],
        "
        boolean allMatch 1
        boolean anyMatch 1
        DoubleStream asDoubleStream
        OptionalDouble average
        Stream boxed
        def collect 3
        LongStream distinct
        LongStream filter 1
        OptionalLong findAny
        OptionalLong findFirst
        LongStream flatMap 1
        void forEach 1
        void forEachOrdered 1
        LongStream limit 1
        LongStream map 1
        DoubleStream mapToDouble 1
        IntStream mapToInt 1
        Stream mapToObj 1
        OptionalLong max
        OptionalLong min
        boolean noneMatch 1
        LongStream peek 1
        OptionalLong reduce 1
        long reduce 2
        LongStream sequential
        LongStream skip 1
        LongStream sorted
        long sum
        LongSummaryStatistics summaryStatistics
        long[] toArray
        static LongStream concat 2
        static LongStream empty 0
        static LongStream of *
        static LongStream range 2
        static LongStream rangeClosed 2",
    ),
    interface(
        Class::DoubleStream,
        &[Class::BaseStream],
        "
        boolean allMatch 1
        boolean anyMatch 1
        OptionalDouble average
        Stream boxed
        def collect 3
        DoubleStream distinct
        DoubleStream filter 1
        OptionalDouble findAny
        OptionalDouble findFirst
        DoubleStream flatMap 1
        void forEach 1
        void forEachOrdered 1
        DoubleStream limit 1
        DoubleStream map 1
        IntStream mapToInt 1
        LongStream mapToLong 1
        Stream mapToObj 1
        OptionalDouble max
        OptionalDouble min
        boolean noneMatch 1
        DoubleStream peek 1
        OptionalDouble reduce 1
        double reduce 2
        DoubleStream sequential
        DoubleStream skip 1
        DoubleStream sorted
        double sum
        DoubleSummaryStatistics summaryStatistics
        double[] toArray
        static DoubleStream concat 2
        static DoubleStream empty 0
        static DoubleStream of *",
    ),
    interface(Class::Collector, &[], ""),
    class(
        Class::Collectors,
        &[],
        "
        static Collector averagingDouble 1
        static Collector averagingInt 1
        static Collector averagingLong 1
        static Collector collectingAndThen 2
        static Collector counting 0
        static Collector groupingBy 1 2 3
        static Collector joining 0 1 3
        static Collector mapping 2
        static Collector maxBy 1
        static Collector minBy 1
        static Collector partitioningBy 1 2
        static Collector reducing 1 2 3
        static Collector summarizingDouble 1
        static Collector summarizingInt 1
        static Collector summarizingLong 1
        static Collector summingDouble 1
        static Collector summingInt 1
        static Collector summingLong 1
        static Collector toCollection 1
        static Collector toList 0
        static Collector toMap 2 3 4
        static Collector toSet 0",
    ),
    class(Class::IntSummaryStatistics, &[], STATISTICS),
    class(Class::LongSummaryStatistics, &[], STATISTICS),
    class(Class::DoubleSummaryStatistics, &[], STATISTICS),
];
