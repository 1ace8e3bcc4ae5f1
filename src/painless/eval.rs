//! Expressions of a running script.

use super::code::{FieldName, MapKey, Node, Op, Place, Reference, Step};
use super::error::{self, Throw, throw, throw_bare};
use super::machine::Machine;
use super::methods;
use super::operate;
use super::tree::Binary;
use super::types::Type;
use super::value::{Held, as_list, as_map, class_name, held, instance_of, plain, thing};
use crate::event::Value;

/// As Elasticsearch words it.
#[cold]
fn null_access(name: &str) -> Throw {
    throw(error::Class::NullPointer, format!("cannot access method/field [{name}] from a null def reference"))
}

impl<'a> Machine<'a> {
    #[inline]
    pub(super) fn eval(&mut self, node: &'a Node) -> Result<Value<'a>, Throw> {
        match self.eval_op(node) {
            Err(mut thrown) => {
                thrown.at.get_or_insert(node.at);
                Err(thrown)
            }
            value => value,
        }
    }

    /// An expression that gives a boolean, without the detour over a value.
    pub(super) fn test(&mut self, node: &'a Node) -> Result<bool, Throw> {
        match &node.op {
            Op::And(left, right) => Ok(self.test(left)? && self.test(right)?),
            Op::Or(left, right) => Ok(self.test(left)? || self.test(right)?),
            Op::Not(inner) => Ok(!self.test(inner)?),
            Op::IsNull(inner) => Ok(self.eval(inner)?.is_null()),
            Op::NotNull(inner) => Ok(!self.eval(inner)?.is_null()),
            Op::Binary(Binary::Eq, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                operate::same_value(self, left, right)
            }
            Op::Binary(Binary::Ne, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                operate::same_value(self, left, right).map(|same| !same)
            }
            _ => match self.eval(node)? {
                Value::Bool(value) => Ok(value),
                other => {
                    let mut thrown = if other.is_null() {
                        throw(error::Class::NullPointer, "Cannot cast null to a primitive type [boolean].")
                    } else {
                        operate::bad_cast(&other, "boolean")
                    };
                    thrown.at = Some(node.at);
                    Err(thrown)
                }
            },
        }
    }

    fn eval_op(&mut self, node: &'a Node) -> Result<Value<'a>, Throw> {
        Ok(match &node.op {
            Op::Path(steps) => return self.path(steps),
            Op::Local(slot) => self.slot(*slot),
            Op::Null => Value::Null,
            Op::Bool(value) => Value::Bool(*value),
            Op::Int(n) => Value::Int(*n),
            Op::Long(n) => Value::Long(*n),
            Op::Float(n) => Value::Float(*n),
            Op::Double(n) => Value::Double(*n),
            Op::Str(text) => Value::Str(text),
            Op::Pattern(pattern) => thing(self.arena, Held::Pattern(pattern)),
            Op::Ctx => Value::Object(self.ctx),
            Op::Params => self.params,
            Op::Field { target, field, safe } => {
                let target = self.eval(target)?;
                return self.field(target, field, *safe);
            }
            Op::Index { target, index } => {
                let target = self.eval(target)?;
                let index = self.eval(index)?;
                return self.index(target, index);
            }
            Op::Call { target, name, args, safe } => {
                let target = self.eval(target)?;
                if target.is_null() {
                    return if *safe { Ok(Value::Null) } else { Err(null_access(name.text())) };
                }
                return self.with_args(args, |m, args| methods::call(m, target, *name, args));
            }
            Op::StaticCall { class, name, args } => {
                return self.with_args(args, |m, args| methods::call_static(m, *class, *name, args));
            }
            Op::UserCall { function, args } => {
                let Some(function) = self.script.functions.get(*function as usize) else { return Ok(Value::Null) };
                return self.with_args(args, |m, args| m.call(function, args, &[]));
            }
            Op::Constant { class, name } => return methods::constant(self, *class, *name),
            Op::New { class, args } => return self.with_args(args, |m, args| methods::construct(m, *class, args)),
            Op::NewException { class, args } => {
                let message = match args.first() {
                    Some(message) => {
                        let value = self.eval(message)?;
                        if value.is_null() { None } else { Some(self.text(&value)?) }
                    }
                    None => None,
                };
                thing(self.arena, Held::Exception { class: *class, message })
            }
            Op::NewArray { element, sizes } => return self.new_array(*element, sizes),
            Op::ArrayOf { element, items } => {
                let list = self.arena.list();
                for item in items {
                    let item = self.eval(item)?;
                    list.push(self.kept(item));
                }
                thing(self.arena, Held::Array { element: *element, list })
            }
            Op::List(items) => {
                self.step(1)?;
                let list = self.arena.list();
                for item in items {
                    let item = self.eval(item)?;
                    list.push(self.kept(item));
                }
                Value::List(list)
            }
            Op::Map(entries) => {
                self.step(1)?;
                let object = self.arena.object();
                for (key, value) in entries {
                    let key = match key {
                        MapKey::Known(key) => key.key(),
                        MapKey::Computed(node) => {
                            let key = self.eval(node)?;
                            self.key(key)?
                        }
                    };
                    let value = self.eval(value)?;
                    object.set(key, self.kept(value));
                }
                Value::Object(object)
            }
            Op::Unary(operator, operand) => {
                let value = self.eval(operand)?;
                return operate::unary(*operator, value);
            }
            Op::Binary(operator, left, right) => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                return operate::binary(self, *operator, left, right);
            }
            Op::And(..) | Op::Or(..) | Op::Not(_) | Op::IsNull(_) | Op::NotNull(_) => Value::Bool(self.test(node)?),
            Op::Condition(test, then, otherwise) => {
                return if self.test(test)? { self.eval(then) } else { self.eval(otherwise) };
            }
            Op::Elvis(left, right) => {
                let value = self.eval(left)?;
                return if value.is_null() { self.eval(right) } else { Ok(value) };
            }
            Op::Cast { to, explicit, value } => {
                let value = self.eval(value)?;
                return operate::cast(self, value, *to, *explicit);
            }
            Op::InstanceOf { class, value } => {
                let value = self.eval(value)?;
                Value::Bool(instance_of(&value, *class))
            }
            Op::InstanceOfException { class, value } => {
                let value = self.eval(value)?;
                Value::Bool(matches!(held(&value), Some(Held::Exception { class: found, .. }) if found.is_a(*class)))
            }
            Op::Assign { place, value } => return self.assign(place, value),
            Op::Compound { place, operator, value, result } => {
                return self.change(place, true, |m, old| {
                    let value = m.eval(value)?;
                    let new = operate::binary(m, *operator, old, value)?;
                    if result.is_def() { Ok(new) } else { operate::cast(m, new, *result, true) }
                });
            }
            Op::Step { place, by, prefix, result } => {
                return self.change(place, *prefix, |m, old| {
                    let new = operate::binary(m, Binary::Add, old, Value::Int(*by))?;
                    let result = if result.is_def() { operate::type_of(&old) } else { *result };
                    operate::cast(m, new, result, true)
                });
            }
            Op::Lambda(_) => self.lambda(&node.op),
            Op::Reference(reference) => {
                let held = match *reference {
                    Reference::Function(index) => Held::FunctionOf(index),
                    Reference::Method { class, name } => Held::MethodOf { class, name },
                    Reference::Bound { slot, name } => Held::Bound { receiver: self.slot(slot), name },
                    Reference::New(class) => Held::Constructor(class),
                };
                thing(self.arena, held)
            }
        })
    }

    /// Evaluates arguments in order; up to four of them without an allocation.
    fn with_args(
        &mut self,
        args: &'a [Node],
        run: impl FnOnce(&mut Self, &[Value<'a>]) -> Result<Value<'a>, Throw>,
    ) -> Result<Value<'a>, Throw> {
        let mut few = [Value::Null; 4];
        if let Some(few) = few.get_mut(..args.len()) {
            for (place, arg) in few.iter_mut().zip(args) {
                *place = self.eval(arg)?;
            }
            return run(self, few);
        }
        let mut many = Vec::with_capacity(args.len());
        for arg in args {
            many.push(self.eval(arg)?);
        }
        run(self, &many)
    }

    fn path(&mut self, steps: &'a [Step]) -> Result<Value<'a>, Throw> {
        let mut value = Value::Object(self.ctx);
        for step in steps {
            value = match value {
                Value::Object(object) => object.get(&step.key.key()).unwrap_or(Value::Null),
                Value::Null if step.safe => Value::Null,
                other => match self.field(other, &step.field, step.safe) {
                    Ok(value) => value,
                    Err(mut thrown) => {
                        thrown.at.get_or_insert(step.at);
                        return Err(thrown);
                    }
                },
            };
        }
        Ok(plain(value))
    }

    fn field(&mut self, target: Value<'a>, field: &'a FieldName, safe: bool) -> Result<Value<'a>, Throw> {
        let name = &*field.key.text;
        match target {
            Value::Object(object) => return Ok(object.get(&field.key.key()).map_or(Value::Null, plain)),
            Value::Null if safe => return Ok(Value::Null),
            Value::Null => return Err(null_access(name)),
            _ => {}
        }
        if let Some(map) = as_map(&target) {
            return Ok(map.object.get(&field.key.key()).map_or(Value::Null, plain));
        }
        if let Some(index) = field.index
            && as_list(&target).is_some()
        {
            return self.index(target, Value::Int(index));
        }
        if let (Some(Held::Array { list, .. }), "length") = (held(&target), name) {
            return Ok(Value::Int(list.len() as i32));
        }
        for getter in [field.getter, field.is_getter].into_iter().flatten() {
            if methods::has(&target, getter, 0) {
                return methods::call(self, target, getter, &[]);
            }
        }
        Err(throw(error::Class::IllegalArgument, format!("dynamic getter [{}, {name}] not found", class_name(&target))))
    }

    pub(super) fn index(&mut self, target: Value<'a>, index: Value<'a>) -> Result<Value<'a>, Throw> {
        if let Some(map) = as_map(&target) {
            let key = self.key(index)?;
            return Ok(map.object.get(&key).map_or(Value::Null, plain));
        }
        let (list, at) = self.element(target, index)?;
        Ok(list.get(at).map_or(Value::Null, plain))
    }

    /// The place that `list[index]` means; a negative index counts from the end.
    fn element(&mut self, target: Value<'a>, index: Value<'a>) -> Result<(&'a crate::event::List<'a>, usize), Throw> {
        let (list, array) = match (as_list(&target), held(&target)) {
            (Some(list), _) => (list, false),
            (None, Some(Held::Array { list, .. })) => (*list, true),
            _ if target.is_null() => return Err(throw_bare(error::Class::NullPointer)),
            _ => {
                let message = format!("Attempting to address a non-array type [{}] as an array.", class_name(&target));
                return Err(throw(error::Class::IllegalArgument, message));
            }
        };
        let Value::Int(index) = operate::cast(self, index, Type::INT, false)? else {
            return Err(throw_bare(error::Class::ClassCast));
        };
        let len = list.len();
        let at = if index < 0 { i64::from(index) + len as i64 } else { i64::from(index) };
        match usize::try_from(at) {
            Ok(at) if at < len => Ok((list, at)),
            _ => {
                let class = if array { error::Class::ArrayIndex } else { error::Class::IndexOutOfBounds };
                Err(throw(class, format!("Index {at} out of bounds for length {len}")))
            }
        }
    }

    fn new_array(&mut self, element: Type, sizes: &'a [Node]) -> Result<Value<'a>, Throw> {
        let mut counts = Vec::new();
        for size in sizes {
            let Value::Int(count) = self.eval(size)? else { return Err(throw_bare(error::Class::ClassCast)) };
            let Ok(count) = u32::try_from(count) else {
                return Err(throw(error::Class::NegativeArraySize, count.to_string()));
            };
            counts.push(count);
        }
        self.fill_array(element, &counts)
    }

    fn fill_array(&mut self, element: Type, counts: &[u32]) -> Result<Value<'a>, Throw> {
        let list = self.arena.list();
        let (count, inner) = counts.split_first().map_or((0, counts), |(count, inner)| (*count, inner));
        let default = if element.is_primitive() { operate::zero(element) } else { Value::Null };
        for _ in 0..count {
            self.step(1)?;
            let item = if inner.is_empty() { default } else { self.fill_array(element.element(), inner)? };
            list.push(self.kept(item));
        }
        Ok(thing(self.arena, Held::Array { element, list }))
    }

    // ---- assignment ----

    fn assign(&mut self, place: &'a Place, value: &'a Node) -> Result<Value<'a>, Throw> {
        match place {
            Place::Local(slot) => {
                let value = self.eval(value)?;
                self.set_slot(*slot, value);
                Ok(value)
            }
            Place::Field { target, field } => {
                let target = self.eval(target)?;
                let value = self.eval(value)?;
                self.set_field(target, field, value)?;
                Ok(value)
            }
            Place::Index { target, index } => {
                let target = self.eval(target)?;
                let index = self.eval(index)?;
                let value = self.eval(value)?;
                self.set_index(target, index, value)?;
                Ok(value)
            }
        }
    }

