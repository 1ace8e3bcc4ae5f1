//! Elasticsearch's own classes that ingest scripts see.

use super::{Class, Declared, class};

pub(super) const CLASSES: &[Declared] = &[class(
    Class::Processors,
    &[],
    "
    static long bytes 1
    static String lowercase 1
    static String uppercase 1
    static def json 1
    static void json 2
    static String urlDecode 1",
)];
