//! `java.util.function`: what a function of the script may ask for as a parameter, and call.

use super::{Class, Declared, interface};

pub(super) const CLASSES: &[Declared] = &[
    interface(
        Class::Function,
        &[],
        "
        def apply 1
        Function andThen 1
        Function compose 1
        static Function identity 0",
    ),
    interface(
        Class::BiFunction,
        &[],
        "
        def apply 2
        BiFunction andThen 1",
    ),
    interface(Class::UnaryOperator, &[Class::Function], "static UnaryOperator identity 0"),
    interface(
        Class::BinaryOperator,
        &[Class::BiFunction],
        "
        static BinaryOperator maxBy 1
        static BinaryOperator minBy 1",
    ),
    interface(
        Class::Predicate,
        &[],
        "
        boolean test 1
        Predicate and 1
        Predicate negate
        Predicate or 1
        static Predicate isEqual 1",
    ),
    interface(
        Class::BiPredicate,
        &[],
        "
        boolean test 2
        BiPredicate and 1
        BiPredicate negate
        BiPredicate or 1",
    ),
    interface(Class::Supplier, &[], "def get"),
    interface(
        Class::Consumer,
        &[],
        "
        void accept 1
        Consumer andThen 1",
    ),
    interface(
        Class::BiConsumer,
        &[],
        "
        void accept 2
        BiConsumer andThen 1",
    ),
    interface(Class::ToIntFunction, &[], "int applyAsInt 1"),
    interface(Class::ToLongFunction, &[], "long applyAsLong 1"),
    interface(Class::ToDoubleFunction, &[], "double applyAsDouble 1"),
    interface(Class::IntFunction, &[], "def apply 1"),
    interface(
        Class::IntPredicate,
        &[],
        "
        boolean test 1
        IntPredicate and 1
        IntPredicate negate
        IntPredicate or 1",
    ),
    interface(
        Class::IntUnaryOperator,
        &[],
        "
        int applyAsInt 1
        IntUnaryOperator andThen 1
        IntUnaryOperator compose 1
        static IntUnaryOperator identity 0",
    ),
    interface(Class::IntBinaryOperator, &[], "int applyAsInt 2"),
];
