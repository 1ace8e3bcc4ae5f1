//! Ingest pipelines as Elasticsearch and OpenSearch define them: loading with positions, compiling, running.
//!
//! Owns the pipeline language and what processors may do to a document; conditions and scripts are [`crate::painless`]'s, regular
//! expressions, time formats and Java's numbers [`crate::java`]'s. Where the two products differ, Elastic's behaviour is the truth. Reading order:
//! [`source`] (files to nodes with positions), [`path`], [`document`] (what a processor sees), [`template`], [`options`] (a processor's settings),
//! [`processors`] (the families, and how one is added), [`files`] and [`load`], [`run`]; [`cases`] and [`compare`] test pipelines.

pub mod source;

pub mod path;

pub mod document;
pub mod template;

pub mod grok;
pub mod options;
pub mod processors;

pub mod files;
pub mod load;
pub mod run;

pub mod cases;
pub mod compare;

#[cfg(test)]
mod tests;
