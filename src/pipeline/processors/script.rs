//! Painless where pipelines use it: the `script` processor, and the condition that any processor may have.
//!
//! Scripts are compiled at load, and what is wrong in them is a fault at its own line of the pipeline file. `params` are kept as JSON text
//! and become a map of the document's arena when a script that names them runs, because scripts may change them.

use crate::event::{Value, parse};
use crate::painless;

use super::super::document::{Document, Done, Failure, Flow};
use super::super::load::{Build, DOCUMENT_LEVELS_MAX};
use super::super::source::{Fault, Node, Tree};
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("script", |options| {
    let script = options.script(painless::Context::Script)?;
    Ok(Box::new(ScriptProcessor { script }))
})];

struct ScriptProcessor {
    script: Script,
}

impl Processor for ScriptProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let params = self.script.params(document);
        self.script
            .compiled
            .run(document.arena, document.ctx, params, &env(document))
            .map_err(|e| failure(document, &e))?;
        Ok(Flow::Next)
    }
}

/// A script with its parameters.
#[derive(Debug)]
pub struct Script {
    compiled: painless::Script,
    /// JSON text; `None` when the script does not name them.
    params: Option<Box<str>>,
}

impl Script {
    /// Reads a script: its text alone, or a map with `lang`, `source` and `params`.
    pub fn build(node: &Node, context: painless::Context, build: &mut Build<'_>) -> Result<Script, Fault> {
        match &node.tree {
            Tree::Text(_) => Self::compile(node, None, context, build),
            Tree::Map(entries) => {
                for (key, _) in entries {
                    if !matches!(key.text.as_str(), "lang" | "source" | "inline" | "params" | "id") {
                        return Err(key.at.fault(format!("a script has no option `{}`", key.text)));
                    }
                }
                let lang = node.get("lang");
                let source = node.get("source").or_else(|| node.get("inline"));
                Self::from_parts(node, lang, source, node.get("id"), node.get("params"), context, build)
            }
            _ => Err(node.fault(format!("must be a script, not {}", node.kind()))),
        }
    }

    pub fn from_parts(
        whole: &Node,
        lang: Option<&Node>,
        source: Option<&Node>,
        id: Option<&Node>,
        params: Option<&Node>,
        context: painless::Context,
        build: &mut Build<'_>,
    ) -> Result<Script, Fault> {
        if let Some(lang) = lang.filter(|lang| lang.text() != Some("painless")) {
            return Err(lang.fault("the language of scripts is painless"));
        }
        if let Some(id) = id {
            return Err(id.fault("there are no stored scripts here; put the script's text into `source`"));
        }
        match source {
            Some(source) => Self::compile(source, params, context, build),
            None => Err(whole.fault("the script has no `source`")),
        }
    }

    fn compile(
        source: &Node,
        params: Option<&Node>,
        context: painless::Context,
        build: &mut Build<'_>,
    ) -> Result<Script, Fault> {
        let Some(text) = source.text() else {
            return Err(source.fault(format!("a script is text, not {}", source.kind())));
        };
        let compiled = painless::compile(text, context, build.symbols).map_err(|e| {
            source.position_in(e.line as usize, e.column as usize).fault(format!("script: {}", e.message))
        })?;
        let params = match params {
            _ if !text.contains("params") => None,
            None => Some("{}".into()),
            Some(node) => {
                let Tree::Map(_) = node.tree else {
                    return Err(node.fault(format!("`params` must be a map, not {}", node.kind())));
                };
                for name in node.names() {
                    build.symbols.intern(name);
                }
                Some(sorted(node.to_json()).to_string().into())
            }
        };
        Ok(Script { compiled, params })
    }

    fn params<'a>(&'a self, document: &Document<'a>) -> Value<'a> {
        let Some(text) = self.params.as_deref() else { return Value::Null };
        match parse::document(document.arena, text.as_bytes(), DOCUMENT_LEVELS_MAX) {
            Ok(params) => params,
            Err(_) => Value::Object(document.arena.object()),
        }
    }

    /// Runs the script as a condition.
    pub fn holds<'a>(&'a self, document: &Document<'a>) -> Result<bool, Failure<'a>> {
        self.compiled
            .test(document.arena, document.ctx, self.params(document), &env(document))
            .map_err(|e| failure(document, &e))
    }
}

/// Sorted by name, as pipelines reach a cluster by elastic-package: scripts see that order where names share a slot of the map.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value::{Array, Object};
    match value {
        Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Object(entries.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Array(items) => Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn env(document: &Document<'_>) -> painless::Env {
    painless::Env { now_ms: document.now_ms, limits: document.limits.script }
}

#[cold]
fn failure<'a>(document: &Document<'a>, e: &painless::ScriptError) -> Failure<'a> {
    document.fail_because(
        format_args!("runtime error in line {}, column {} of the script: {}: {}", e.line, e.column, e.class, e.message),
        format_args!("{}", e.message),
    )
}
