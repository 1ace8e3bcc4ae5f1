//! What ingest pipelines and Painless inherit from Java, and would not be themselves without: regular expressions
//! ([`regex`]), the text forms and conversions of numbers ([`numbers`]), and times ([`time`]).
//!
//! Pure functions over text, which know nothing of events, processors or scripts. The version of Java that is meant is 21,
//! on which Elasticsearch 8 and OpenSearch 3 run.

pub mod numbers;
pub mod regex;
pub mod time;
