//! Streams and collectors.
//!
//! A stream is its elements and the stages that they will pass through; nothing runs before a terminal operation, and a
//! terminal operation that has seen enough stops, as in Java. `sorted` is the exception: it runs what is before it.

use super::{Args, Name, call, int, list, number, object, optional, set, text, truth};
use crate::event::{Object, Value};
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::operate::{Num, cast};
use crate::painless::types::Type;
use crate::painless::value::{Held, Order, held, thing};

#[derive(Clone, Copy, Debug)]
pub(in crate::painless) enum Stage<'a> {
    Filter(Value<'a>),
    Map(Value<'a>),
    FlatMap(Value<'a>),
    Peek(Value<'a>),
    Limit(u64),
    Skip(u64),
    Distinct,
    Cast(Type),
}

#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Stream<'a> {
    pub class: Class,
    pub source: &'a [Value<'a>],
    pub stages: &'a [Stage<'a>],
}

pub(super) fn new<'a>(m: &mut Machine<'a>, class: Class, items: Vec<Value<'a>>) -> Value<'a> {
    let source = m.arena.bump().alloc_slice_copy(&items);
    thing(m.arena, Held::Stream(Stream { class, source, stages: &[] }))
}

fn primitive(class: Class) -> Type {
    match class {
        Class::IntStream => Type::INT,
        Class::LongStream => Type::LONG,
        Class::DoubleStream => Type::DOUBLE,
        _ => Type::DEF,
    }
}

fn optional_of(class: Class) -> Class {
    match class {
        Class::IntStream => Class::OptionalInt,
        Class::LongStream => Class::OptionalLong,
        Class::DoubleStream => Class::OptionalDouble,
        _ => Class::Optional,
    }
}

type Sink<'s, 'a> = &'s mut dyn FnMut(&mut Machine<'a>, Value<'a>) -> Result<bool, Throw>;

/// What the stages remember between elements.
#[derive(Clone, Copy, Default)]
struct Memory<'a> {
    seen: u64,
    known: Option<&'a Object<'a>>,
}

/// Sends the elements through the stages into `sink`, until that has enough and says false.
fn drive<'a>(m: &mut Machine<'a>, stream: Stream<'a>, sink: Sink<'_, 'a>) -> Result<(), Throw> {
    let mut memory = vec![Memory::default(); stream.stages.len()];
    for item in stream.source {
        m.step(1)?;
        if !feed(m, stream.stages, &mut memory, *item, sink)? {
            break;
        }
    }
    Ok(())
}

