//! Expressions of the syntax tree to nodes with a static type: names, operators, conversions. Calls are in [`super::call`].

use super::api::{Class, Name};
use super::code::{FieldName, MapKey, Node, Op, Place, Step};
use super::compile::Compiler;
use super::error::{self, CompileError};
use super::token::At;
use super::tree::{Binary, Expr, ExprKind, Unary};
use super::types::{Base, Type};

pub(super) type Typed = (Node, Type);

impl Compiler<'_> {
    pub(super) fn expression(&mut self, expr: &Expr) -> Result<Typed, CompileError> {
        self.deeper(|compiler| compiler.lower(expr))
    }

    /// An expression that must give a boolean.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<Node, CompileError> {
        let (node, class) = self.expression(expr)?;
        self.convert(node, class, Type::BOOLEAN, false)
    }

    fn lower(&mut self, expr: &Expr) -> Result<Typed, CompileError> {
        let at = expr.at;
        let (op, class) = match &expr.kind {
            ExprKind::Null => (Op::Null, Type::DEF),
            ExprKind::Bool(value) => (Op::Bool(*value), Type::BOOLEAN),
            ExprKind::Int(n) => match i32::try_from(*n) {
                Ok(n) => (Op::Int(n), Type::INT),
                Err(_) => return self.fault(at, format!("Invalid int constant [{n}].")),
            },
            ExprKind::Long(n) => (Op::Long(*n), Type::LONG),
            ExprKind::Float(n) => (Op::Float(*n), Type::FLOAT),
            ExprKind::Double(n) => (Op::Double(*n), Type::DOUBLE),
            ExprKind::Str(text) => (Op::Str(text.clone()), Type::STRING),
            ExprKind::Regex { pattern, flags } => {
                let pattern = super::regex::Pattern::compile(pattern, flags)
                    .map_err(|reason| CompileError::new(self.source, at, format!("Error compiling regex: {reason}")))?;
                (Op::Pattern(Box::new(pattern)), Type::class(Class::Pattern))
            }
            ExprKind::Name(name) => return self.name(at, name),
            ExprKind::List(items) => {
                let items =
                    items.iter().map(|item| self.value(item).map(|(node, _)| node)).collect::<Result<_, _>>()?;
                (Op::List(items), Type::class(Class::List))
            }
            ExprKind::Map(entries) => (self.map(entries)?, Type::class(Class::Map)),
            ExprKind::New { class, args } => return self.new_object(at, class, args),
            ExprKind::NewArray { class, sizes } => {
                let class = self.class(class)?;
                let mut nodes = Vec::new();
                for size in sizes {
                    let (node, from) = self.value(size)?;
                    nodes.push(self.convert(node, from, Type::INT, false)?);
                }
                (Op::NewArray { element: class.element(), sizes: nodes.into() }, class)
            }
            ExprKind::ArrayOf { class, items } => {
                let class = self.class(class)?;
                let mut nodes = Vec::new();
                for item in items {
                    let (node, from) = self.value(item)?;
                    nodes.push(self.convert(node, from, class.element(), false)?);
                }
                (Op::ArrayOf { element: class.element(), items: nodes.into() }, class)
            }
            ExprKind::Field { target, name, safe } => return self.field(at, target, name, *safe),
            ExprKind::Index { target, index } => {
                let (target, index, class) = self.index(target, index)?;
                (Op::Index { target, index }, class)
            }
            ExprKind::Call { target, name, args, safe } => return self.call(at, target.as_deref(), name, args, *safe),
            ExprKind::Unary(operator, operand) => self.unary(at, *operator, operand)?,
            ExprKind::Binary(operator, left, right) => self.binary(at, *operator, left, right)?,
            ExprKind::Assign { operator, target, value } => self.assign(at, *operator, target, value)?,
            ExprKind::Step { target, by, prefix } => {
                let (place, class) = self.place(target)?;
                if !class.is_def() && !class.unboxed().is_number() {
                    return self.fault(at, format!("cannot apply [++] or [--] to type [{}]", class.name()));
                }
                (Op::Step { place, by: *by, prefix: *prefix, result: class }, class)
            }
            ExprKind::Condition(test, then, otherwise) => {
                let test = self.condition(test)?;
                let (then, left) = self.value(then)?;
                let (otherwise, right) = self.value(otherwise)?;
                let class = common(left, right);
                let then = self.convert(then, left, class, false)?;
                let otherwise = self.convert(otherwise, right, class, false)?;
                (Op::Condition(Box::new(test), Box::new(then), Box::new(otherwise)), class)
            }
            ExprKind::Elvis(left, right) => {
                let (left, from) = self.value(left)?;
                if from.is_primitive() {
                    return self.fault(at, "Extraneous elvis operator. LHS is a primitive.");
                }
                if matches!(left.op, Op::Null) {
                    return self.fault(at, "Extraneous elvis operator. LHS is null.");
                }
                let (right, to) = self.value(right)?;
                if matches!(right.op, Op::Null) {
                    return self.fault(at, "Extraneous elvis operator. RHS is null.");
                }
                let class = common(from, to);
                (Op::Elvis(Box::new(left), Box::new(right)), class)
            }
            ExprKind::Cast(class, value) => {
                let class = self.class(class)?;
                let (node, from) = self.value(value)?;
                let mut node = self.convert(node, from, class, true)?;
                node.at = at;
                return Ok((node, class));
            }
            ExprKind::InstanceOf(value, class) => {
                let exception = error::Class::named(&class.name);
                let (value, _) = self.value(value)?;
                let value = Box::new(value);
                match exception {
                    Some(class) => (Op::InstanceOfException { class, value }, Type::BOOLEAN),
                    None => (Op::InstanceOf { class: self.class(class)?, value }, Type::BOOLEAN),
                }
            }
            ExprKind::Lambda { .. } | ExprKind::Reference { .. } => {
                return self.fault(at, "a lambda or method reference can only be an argument");
            }
        };
        Ok((Node { at, op }, class))
    }

    /// An expression that must give something.
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Typed, CompileError> {
        let (node, class) = self.expression(expr)?;
        if class == Type::VOID {
            self.fault(expr.at, "this gives no value that could be used")
        } else {
            Ok((node, class))
        }
    }

    fn name(&mut self, at: At, name: &str) -> Result<Typed, CompileError> {
        if let Some(variable) = self.variable(name) {
            return Ok((Node { at, op: Op::Local(variable.slot) }, variable.class));
        }
        let op = match name {
            "ctx" if self.sees_context() => Op::Ctx,
            "params" if self.sees_context() => Op::Params,
            _ => return self.fault(at, format!("cannot resolve symbol [{name}]")),
        };
        Ok((Node { at, op }, Type::class(Class::Map)))
    }

    pub(super) fn sees_context(&self) -> bool {
        self.frames.first().is_some_and(|frame| frame.sees_context)
    }

    fn map(&mut self, entries: &[(Expr, Expr)]) -> Result<Op, CompileError> {
        let mut nodes = Vec::new();
        for (key, value) in entries {
            let key = match &key.kind {
                ExprKind::Str(text) => MapKey::Known(self.key(text)),
                _ => MapKey::Computed(self.value(key)?.0),
            };
            nodes.push((key, self.value(value)?.0));
        }
        Ok(Op::Map(nodes.into()))
    }

    /// The class that an expression names, when it is not a variable: `Math`, `java.time.Instant`, `Map.Entry`.
    pub(super) fn static_target(&mut self, expr: &Expr) -> Option<Class> {
        fn path(expr: &Expr, out: &mut String) -> bool {
            match &expr.kind {
                ExprKind::Name(name) => {
                    out.push_str(name);
                    true
                }
                ExprKind::Field { target, name, safe: false } if path(target, out) => {
                    out.push('.');
                    out.push_str(name);
                    true
                }
                _ => false,
            }
        }
        let mut name = String::new();
        if !path(expr, &mut name) {
            return None;
        }
        let root = name.split('.').next().unwrap_or_default();
        if matches!(root, "ctx" | "params") || self.variable(root).is_some() {
            return None;
        }
        Type::named(&name, 0).and_then(Type::as_class)
    }

    pub(super) fn field_name(&mut self, name: &str) -> FieldName {
        let mut capital = name.to_owned();
        if let Some(first) = capital.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        FieldName {
            key: self.key(name),
            index: name.parse().ok(),
            getter: Name::named(&format!("get{capital}")),
            is_getter: Name::named(&format!("is{capital}")),
            setter: Name::named(&format!("set{capital}")),
        }
    }

    fn field(&mut self, at: At, target: &Expr, name: &str, safe: bool) -> Result<Typed, CompileError> {
        if let Some(class) = self.static_target(target) {
            let found = Name::named(name).and_then(|constant| Some((constant, class.constant(constant)?)));
            let Some((name, result)) = found else {
                return self.fault(at, format!("static field [{}, {name}] not found", class.java_name()));
            };
            return Ok((Node { at, op: Op::Constant { class, name } }, result));
        }
        let (target, from) = self.value(target)?;
        if safe && from.is_primitive() {
            return self.fault(at, "Result of null safe operator must be nullable");
        }
        let field = self.field_name(name);
        let class = self.field_class(at, from, &field)?;
        // A null before `?.` makes the result null, whatever the field's own type.
        let class = if safe && class.is_primitive() { Type::DEF } else { class };
        let step = Step { key: self.key(name), safe, field: Box::new(self.field_name(name)), at };
        let op = match target.op {
            Op::Ctx if field.getter.is_none() || from.as_class() == Some(Class::Map) => Op::Path(Box::new([step])),
            Op::Path(steps) => Op::Path(steps.into_vec().into_iter().chain([step]).collect()),
            op => Op::Field { target: Box::new(Node { at: target.at, op }), field: Box::new(field), safe },
        };
        Ok((Node { at, op }, class))
    }

    fn field_class(&self, at: At, from: Type, field: &FieldName) -> Result<Type, CompileError> {
        if from.is_def() {
            return Ok(Type::DEF);
        }
        let name = &field.key.text;
        let missing = |compiler: &Self| compiler.fault(at, format!("field [{}, {name}] not found", from.name()));
        if from.dimensions > 0 {
            return if &**name == "length" { Ok(Type::INT) } else { missing(self) };
        }
        let Some(class) = from.as_class() else { return missing(self) };
        let getter = field.getter.and_then(|getter| class.method(getter, 0));
        if let Some(found) = getter.or_else(|| field.is_getter.and_then(|getter| class.method(getter, 0))) {
            return Ok(found);
        }
        let by_key = class.is_a(Class::Map) || (class.is_a(Class::List) && field.index.is_some());
        if by_key { Ok(Type::DEF) } else { missing(self) }
    }

    fn index(&mut self, target: &Expr, index: &Expr) -> Result<(Box<Node>, Box<Node>, Type), CompileError> {
        let at = target.at;
        let (target, from) = self.value(target)?;
        let (index, by) = self.value(index)?;
        let class = if from.is_def() {
            Type::DEF
        } else if from.dimensions > 0 {
            from.element()
        } else if from.as_class().is_some_and(|c| c.is_a(Class::Map) || c.is_a(Class::List)) {
            Type::DEF
        } else {
            return self
                .fault(at, format!("Attempting to address a non-array-like type [{}] as an array.", from.name()));
        };
        let by_number = from.dimensions > 0 || from.as_class().is_some_and(|c| c.is_a(Class::List));
        let index = if by_number { self.convert(index, by, Type::INT, false)? } else { index };
        Ok((Box::new(target), Box::new(index), class))
    }

    // ---- operators ----

    fn unary(&mut self, at: At, operator: Unary, operand: &Expr) -> Result<(Op, Type), CompileError> {
        if operator == Unary::Not {
            let operand = self.condition(operand)?;
            return Ok((Op::Not(Box::new(operand)), Type::BOOLEAN));
        }
        let (node, class) = self.value(operand)?;
        let number = class.unboxed();
        if class.is_def() {
            return Ok((Op::Unary(operator, Box::new(node)), Type::DEF));
        }
        let whole = !matches!(number.base, Base::Float | Base::Double);
        if !number.is_number() || (operator == Unary::BitNot && !whole) {
            let sign = match operator {
                Unary::BitNot => "~",
                Unary::Plus => "+",
                Unary::Minus | Unary::Not => "-",
            };
            return self.fault(at, format!("cannot apply the {sign} operator to the type [{}]", class.name()));
        }
        Ok((Op::Unary(operator, Box::new(node)), promote(number, Type::INT)))
    }

    fn binary(&mut self, at: At, operator: Binary, left: &Expr, right: &Expr) -> Result<(Op, Type), CompileError> {
        match operator {
            Binary::And => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                return Ok((Op::And(Box::new(left), Box::new(right)), Type::BOOLEAN));
            }
            Binary::Or => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                return Ok((Op::Or(Box::new(left), Box::new(right)), Type::BOOLEAN));
            }
            _ => {}
        }
        let (left, from) = self.value(left)?;
        let (right, to) = self.value(right)?;
        if matches!(operator, Binary::Eq | Binary::Ne) {
            let is = operator == Binary::Eq;
            let other = match (&left.op, &right.op) {
                (_, Op::Null) => Some((&left, from)),
                (Op::Null, _) => Some((&right, to)),
                _ => None,
            };
            if let Some((_, class)) = other
                && class.is_primitive()
            {
                return self.fault(at, format!("cannot compare type [{}] with null", class.name()));
            }
            if matches!(right.op, Op::Null) {
                let left = Box::new(left);
                return Ok((if is { Op::IsNull(left) } else { Op::NotNull(left) }, Type::BOOLEAN));
            }
        }
        let Some(class) = result(operator, from, to) else {
            let message =
                format!("Cannot apply [{}] operation to types [{}] and [{}].", operator.sign(), from.name(), to.name());
            return self.fault(at, message);
        };
        Ok((Op::Binary(operator, Box::new(left), Box::new(right)), class))
    }

    fn place(&mut self, target: &Expr) -> Result<(Place, Type), CompileError> {
        match &target.kind {
            ExprKind::Name(name) => match self.variable(name) {
                Some(variable) if variable.captured => {
                    self.fault(target.at, format!("Variable [{name}] is read-only."))
                }
                Some(variable) => Ok((Place::Local(variable.slot), variable.class)),
                None if matches!(&**name, "ctx" | "params") && self.sees_context() => {
                    self.fault(target.at, format!("Variable [{name}] is read-only."))
                }
                None => self.fault(target.at, format!("cannot resolve symbol [{name}]")),
            },
            ExprKind::Field { target: of, name, safe } => {
                if *safe {
                    return self.fault(target.at, "cannot assign a value to a null safe access");
                }
                let (of, from) = self.value(of)?;
                let field = self.field_name(name);
                let class = match from.as_class() {
                    _ if from.is_def() => Type::DEF,
                    Some(class) if class.is_a(Class::Map) || (class.is_a(Class::List) && field.index.is_some()) => {
                        Type::DEF
                    }
                    Some(class) if field.setter.is_some_and(|setter| class.method(setter, 1).is_some()) => {
                        field.getter.and_then(|getter| class.method(getter, 0)).unwrap_or(Type::DEF)
                    }
                    _ => return self.fault(target.at, format!("field [{}, {name}] not found", from.name())),
                };
                Ok((Place::Field { target: Box::new(of), field: Box::new(field) }, class))
            }
            ExprKind::Index { target: of, index } => {
                let (target, index, class) = self.index(of, index)?;
                Ok((Place::Index { target, index }, class))
            }
            _ => self.fault(target.at, "cannot assign a value to this"),
        }
    }

    fn assign(
        &mut self,
        at: At,
        operator: Option<Binary>,
        target: &Expr,
        value: &Expr,
    ) -> Result<(Op, Type), CompileError> {
        let (place, class) = self.place(target)?;
        let (value, from) = self.value(value)?;
        let Some(operator) = operator else {
            let value = self.convert(value, from, class, false)?;
            return Ok((Op::Assign { place, value: Box::new(value) }, class));
        };
        if result(operator, class, from).is_none() {
            let message = format!(
                "Cannot apply [{}] operation to types [{}] and [{}].",
                operator.sign(),
                class.name(),
                from.name()
            );
            return self.fault(at, message);
        }
        Ok((Op::Compound { place, operator, value: Box::new(value), result: class }, class))
    }

    // ---- conversions ----

    /// Makes `node` give a `to`, or says that it never can.
    pub(super) fn convert(&mut self, node: Node, from: Type, to: Type, explicit: bool) -> Result<Node, CompileError> {
        if from == to || (to.is_def() && from != Type::VOID) {
            return Ok(node);
        }
        let possible =
            if explicit { from.castable_to(to) } else { from.assignable_to(to) || one_char(&node, from, to) };
        if !possible || (matches!(node.op, Op::Null) && to.is_primitive()) {
            let from = if matches!(node.op, Op::Null) { "null".to_owned() } else { from.name() };
            return self.fault(node.at, format!("Cannot cast from [{from}] to [{}].", to.name()));
        }
        // A class that is known to fit needs no look at run time.
        if !from.is_def() && to.as_class().is_some() && from.assignable_to(to) && !to.unboxed().is_number() {
            return Ok(node);
        }
        Ok(Node { at: node.at, op: Op::Cast { to, explicit, value: Box::new(node) } })
    }

    /// What a variable holds that was declared without a value.
    pub(super) fn default_of(&self, class: Type, at: At) -> Node {
        let zero = Node { at, op: Op::Int(0) };
        let op = match class.base {
            _ if !class.is_primitive() => Op::Null,
            Base::Boolean => Op::Bool(false),
            Base::Int => Op::Int(0),
            Base::Long => Op::Long(0),
            Base::Float => Op::Float(0.0),
            Base::Double => Op::Double(0.0),
            _ => Op::Cast { to: class, explicit: true, value: Box::new(zero) },
        };
        Node { at, op }
    }
}

