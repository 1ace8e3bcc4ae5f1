//! `equals` of any two values, as Java's classes define it.

use super::api::Class;
use super::error::{self, Throw, throw};
use super::machine::Machine;
use super::value::{Held, Java, NESTING_LEVELS_MAX, as_list, as_map, class_of, held, plain};
use crate::event::Value;

impl<'a> Machine<'a> {
    /// `a.equals(b)`, nulls included.
    pub(super) fn equals(&mut self, a: &Value<'a>, b: &Value<'a>) -> Result<bool, Throw> {
        self.equals_at(a, b, 0)
    }

    fn equals_at(&mut self, a: &Value<'a>, b: &Value<'a>, level: u32) -> Result<bool, Throw> {
        match (plain(*a), plain(*b)) {
            (Value::Str(a), Value::Str(b)) => Ok(a == b),
            (Value::Null, Value::Null) => Ok(true),
            (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
            (Value::Int(a), Value::Int(b)) => Ok(a == b),
            (Value::Long(a), Value::Long(b)) => Ok(a == b),
            (Value::Float(a), Value::Float(b)) => Ok(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())),
            (Value::Double(a), Value::Double(b)) => Ok(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())),
            (Value::Number(a), Value::Number(b)) => Ok(a == b),
            (Value::Java(Java::Char(a)), Value::Java(Java::Char(b))) => Ok(a == b),
            (Value::Java(Java::Byte(a)), Value::Java(Java::Byte(b))) => Ok(a == b),
            (Value::Java(Java::Short(a)), Value::Java(Java::Short(b))) => Ok(a == b),
            (a, b) => self.equals_deep(a, b, level),
        }
    }

    fn equals_deep(&mut self, a: Value<'a>, b: Value<'a>, level: u32) -> Result<bool, Throw> {
        if level >= NESTING_LEVELS_MAX {
            return Err(throw(error::Class::StackOverflow, "the values to compare nest too deep"));
        }
        if let (Some(a), Some(b)) = (as_list(&a), as_list(&b)) {
            if std::ptr::eq(a, b) {
                return Ok(true);
            }
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                self.step(1)?;
                if !self.equals_at(&a, &b, level + 1)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if let (Some(a), Some(b)) = (as_map(&a), as_map(&b)) {
            if std::ptr::eq(a.object, b.object) {
                return Ok(true);
            }
            if a.object.len() != b.object.len() {
                return Ok(false);
            }
            for (key, value) in a.object.iter() {
                self.step(1)?;
                match b.object.get(&key) {
                    Some(other) if self.equals_at(&value, &other, level + 1)? => {}
                    _ => return Ok(false),
                }
            }
            return Ok(true);
        }
        if class_of(&a).is_a(Class::Set) && class_of(&b).is_a(Class::Set) {
            let (a, b) = (self.items(&a)?, self.items(&b)?);
            if a.len() != b.len() {
                return Ok(false);
            }
            let set = self.arena.object();
            for item in a {
                let key = self.key(item)?;
                set.set(key, Value::Null);
            }
            for item in b {
                let key = self.key(item)?;
                if set.get(&key).is_none() {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        match (held(&a), held(&b)) {
            (Some(a), Some(b)) if std::ptr::eq(a, b) => Ok(true),
            (Some(Held::Entry { key: ka, value: va, .. }), Some(Held::Entry { key: kb, value: vb, .. })) => {
                Ok(self.equals_at(ka, kb, level + 1)? && self.equals_at(&va.get(), &vb.get(), level + 1)?)
            }
            (Some(Held::Pattern(a)), Some(Held::Pattern(b))) => Ok(std::ptr::eq(*a, *b)),
            (Some(Held::Uuid(a)), Some(Held::Uuid(b))) => Ok(a == b),
            (Some(Held::Moment(a)), Some(Held::Moment(b))) => Ok(a.at == b.at && a.zone == b.zone),
            (Some(Held::Span(a)), Some(Held::Span(b))) | (Some(Held::Unit(a)), Some(Held::Unit(b))) => Ok(a == b),
            (Some(Held::Zone(a)), Some(Held::Zone(b))) => Ok(a == b),
            (Some(Held::Local(a)), Some(Held::Local(b))) => Ok(a == b),
            (Some(Held::Field(a)), Some(Held::Field(b))) => Ok(a == b),
            (Some(Held::Date(a)), Some(Held::Date(b))) => Ok(a == b),
            (Some(Held::Optional { value: a, .. }), Some(Held::Optional { value: b, .. })) => match (a, b) {
                (Some(a), Some(b)) => self.equals_at(a, b, level + 1),
                (a, b) => Ok(a.is_none() && b.is_none()),
            },
            _ => Ok(false),
        }
    }
}