fn feed<'a>(
    m: &mut Machine<'a>,
    stages: &[Stage<'a>],
    memory: &mut [Memory<'a>],
    value: Value<'a>,
    sink: Sink<'_, 'a>,
) -> Result<bool, Throw> {
    let (Some((stage, stages)), Some((own, memory))) = (stages.split_first(), memory.split_first_mut()) else {
        return sink(m, value);
    };
    let value = match stage {
        Stage::Filter(test) => {
            if !truth(m, *test, &[value])? {
                return Ok(true);
            }
            value
        }
        Stage::Map(function) => m.invoke(*function, &[value])?,
        Stage::Peek(function) => {
            m.invoke(*function, &[value])?;
            value
        }
        Stage::Cast(class) => cast(m, value, *class, true)?,
        Stage::FlatMap(function) => {
            let inner = m.invoke(*function, &[value])?;
            let Some(Held::Stream(inner)) = held(&inner) else {
                return if inner.is_null() {
                    Ok(true)
                } else {
                    Err(super::bad_cast(&inner, "java.util.stream.Stream"))
                };
            };
            let mut more = true;
            drive(m, *inner, &mut |m, value| {
                more = feed(m, stages, memory, value, sink)?;
                Ok(more)
            })?;
            return Ok(more);
        }
        Stage::Limit(count) => {
            if own.seen >= *count {
                return Ok(false);
            }
            own.seen += 1;
            let more = feed(m, stages, memory, value, sink)?;
            return Ok(more && own.seen < *count);
        }
        Stage::Skip(count) => {
            if own.seen < *count {
                own.seen += 1;
                return Ok(true);
            }
            value
        }
        Stage::Distinct => {
            let known = *own.known.get_or_insert_with(|| m.arena.object());
            m.step(1 + known.len() as u64 / 64)?;
            let key = m.key(value)?;
            if known.set(key, Value::Null).is_some() {
                return Ok(true);
            }
            value
        }
    };
    feed(m, stages, memory, value, sink)
}

/// All elements that come out of the stages.
pub(super) fn drain<'a>(m: &mut Machine<'a>, stream: Stream<'a>) -> Result<Vec<Value<'a>>, Throw> {
    let mut items = Vec::new();
    drive(m, stream, &mut |_, value| {
        items.push(value);
        Ok(true)
    })?;
    Ok(items)
}

pub(super) fn call_stream<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    stream: Stream<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    if stream.class.method(name, args.len()).is_none() {
        return object(m, receiver, name, args);
    }
    let own = primitive(stream.class);
    let next = |m: &mut Machine<'a>, class: Class, stages: &[Stage<'a>]| {
        let mut all = stream.stages.to_vec();
        all.extend_from_slice(stages);
        let stages = m.arena.bump().alloc_slice_copy(&all);
        thing(m.arena, Held::Stream(Stream { class, source: stream.source, stages }))
    };
    Ok(match (name, args) {
        (Name::filter, [test]) => next(m, stream.class, &[Stage::Filter(*test)]),
        (Name::map, [function]) if own.is_def() => next(m, stream.class, &[Stage::Map(*function)]),
        (Name::map, [function]) => next(m, stream.class, &[Stage::Map(*function), Stage::Cast(own)]),
        (Name::mapToInt, [function]) => next(m, Class::IntStream, &[Stage::Map(*function), Stage::Cast(Type::INT)]),
        (Name::mapToLong, [function]) => next(m, Class::LongStream, &[Stage::Map(*function), Stage::Cast(Type::LONG)]),
        (Name::mapToDouble, [function]) => {
            next(m, Class::DoubleStream, &[Stage::Map(*function), Stage::Cast(Type::DOUBLE)])
        }
        (Name::mapToObj, [function]) => next(m, Class::Stream, &[Stage::Map(*function)]),
        (Name::boxed, []) => next(m, Class::Stream, &[]),
        (Name::asLongStream, []) => next(m, Class::LongStream, &[Stage::Cast(Type::LONG)]),
        (Name::asDoubleStream, []) => next(m, Class::DoubleStream, &[Stage::Cast(Type::DOUBLE)]),
        (Name::flatMap, [function]) => next(m, stream.class, &[Stage::FlatMap(*function)]),
        (Name::flatMapToInt, [function]) => next(m, Class::IntStream, &[Stage::FlatMap(*function)]),
        (Name::flatMapToLong, [function]) => next(m, Class::LongStream, &[Stage::FlatMap(*function)]),
        (Name::flatMapToDouble, [function]) => next(m, Class::DoubleStream, &[Stage::FlatMap(*function)]),
        (Name::peek, [function]) => next(m, stream.class, &[Stage::Peek(*function)]),
        (Name::limit | Name::skip, [count]) => {
            let count = number(count)?.long();
            let Ok(n) = u64::try_from(count) else {
                return Err(throw(error::Class::IllegalArgument, count.to_string()));
            };
            next(m, stream.class, &[if name == Name::limit { Stage::Limit(n) } else { Stage::Skip(n) }])
        }
        (Name::distinct, []) => next(m, stream.class, &[Stage::Distinct]),
        (Name::sequential | Name::unordered, []) => receiver,
        (Name::isParallel, []) => Value::Bool(false),
        (Name::close, []) => Value::Null,
        (Name::sorted, _) => {
            let mut items = drain(m, stream)?;
            let comparator = args.first().copied();
            m.sort_by(&mut items, |m, a, b| m.compare_with(comparator, *a, *b))?;
            new(m, stream.class, items)
        }
        (Name::anyMatch | Name::allMatch | Name::noneMatch, [test]) => {
            let mut found = false;
            drive(m, stream, &mut |m, value| {
                found = truth(m, *test, &[value])? != (name == Name::allMatch);
                Ok(!found)
            })?;
            Value::Bool(found == (name == Name::anyMatch))
        }
        (Name::findFirst | Name::findAny, []) => {
            let mut found = None;
            drive(m, stream, &mut |_, value| {
                found = Some(value);
                Ok(false)
            })?;
            if found.is_some_and(|value| value.is_null()) {
                return Err(throw_bare(error::Class::NullPointer));
            }
            optional::new(m, optional_of(stream.class), found)
        }
        (Name::forEach | Name::forEachOrdered, [function]) => {
            drive(m, stream, &mut |m, value| m.invoke(*function, &[value]).map(|_| true))?;
            Value::Null
        }
        (Name::count, []) => {
            let mut count = 0;
            drive(m, stream, &mut |_, _| {
                count += 1;
                Ok(true)
            })?;
            Value::Long(count)
        }
        (Name::iterator, []) => {
            let items = drain(m, stream)?;
            super::iterator::new(m, items, None)
        }
        (Name::toArray, _) => {
            let items = drain(m, stream)?;
            let element = match args {
                [generator] => {
                    let made = m.invoke(*generator, &[Value::Int(items.len() as i32)])?;
                    match held(&made) {
                        Some(Held::Array { element, .. }) => *element,
                        _ => Type::DEF,
                    }
                }
                _ => own,
            };
            let list = m.list_from(items);
            thing(m.arena, Held::Array { element, list })
        }
        (Name::reduce, [function]) => {
            let mut sum: Option<Value<'a>> = None;
            drive(m, stream, &mut |m, value| {
                sum = Some(match sum {
                    Some(so_far) => m.invoke(*function, &[so_far, value])?,
                    None => value,
                });
                Ok(true)
            })?;
            optional::new(m, optional_of(stream.class), sum)
        }
        (Name::reduce, [start, function, ..]) => {
            let mut sum = *start;
            drive(m, stream, &mut |m, value| {
                sum = m.invoke(*function, &[sum, value])?;
                Ok(true)
            })?;
            sum
        }
        (Name::max | Name::min, _) => {
            let comparator = args.first().copied();
            let items = drain(m, stream)?;
            let best = extreme(m, items, comparator, name == Name::max)?;
            optional::new(m, optional_of(stream.class), best)
        }
        (Name::sum | Name::average | Name::summaryStatistics, []) => {
            let mut statistics = Statistics::default();
            drive(m, stream, &mut |_, value| {
                statistics.add(number(&value)?);
                Ok(true)
            })?;
            match name {
                Name::sum => match stream.class {
                    Class::IntStream => Value::Int(statistics.whole as i32),
                    Class::LongStream => Value::Long(statistics.whole),
                    _ => Value::Double(statistics.sum),
                },
                Name::average => {
                    let mean = (statistics.count > 0).then(|| Value::Double(statistics.average(stream.class)));
                    optional::new(m, Class::OptionalDouble, mean)
                }
                _ => {
                    let class = match stream.class {
                        Class::IntStream => Class::IntSummaryStatistics,
                        Class::LongStream => Class::LongSummaryStatistics,
                        _ => Class::DoubleSummaryStatistics,
                    };
                    thing(m.arena, Held::Statistics(class, std::cell::Cell::new(statistics)))
                }
            }
        }
        (Name::collect, [collector]) => {
            let Some(Held::Collector(collector)) = held(collector) else {
                return Err(super::bad_cast(collector, "java.util.stream.Collector"));
            };
            let items = drain(m, stream)?;
            collect(m, collector, items)?
        }
        (Name::collect, [supplier, accumulator, _combiner]) => {
            let result = m.invoke(*supplier, &[])?;
            drive(m, stream, &mut |m, value| m.invoke(*accumulator, &[result, value]).map(|_| true))?;
            result
        }
        _ => return object(m, receiver, name, args),
    })
}

