//! Calls, constructors, lambdas and method references of the syntax tree to nodes.

use super::api::{Class, Name, exists_somewhere};
use super::code::{Lambda, Node, Op, Reference, Stmt, StmtKind};
use super::compile::{Compiler, Frame};
use super::error::{self, CompileError};
use super::lower::Typed;
use super::token::At;
use super::tree::{Expr, ExprKind, LambdaBody, TypeName};
use super::types::Type;

impl Compiler<'_> {
    pub(super) fn call(
        &mut self,
        at: At,
        target: Option<&Expr>,
        name: &str,
        args: &[Expr],
        safe: bool,
    ) -> Result<Typed, CompileError> {
        let Some(target) = target else { return self.own_call(at, name, args) };
        let arity = args.len();
        let known = Name::named(name);
        if let Some(class) = self.static_target(target) {
            let found = known.and_then(|known| Some((known, class.static_method(known, arity)?)));
            let Some((name, result)) = found else {
                return self.fault(at, format!("static method [{}, {name}/{arity}] not found", class.java_name()));
            };
            let args = self.arguments(args)?;
            return Ok((Node { at, op: Op::StaticCall { class, name, args } }, result));
        }
        let (target, from) = self.value(target)?;
        if safe && from.is_primitive() {
            return self.fault(at, "Result of null safe operator must be nullable");
        }
        let found = match known {
            Some(known) => self.member(from, known, arity).map(|result| (known, result)),
            None => None,
        };
        let Some((known, result)) = found else {
            let message = if from.is_def() {
                format!("dynamic method [{name}/{arity}] not found in any class")
            } else {
                format!("member method [{}, {name}/{arity}] not found", from.name())
            };
            return self.fault(at, message);
        };
        let args = self.arguments(args)?;
        let result = if safe && result.is_primitive() && result != Type::VOID { Type::DEF } else { result };
        Ok((Node { at, op: Op::Call { target: Box::new(target), name: known, args, safe } }, result))
    }

    /// The type of what a method gives, with what the receiver's static type tells about it.
    fn member(&self, from: Type, name: Name, arity: usize) -> Option<Type> {
        if from.is_def() {
            return exists_somewhere(name, arity).then_some(Type::DEF);
        }
        if from.dimensions > 0 {
            return Class::Object.method(name, arity);
        }
        let class = from.as_class().or_else(|| boxed(from))?;
        // An object of unknown class is only as good as its static type, as in the original.
        class.method(name, arity)
    }

    fn own_call(&mut self, at: At, name: &str, args: &[Expr]) -> Result<Typed, CompileError> {
        let arity = args.len();
        if let Some(function) = self.named.get(&(name.into(), arity)).copied() {
            let wanted: Vec<Type> = self.signatures[function as usize].params.to_vec();
            let result = self.signatures[function as usize].result;
            let mut nodes = Vec::new();
            for (arg, wanted) in args.iter().zip(wanted) {
                let (node, from) = self.argument(arg)?;
                nodes.push(self.convert(node, from, wanted, false)?);
            }
            return Ok((Node { at, op: Op::UserCall { function, args: nodes.into() } }, result));
        }
        self.fault(at, format!("Unknown call [{name}] with [{arity}] arguments."))
    }

    fn arguments(&mut self, args: &[Expr]) -> Result<Box<[Node]>, CompileError> {
        args.iter().map(|arg| self.argument(arg).map(|(node, _)| node)).collect()
    }

    fn argument(&mut self, arg: &Expr) -> Result<Typed, CompileError> {
        match &arg.kind {
            ExprKind::Lambda { params, body } => self.deeper(|compiler| compiler.lambda(arg.at, params, body)),
            ExprKind::Reference { owner, method } => self.reference(arg.at, owner, method),
            _ => self.value(arg),
        }
    }

    fn lambda(
        &mut self,
        at: At,
        params: &[(Option<TypeName>, Box<str>)],
        body: &LambdaBody,
    ) -> Result<Typed, CompileError> {
        // Its names must not hide those of the enclosing function.
        let sees_context = self.sees_context();
        let mut frame = Frame::new(Type::DEF, sees_context);
        frame.levels = 0;
        self.frames.push(frame);
        let mut classes = Vec::new();
        for (class, name) in params {
            let class = match class {
                Some(class) => self.class(class)?,
                None => Type::DEF,
            };
            if self.frames.iter().rev().skip(1).any(|f| f.variables.iter().any(|v| *v.name == **name)) {
                self.frames.pop();
                return self.fault(at, format!("variable [{name}] is already defined"));
            }
            self.declare(name, class, at)?;
            classes.push(class);
        }
        let body: Box<[Stmt]> = match body {
            LambdaBody::Block(body) => self.statements(body, true)?,
            LambdaBody::Expr(expr) => {
                let (node, class) = self.expression(expr)?;
                let kind = if class == Type::VOID { StmtKind::Expr(node) } else { StmtKind::Return(Some(node)) };
                Box::new([Stmt { at, kind }])
            }
        };
        let captures = std::mem::take(&mut self.frame().captures).into();
        let function = self.finish_frame(classes.into(), body);
        Ok((Node { at, op: Op::Lambda(Box::new(Lambda { function, captures })) }, Type::DEF))
    }

    fn reference(&mut self, at: At, owner: &TypeName, method: &str) -> Result<Typed, CompileError> {
        let missing = |compiler: &Self| {
            let mut owner_name = owner.name.to_string();
            (0..owner.dimensions).for_each(|_| owner_name.push_str("[]"));
            compiler.fault(at, format!("function reference [{owner_name}::{method}] not found"))
        };
        if &*owner.name == "this" {
            let mut found = self.named.iter().filter(|((name, _), _)| **name == *method).map(|(_, index)| *index);
            let (Some(function), None) = (found.next(), found.next()) else { return missing(self) };
            return Ok((Node { at, op: Op::Reference(Reference::Function(function)) }, Type::DEF));
        }
        let reference = if let Some(variable) = self.variable(&owner.name).filter(|_| owner.dimensions == 0) {
            let Some(name) = Name::named(method) else { return missing(self) };
            let exists = (0..=5).any(|arity| self.member(variable.class, name, arity).is_some());
            if !exists {
                return missing(self);
            }
            Reference::Bound { slot: variable.slot, name }
        } else {
            let class = self.class(owner)?;
            if method == "new" {
                let constructible =
                    class.dimensions > 0 || class.as_class().is_some_and(|c| (0..=3).any(|n| c.has_constructor(n)));
                if !constructible {
                    return missing(self);
                }
                Reference::New(class)
            } else {
                let Some(name) = Name::named(method) else { return missing(self) };
                let exists = match class.as_class() {
                    Some(c) => (0..=5).any(|n| c.static_method(name, n).is_some() || c.method(name, n).is_some()),
                    None => class.is_def() && (0..=5).any(|n| exists_somewhere(name, n)),
                };
                if !exists {
                    return missing(self);
                }
                Reference::Method { class, name }
            }
        };
        Ok((Node { at, op: Op::Reference(reference) }, Type::DEF))
    }

    pub(super) fn new_object(&mut self, at: At, name: &TypeName, args: &[Expr]) -> Result<Typed, CompileError> {
        if let Some(class) = error::Class::named(&name.name).filter(|_| name.dimensions == 0) {
            if args.len() > 1 {
                return self.fault(at, format!("constructor [{}, <init>/{}] not found", class.java_name(), args.len()));
            }
            let args = self.arguments(args)?;
            return Ok((Node { at, op: Op::NewException { class, args } }, Type::class(Class::Exception)));
        }
        let class = self.class(name)?;
        let Some(class) = class.as_class().filter(|class| class.has_constructor(args.len())) else {
            return self.fault(at, format!("constructor [{}, <init>/{}] not found", class.name(), args.len()));
        };
        let args = self.arguments(args)?;
        Ok((Node { at, op: Op::New { class, args } }, Type::class(class)))
    }
}

fn boxed(primitive: Type) -> Option<Class> {
    use super::types::Base;
    Some(match primitive.base {
        Base::Boolean => Class::Boolean,
        Base::Byte => Class::Byte,
        Base::Short => Class::Short,
        Base::Char => Class::Character,
        Base::Int => Class::Integer,
        Base::Long => Class::Long,
        Base::Float => Class::Float,
        Base::Double => Class::Double,
        _ => return None,
    })
}