/// `char c = 'x'`: a constant of one character.
fn one_char(node: &Node, from: Type, to: Type) -> bool {
    from == Type::STRING && to == Type::CHAR && matches!(&node.op, Op::Str(text) if text.encode_utf16().count() == 1)
}

fn promote(left: Type, right: Type) -> Type {
    for base in [Base::Double, Base::Float, Base::Long] {
        if left.base == base || right.base == base {
            return Type::of(base);
        }
    }
    Type::INT
}

/// The static type of both branches of a condition.
fn common(left: Type, right: Type) -> Type {
    if left == right {
        return left;
    }
    let (a, b) = (left.unboxed(), right.unboxed());
    if left.is_primitive() && right.is_primitive() && a.is_number() && b.is_number() {
        return promote(a, b);
    }
    Type::DEF
}

/// The static type of an operation; `None` when Java has no such operation.
fn result(operator: Binary, left: Type, right: Type) -> Option<Type> {
    let dynamic = left.is_def() || right.is_def();
    let (a, b) = (left.unboxed(), right.unboxed());
    let numbers = a.is_number() && b.is_number();
    let whole = |t: Type| t.is_number() && !matches!(t.base, Base::Float | Base::Double);
    let booleans = a == Type::BOOLEAN && b == Type::BOOLEAN;
    match operator {
        Binary::Add if left == Type::STRING || right == Type::STRING => Some(Type::STRING),
        Binary::Mul | Binary::Div | Binary::Rem | Binary::Add | Binary::Sub => {
            if dynamic {
                Some(Type::DEF)
            } else {
                numbers.then(|| promote(a, b))
            }
        }
        Binary::Shl | Binary::Shr | Binary::Ushr => {
            if dynamic {
                Some(Type::DEF)
            } else {
                (whole(a) && whole(b)).then(|| promote(a, Type::INT))
            }
        }
        Binary::BitAnd | Binary::BitXor | Binary::BitOr => {
            if dynamic {
                Some(Type::DEF)
            } else if booleans {
                Some(Type::BOOLEAN)
            } else {
                (whole(a) && whole(b)).then(|| promote(a, b))
            }
        }
        Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => (dynamic || numbers).then_some(Type::BOOLEAN),
        Binary::Find | Binary::Match => {
            let pattern = right.is_def() || right == Type::class(Class::Pattern);
            let text = !left.is_primitive();
            (pattern && text).then_some(Type::BOOLEAN)
        }
        Binary::Eq | Binary::Ne | Binary::Same | Binary::NotSame => {
            let comparable = dynamic || numbers || booleans || (!left.is_primitive() && !right.is_primitive());
            (comparable || left == Type::class(Class::Object) || right == Type::class(Class::Object))
                .then_some(Type::BOOLEAN)
        }
        Binary::And | Binary::Or => Some(Type::BOOLEAN),
    }
}