pub(super) fn extreme<'a>(
    m: &mut Machine<'a>,
    items: Vec<Value<'a>>,
    comparator: Option<Value<'a>>,
    greatest: bool,
) -> Result<Option<Value<'a>>, Throw> {
    let mut best: Option<Value<'a>> = None;
    for item in items {
        m.step(1)?;
        let better = match best {
            None => true,
            Some(best) => {
                let order = m.compare_with(comparator, item, best)?;
                if greatest { order.is_ge() } else { order.is_lt() }
            }
        };
        if better {
            best = Some(item);
        }
    }
    Ok(best)
}

#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Statistics {
    pub count: i64,
    pub whole: i64,
    pub sum: f64,
    pub least: f64,
    pub greatest: f64,
    pub least_whole: i64,
    pub greatest_whole: i64,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            count: 0,
            whole: 0,
            sum: 0.0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            least_whole: i64::MAX,
            greatest_whole: i64::MIN,
        }
    }
}

impl Statistics {
    fn add(&mut self, n: Num) {
        self.count += 1;
        self.whole = self.whole.wrapping_add(n.long());
        self.sum += n.double();
        self.least = self.least.min(n.double());
        self.greatest = self.greatest.max(n.double());
        self.least_whole = self.least_whole.min(n.long());
        self.greatest_whole = self.greatest_whole.max(n.long());
    }

