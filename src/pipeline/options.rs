//! A processor's settings, read strictly: an option that nobody reads, a wrong type or a missing one is a fault at its line and column.
//!
//! Names, types and defaults are the originals'. A builder reads what it knows; [`Options::unread`] are the faults for the rest.

use crate::event::Symbols;
use crate::painless;
use crate::settings::fault;

use super::load::Build;
use super::path::FieldPath;
use super::processors::Resources;
use super::processors::script::Script;
use super::run::{PipelineId, Step};
use super::source::{Fault, Node, Position, Tree};
use super::template::{FieldName, Literal, Template};

pub struct Options<'o, 'b> {
    processor: &'o str,
    at: &'o Position,
    node: &'o Node,
    read: Vec<&'o str>,
    build: &'o mut Build<'b>,
}

impl<'o, 'b> Options<'o, 'b> {
    pub fn new(processor: &'o str, at: &'o Position, node: &'o Node, build: &'o mut Build<'b>) -> Self {
        Self { processor, at, node, read: Vec::new(), build }
    }

    /// The type of the processor these are for; one builder may serve several names.
    pub fn processor(&self) -> &'o str {
        self.processor
    }

    pub fn symbols(&mut self) -> &mut Symbols {
        self.build.symbols
    }

    pub fn resources(&self) -> &'b Resources {
        self.build.resources
    }

    /// The option as it stands in the file; `None` when it is missing or null.
    pub fn node(&mut self, name: &'static str) -> Option<&'o Node> {
        self.read.push(name);
        self.node.get(name).filter(|node| !matches!(node.tree, Tree::Null))
    }

    /// Whether the option is given, null included; does not count as reading it.
    pub fn has(&self, name: &str) -> bool {
        self.node.get(name).is_some()
    }

    /// A fault at an option's value, or at the processor when the option is not there.
    pub fn fault(&self, name: &str, what: impl std::fmt::Display) -> Fault {
        let at = self.node.get(name).map_or(self.at, |node| &node.at);
        at.fault(format!("{}: `{name}` {what}", self.processor))
    }

    fn missing(&self, name: &str) -> Fault {
        self.at.fault(format!("{}: the option `{name}` is missing", self.processor))
    }

    pub fn text(&mut self, name: &'static str) -> Result<&'o str, Fault> {
        self.optional_text(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn optional_text(&mut self, name: &'static str) -> Result<Option<&'o str>, Fault> {
        match self.node(name) {
            None => Ok(None),
            Some(node) => match &node.tree {
                Tree::Text(text) => Ok(Some(text)),
                _ => Err(self.fault(name, format_args!("must be text, not {}", node.kind()))),
            },
        }
    }

    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool, Fault> {
        match self.node(name) {
            None => Ok(default),
            Some(Node { tree: Tree::Bool(flag), .. }) => Ok(*flag),
            // Mistakes of this kind stand in many pipelines, and both products take them.
            Some(Node { tree: Tree::Text(text), .. }) if text == "true" => Ok(true),
            Some(Node { tree: Tree::Text(text), .. }) if text == "false" => Ok(false),
            Some(node) => Err(self.fault(name, format_args!("must be true or false, not {}", node.kind()))),
        }
    }

    /// A whole number, also when it is written as text.
    pub fn optional_integer(&mut self, name: &'static str) -> Result<Option<i64>, Fault> {
        match self.node(name) {
            None => Ok(None),
            Some(Node { tree: Tree::Int(n), .. }) => Ok(Some(*n)),
            Some(Node { tree: Tree::Text(text), .. }) if text.parse::<i64>().is_ok() => Ok(text.parse().ok()),
            Some(node) => Err(self.fault(name, format_args!("must be a whole number, not {}", node.kind()))),
        }
    }

    /// A list of texts.
    pub fn optional_texts(&mut self, name: &'static str) -> Result<Option<Vec<&'o str>>, Fault> {
        let Some(node) = self.node(name) else { return Ok(None) };
        let texts = match &node.tree {
            Tree::List(items) => items.iter().map(Node::text).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        texts.map(Some).ok_or_else(|| self.fault(name, "must be a list of texts"))
    }

    pub fn texts(&mut self, name: &'static str) -> Result<Vec<&'o str>, Fault> {
        self.optional_texts(name)?.ok_or_else(|| self.missing(name))
    }

    /// One text, or a list of them.
    pub fn optional_text_or_texts(&mut self, name: &'static str) -> Result<Option<Vec<&'o str>>, Fault> {
        match self.node(name) {
            Some(Node { tree: Tree::Text(text), .. }) => Ok(Some(vec![text])),
            _ => self.optional_texts(name),
        }
    }

    /// A map from texts to texts, in the file's order.
    pub fn optional_text_map(&mut self, name: &'static str) -> Result<Option<Vec<(&'o str, &'o str)>>, Fault> {
        let Some(node) = self.node(name) else { return Ok(None) };
        let entries = node.map().and_then(|entries| {
            entries.iter().map(|(key, node)| Some((key.text.as_str(), node.text()?))).collect::<Option<Vec<_>>>()
        });
        entries.map(Some).ok_or_else(|| self.fault(name, "must be a map from names to texts"))
    }

    /// A field's path that takes no templates.
    pub fn path(&mut self, name: &'static str) -> Result<FieldPath, Fault> {
        self.optional_path(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn optional_path(&mut self, name: &'static str) -> Result<Option<FieldPath>, Fault> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        self.compile_path(name, text).map(Some)
    }

    /// The path of the option `name`, or of a default.
    pub fn path_or(&mut self, name: &'static str, default: &str) -> Result<FieldPath, Fault> {
        match self.optional_path(name)? {
            Some(path) => Ok(path),
            None => self.compile_path(name, default),
        }
    }

    /// The path that `text`, a part of the option `name`, names.
    pub fn compile_path(&mut self, name: &str, text: &str) -> Result<FieldPath, Fault> {
        FieldPath::compile(text, self.build.symbols).map_err(|e| self.fault(name, format_args!("names no field: {e}")))
    }

    /// A field's name that may be a template.
    pub fn field_name(&mut self, name: &'static str) -> Result<FieldName, Fault> {
        self.optional_field_name(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn optional_field_name(&mut self, name: &'static str) -> Result<Option<FieldName>, Fault> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        self.compile_field_name(name, text).map(Some)
    }

    pub fn compile_field_name(&mut self, name: &str, text: &str) -> Result<FieldName, Fault> {
        FieldName::compile(text, self.build.symbols).map_err(|e| self.fault(name, format_args!("names no field: {e}")))
    }

    pub fn template(&mut self, name: &'static str) -> Result<Template, Fault> {
        self.optional_template(name)?.ok_or_else(|| self.missing(name))
    }

    pub fn optional_template(&mut self, name: &'static str) -> Result<Option<Template>, Fault> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        Template::compile(text, self.build.symbols)
            .map(Some)
            .map_err(|e| self.fault(name, format_args!("is no valid template: {e}")))
    }

    /// Any value, templates in its texts.
    pub fn optional_literal(&mut self, name: &'static str) -> Result<Option<Literal>, Fault> {
        self.read.push(name);
        let Some(node) = self.node.get(name) else { return Ok(None) };
        Literal::compile(node, self.build.symbols)
            .map(Some)
            .map_err(|e| self.fault(name, format_args!("holds no valid template: {e}")))
    }

    pub fn literal(&mut self, name: &'static str) -> Result<Literal, Fault> {
        self.optional_literal(name)?.ok_or_else(|| self.missing(name))
    }

    /// The one processor that stands as a map under the option `name`.
    pub fn processor_in(&mut self, name: &'static str) -> Result<Step, Fault> {
        let Some(node) = self.node(name) else { return Err(self.missing(name)) };
        self.build.only_step(node)
    }

    /// The processors that stand as a list under the option `name`; none when it is missing.
    pub fn processors_in(&mut self, name: &'static str) -> Result<Vec<Step>, Fault> {
        match self.node(name) {
            Some(node) => self.build.steps(node),
            None => Ok(Vec::new()),
        }
    }

    /// The pipeline that the option `name` names; it may be loaded later.
    pub fn refer_to_pipeline(&mut self, name: &str, pipeline: &str, may_be_missing: bool) -> PipelineId {
        let at = self.node.get(name).map_or(self.at, |node| &node.at);
        self.build.refer(pipeline, at, may_be_missing)
    }

    /// The script that the options `source`, `lang` and `params` make.
    pub fn script(&mut self, context: painless::Context) -> Result<Script, Fault> {
        let parts = ["lang", "source", "id", "params"].map(|name| self.node(name));
        let inline = self.node("inline");
        let [lang, source, id, params] = parts;
        Script::from_parts(self.node, lang, source.or(inline), id, params, context, self.build)
    }

    /// The condition under which the processor runs.
    pub fn condition(&mut self) -> Result<Option<Script>, Fault> {
        match self.node("if") {
            Some(node) => Script::build(node, painless::Context::Condition, self.build).map(Some),
            None => Ok(None),
        }
    }

    /// A fault for every option that nobody has read.
    pub fn unread(&self) -> Vec<Fault> {
        let entries = self.node.map().unwrap_or_default();
        entries
            .iter()
            .filter(|(key, _)| !self.read.contains(&key.text.as_str()))
            .map(|(key, _)| {
                let known = fault::did_you_mean(&key.text, self.read.iter().copied());
                let hint = known.map_or(String::new(), |known| format!("; did you mean `{known}`?"));
                key.at.fault(format!("{}: there is no option `{}`{hint}", self.processor, key.text))
            })
            .collect()
    }
}
