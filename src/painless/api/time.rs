//! `java.time` and the older dates of `java.util` and `java.text`.

use super::Declared;

pub(super) const CLASSES: &[Declared] = &[];