    fn average(&self, class: Class) -> f64 {
        match (self.count, class) {
            (0, _) => 0.0,
            (n, Class::DoubleStream | Class::DoubleSummaryStatistics) => self.sum / n as f64,
            (n, _) => self.whole as f64 / n as f64,
        }
    }
}

pub(super) fn statistics<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    class: Class,
    cell: &std::cell::Cell<Statistics>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let mut now = cell.get();
    let double = class == Class::DoubleSummaryStatistics;
    let whole = |n: i64, empty: i32| match class {
        Class::IntSummaryStatistics if now.count == 0 => Value::Int(empty),
        Class::IntSummaryStatistics => Value::Int(n as i32),
        _ => Value::Long(n),
    };
    Ok(match (name, args) {
        (Name::getCount, []) => Value::Long(now.count),
        (Name::getSum, []) => {
            if double {
                Value::Double(now.sum)
            } else {
                Value::Long(now.whole)
            }
        }
        (Name::getAverage, []) => Value::Double(now.average(class)),
        (Name::getMin, []) => {
            if double {
                Value::Double(now.least)
            } else {
                whole(now.least_whole, i32::MAX)
            }
        }
        (Name::getMax, []) => {
            if double {
                Value::Double(now.greatest)
            } else {
                whole(now.greatest_whole, i32::MIN)
            }
        }
        (Name::accept, [value]) => {
            now.add(number(value)?);
            cell.set(now);
            Value::Null
        }
        (Name::combine, [other]) => {
            let Some(Held::Statistics(_, other)) = held(other) else {
                return Err(super::bad_cast(other, class.java_name()));
            };
            let other = other.get();
            now.count += other.count;
            now.whole = now.whole.wrapping_add(other.whole);
            now.sum += other.sum;
            now.least = now.least.min(other.least);
            now.greatest = now.greatest.max(other.greatest);
            now.least_whole = now.least_whole.min(other.least_whole);
            now.greatest_whole = now.greatest_whole.max(other.greatest_whole);
            cell.set(now);
            Value::Null
        }
        _ => return object(m, receiver, name, args),
    })
}