    /// Reads a place, computes, writes it back; gives the new value or the old one.
    fn change(
        &mut self,
        place: &'a Place,
        give_new: bool,
        compute: impl FnOnce(&mut Self, Value<'a>) -> Result<Value<'a>, Throw>,
    ) -> Result<Value<'a>, Throw> {
        let (old, new) = match place {
            Place::Local(slot) => {
                let old = self.slot(*slot);
                let new = compute(self, old)?;
                self.set_slot(*slot, new);
                (old, new)
            }
            Place::Field { target, field } => {
                let target = self.eval(target)?;
                let old = self.field(target, field, false)?;
                let new = compute(self, old)?;
                self.set_field(target, field, new)?;
                (old, new)
            }
            Place::Index { target, index } => {
                let target = self.eval(target)?;
                let index = self.eval(index)?;
                let old = self.index(target, index)?;
                let new = compute(self, old)?;
                self.set_index(target, index, new)?;
                (old, new)
            }
        };
        Ok(if give_new { new } else { old })
    }

    fn set_field(&mut self, target: Value<'a>, field: &'a FieldName, value: Value<'a>) -> Result<(), Throw> {
        if let Some(map) = as_map(&target) {
            methods::changeable(map.fixed)?;
            let value = self.kept(value);
            self.step(1)?;
            map.object.set(field.key.key(), value);
            return Ok(());
        }
        let name = &*field.key.text;
        if target.is_null() {
            return Err(null_access(name));
        }
        if let Some(index) = field.index {
            return self.set_index(target, Value::Int(index), value);
        }
        if let Some(setter) = field.setter
            && methods::has(&target, setter, 1)
        {
            return methods::call(self, target, setter, &[value]).map(|_| ());
        }
        Err(throw(error::Class::IllegalArgument, format!("dynamic setter [{}, {name}] not found", class_name(&target))))
    }

    fn set_index(&mut self, target: Value<'a>, index: Value<'a>, value: Value<'a>) -> Result<(), Throw> {
        if let Some(map) = as_map(&target) {
            methods::changeable(map.fixed)?;
            let key = self.key(index)?;
            self.step(1 + map.object.len() as u64 / 64)?;
            let value = self.kept(value);
            map.object.set(key, value);
            return Ok(());
        }
        if let Some(Held::Sequence { fixed: true, .. }) = held(&target) {
            return Err(throw_bare(error::Class::UnsupportedOperation));
        }
        let (list, at) = self.element(target, index)?;
        let value = match held(&target) {
            Some(Held::Array { element, .. }) => operate::cast(self, value, *element, false)?,
            _ => value,
        };
        let value = self.kept(value);
        list.set(at, value);
        Ok(())
    }

    pub(super) fn concat(&mut self, left: Value<'a>, right: Value<'a>) -> Result<Value<'a>, Throw> {
        let mut out = String::new();
        self.write_text(&left, &mut out, 0)?;
        self.write_text(&right, &mut out, 0)?;
        self.string(&out)
    }
}
