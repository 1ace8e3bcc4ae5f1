//! Static types: the primitives, `def`, and the classes of [`super::api`], arrays of each.
//!
//! Types are checked as far as a wrong script must be refused at load: names, methods of receivers whose class is known, assignments that can never
//! succeed. Everything else is decided by the values at run time, which carry Java's types with them.

use super::api::Class;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Base {
    Def,
    Void,
    Boolean,
    Byte,
    Short,
    Char,
    Int,
    Long,
    Float,
    Double,
    Class(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Type {
    pub base: Base,
    /// The number of `[]`.
    pub dimensions: u8,
}

impl Type {
    pub(super) const DEF: Type = Type::of(Base::Def);
    pub(super) const VOID: Type = Type::of(Base::Void);
    pub(super) const BOOLEAN: Type = Type::of(Base::Boolean);
    pub(super) const INT: Type = Type::of(Base::Int);
    pub(super) const LONG: Type = Type::of(Base::Long);
    pub(super) const FLOAT: Type = Type::of(Base::Float);
    pub(super) const DOUBLE: Type = Type::of(Base::Double);
    pub(super) const BYTE: Type = Type::of(Base::Byte);
    pub(super) const CHAR: Type = Type::of(Base::Char);
    pub(super) const STRING: Type = Type::class(Class::String);

    pub(super) const fn of(base: Base) -> Type {
        Type { base, dimensions: 0 }
    }

    pub(super) const fn class(class: Class) -> Type {
        Type::of(Base::Class(class))
    }

    /// The types that are words of the language.
    pub(super) fn primitive(name: &str) -> Option<Type> {
        Some(Type::of(match name {
            "def" => Base::Def,
            "void" => Base::Void,
            "boolean" => Base::Boolean,
            "byte" => Base::Byte,
            "short" => Base::Short,
            "char" => Base::Char,
            "int" => Base::Int,
            "long" => Base::Long,
            "float" => Base::Float,
            "double" => Base::Double,
            _ => return None,
        }))
    }

    pub(super) fn named(name: &str, dimensions: u32) -> Option<Type> {
        let known = Type::primitive(name).or_else(|| Class::named(name).map(Type::class))?;
        Some(Type { base: known.base, dimensions: u8::try_from(dimensions).ok()? })
    }

    pub(super) fn is_def(self) -> bool {
        self == Type::DEF
    }

    pub(super) fn is_primitive(self) -> bool {
        self.dimensions == 0 && !matches!(self.base, Base::Def | Base::Class(_))
    }

    pub(super) fn is_number(self) -> bool {
        self.is_primitive() && !matches!(self.base, Base::Void | Base::Boolean)
    }

    pub(super) fn as_class(self) -> Option<Class> {
        match self.base {
            Base::Class(class) if self.dimensions == 0 => Some(class),
            _ => None,
        }
    }

    pub(super) fn element(self) -> Type {
        Type { base: self.base, dimensions: self.dimensions.saturating_sub(1) }
    }

    /// The primitive behind `Integer` and its like.
    pub(super) fn unboxed(self) -> Type {
        let base = match self.as_class() {
            Some(Class::Boolean) => Base::Boolean,
            Some(Class::Byte) => Base::Byte,
            Some(Class::Short) => Base::Short,
            Some(Class::Character) => Base::Char,
            Some(Class::Integer) => Base::Int,
            Some(Class::Long) => Base::Long,
            Some(Class::Float) => Base::Float,
            Some(Class::Double) => Base::Double,
            _ => return self,
        };
        Type::of(base)
    }

    /// As error messages show it: `java.util.List`, `int[]`, `def`.
    pub(super) fn name(self) -> String {
        let mut name = match self.base {
            Base::Def => "def".to_owned(),
            Base::Void => "void".to_owned(),
            Base::Boolean => "boolean".to_owned(),
            Base::Byte => "byte".to_owned(),
            Base::Short => "short".to_owned(),
            Base::Char => "char".to_owned(),
            Base::Int => "int".to_owned(),
            Base::Long => "long".to_owned(),
            Base::Float => "float".to_owned(),
            Base::Double => "double".to_owned(),
            Base::Class(class) => class.java_name().to_owned(),
        };
        for _ in 0..self.dimensions {
            name.push_str("[]");
        }
        name
    }

    /// Whether a value of this type can be given where `to` is wanted, without a cast that the script writes itself.
    pub(super) fn assignable_to(self, to: Type) -> bool {
        if self == to || self.is_def() || to.is_def() {
            return self != Type::VOID && to != Type::VOID;
        }
        if self.dimensions > 0 || to.dimensions > 0 {
            return to == Type::class(Class::Object);
        }
        let (from_value, to_value) = (self.unboxed(), to.unboxed());
        if from_value.is_number() && to_value.is_number() {
            return widens(from_value.base, to_value.base);
        }
        if from_value == Type::BOOLEAN && to_value == Type::BOOLEAN {
            return true;
        }
        match (self.base, to.base) {
            (Base::Class(from), Base::Class(to)) => from.is_a(to),
            // A primitive is boxed where an object is wanted.
            (_, Base::Class(Class::Object)) => true,
            (from, Base::Class(Class::Number)) => !matches!(from, Base::Boolean | Base::Char | Base::Void),
            (from, Base::Class(Class::Comparable)) => from != Base::Void,
            (Base::Class(Class::Object | Class::Number), _) => false,
            _ => false,
        }
    }

    /// Whether the script may write the cast: everything but what can never succeed.
    pub(super) fn castable_to(self, to: Type) -> bool {
        if self.assignable_to(to) || to.assignable_to(self) {
            return true;
        }
        if self == Type::VOID || to == Type::VOID {
            return false;
        }
        let (from_value, to_value) = (self.unboxed(), to.unboxed());
        if from_value.is_number() && to_value.is_number() {
            return true;
        }
        match (self.base, to.base) {
            (Base::Class(Class::String), Base::Char) | (Base::Char, Base::Class(Class::String)) => true,
            (Base::Class(Class::Object | Class::Number), _) if to.is_primitive() => true,
            (Base::Class(from), Base::Class(to)) => from.is_interface() || to.is_interface(),
            _ => false,
        }
    }
}

/// Java's widening conversions of numbers.
fn widens(from: Base, to: Base) -> bool {
    let rank = |base| match base {
        Base::Byte => 1,
        Base::Short | Base::Char => 2,
        Base::Int => 3,
        Base::Long => 4,
        Base::Float => 5,
        Base::Double => 6,
        _ => 0,
    };
    from == to || (rank(from) < rank(to) && to != Base::Char)
}