/// `Stream.of`, `IntStream.range` and their like.
pub(super) fn call_static<'a>(
    m: &mut Machine<'a>,
    class: Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let own = primitive(class);
    let items = match (name, args) {
        (Name::of, [one]) if matches!(held(one), Some(Held::Array { .. })) => m.items(one)?,
        (Name::of, items) => {
            let mut out = Vec::new();
            for item in items {
                out.push(if own.is_def() { *item } else { cast(m, *item, own, false)? });
            }
            out
        }
        (Name::concat, [first, second]) => {
            let mut items = Vec::new();
            for part in [first, second] {
                let Some(Held::Stream(stream)) = held(part) else {
                    return Err(super::bad_cast(part, class.java_name()));
                };
                items.extend(drain(m, *stream)?);
            }
            items
        }
        (Name::range | Name::rangeClosed, [from, to]) => {
            let (from, to) = (number(from)?.long(), number(to)?.long());
            let end = if name == Name::range { to } else { to.saturating_add(1) };
            let mut items = Vec::new();
            let mut n = from;
            while n < end {
                m.step(1)?;
                items.push(if class == Class::IntStream { Value::Int(n as i32) } else { Value::Long(n) });
                n += 1;
            }
            items
        }
        _ => Vec::new(),
    };
    Ok(new(m, class, items))
}

// ---- collectors ----

#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Collector<'a> {
    pub name: Name,
    pub args: &'a [Value<'a>],
}

fn collect<'a>(m: &mut Machine<'a>, collector: &Collector<'a>, items: Vec<Value<'a>>) -> Result<Value<'a>, Throw> {
    m.step(1 + items.len() as u64)?;
    let inner = |value: Option<&Value<'a>>| match value.and_then(held) {
        Some(Held::Collector(inner)) => Ok(*inner),
        _ => Err(throw_bare(error::Class::NullPointer)),
    };
    Ok(match (collector.name, collector.args) {
        (Name::toList, _) => Value::List(m.list_from(items)),
        (Name::toSet, _) => set::new(m, Order::Hash, items, None)?,
        (Name::toCollection, [supplier]) => {
            let into = m.invoke(*supplier, &[])?;
            for item in items {
                call(m, into, Name::add, &[item])?;
            }
            into
        }
        (Name::joining, args) => {
            let mut parts = [""; 3];
            for (part, arg) in parts.iter_mut().zip(args) {
                *part = text(m, arg)?;
            }
            let [separator, prefix, suffix] = parts;
            let Value::Str(joined) = list::join(m, &items, separator)? else { return Ok(Value::Null) };
            m.string(&format!("{prefix}{joined}{suffix}"))?
        }
        (Name::counting, _) => Value::Long(items.len() as i64),
        (Name::mapping, [function, then]) => {
            let mut mapped = Vec::new();
            for item in items {
                mapped.push(m.invoke(*function, &[item])?);
            }
            let then = inner(Some(then))?;
            collect(m, &then, mapped)?
        }
        (Name::collectingAndThen, [first, function]) => {
            let first = inner(Some(first))?;
            let result = collect(m, &first, items)?;
            m.invoke(*function, &[result])?
        }
        (Name::groupingBy, [function, rest @ ..]) => {
            let mut groups: Vec<(Value<'a>, Vec<Value<'a>>)> = Vec::new();
            let index = m.arena.object();
            for item in items {
                let group = m.invoke(*function, &[item])?;
                if group.is_null() {
                    return Err(throw(error::Class::NullPointer, "element cannot be mapped to a null key"));
                }
                m.step(1 + index.len() as u64 / 64)?;
                let key = m.key(group)?;
                match index.get(&key) {
                    Some(Value::Long(at)) => {
                        if let Some((_, members)) = groups.get_mut(at as usize) {
                            members.push(item);
                        }
                    }
                    _ => {
                        index.set(key, Value::Long(groups.len() as i64));
                        groups.push((group, vec![item]));
                    }
                }
            }
            let into = match rest {
                [supplier, _] => m.invoke(*supplier, &[])?,
                _ => Value::Object(m.arena.object()),
            };
            for (group, members) in groups {
                let value = match rest.last() {
                    Some(then) => {
                        let then = inner(Some(then))?;
                        collect(m, &then, members)?
                    }
                    None => Value::List(m.list_from(members)),
                };
                call(m, into, Name::put, &[group, value])?;
            }
            into
        }
        (Name::partitioningBy, [test, rest @ ..]) => {
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            for item in items {
                if truth(m, *test, &[item])? { yes.push(item) } else { no.push(item) }
            }
            let into = Value::Object(m.arena.object());
            for (group, members) in [(false, no), (true, yes)] {
                let value = match rest.last() {
                    Some(then) => {
                        let then = inner(Some(then))?;
                        collect(m, &then, members)?
                    }
                    None => Value::List(m.list_from(members)),
                };
                call(m, into, Name::put, &[Value::Bool(group), value])?;
            }
            into
        }
        (Name::toMap, [key, value, rest @ ..]) => {
            let into = match rest {
                [_, supplier] => m.invoke(*supplier, &[])?,
                _ => Value::Object(m.arena.object()),
            };
            for item in items {
                let (key, value) = (m.invoke(*key, &[item])?, m.invoke(*value, &[item])?);
                if value.is_null() {
                    return Err(throw_bare(error::Class::NullPointer));
                }
                let old = call(m, into, Name::get, &[key])?;
                let value = match rest.first() {
                    _ if old.is_null() => value,
                    Some(merge) => m.invoke(*merge, &[old, value])?,
                    None => {
                        let (key, old, new) = (m.text(&key)?, m.text(&old)?, m.text(&value)?);
                        let message = format!("Duplicate key {key} (attempted merging values {old} and {new})");
                        return Err(throw(error::Class::IllegalState, message));
                    }
                };
                call(m, into, Name::put, &[key, value])?;
            }
            into
        }
        (Name::maxBy | Name::minBy, [comparator]) => {
            let best = extreme(m, items, Some(*comparator), collector.name == Name::maxBy)?;
            optional::new(m, Class::Optional, best)
        }
        (Name::reducing, [function]) => {
            let mut sum: Option<Value<'a>> = None;
            for item in items {
                sum = Some(match sum {
                    Some(so_far) => m.invoke(*function, &[so_far, item])?,
                    None => item,
                });
            }
            optional::new(m, Class::Optional, sum)
        }
        (Name::reducing, [start, rest @ .., function]) => {
            let mut sum = *start;
            for item in items {
                let item = match rest.first() {
                    Some(map) => m.invoke(*map, &[item])?,
                    None => item,
                };
                sum = m.invoke(*function, &[sum, item])?;
            }
            sum
        }
        (name, [function]) => {
            let mut statistics = Statistics::default();
            for item in items {
                let value = m.invoke(*function, &[item])?;
                statistics.add(number(&value)?);
            }
            match name {
                Name::summingInt => Value::Int(statistics.whole as i32),
                Name::summingLong => Value::Long(statistics.whole),
                Name::summingDouble => Value::Double(statistics.sum),
                Name::averagingDouble => Value::Double(statistics.average(Class::DoubleStream)),
                Name::averagingInt | Name::averagingLong => Value::Double(statistics.average(Class::LongStream)),
                _ => {
                    let class = match name {
                        Name::summarizingInt => Class::IntSummaryStatistics,
                        Name::summarizingLong => Class::LongSummaryStatistics,
                        _ => Class::DoubleSummaryStatistics,
                    };
                    thing(m.arena, Held::Statistics(class, std::cell::Cell::new(statistics)))
                }
            }
        }
        _ => return Err(throw_bare(error::Class::IllegalArgument)),
    })
}

pub(super) fn collector<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Value<'a> {
    let args = m.arena.bump().alloc_slice_copy(args);
    thing(m.arena, Held::Collector(Collector { name, args }))
}

/// `nCopies` and other makers of many elements count them first.
pub(super) fn count<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<u32, Throw> {
    let n = int(m, value)?;
    let count = u32::try_from(n).map_err(|_| throw(error::Class::IllegalArgument, format!("List length = {n}")))?;
    m.step(u64::from(count))?;
    Ok(count)
}
