//! What a reply to a bulk request means for each of its items: [`Verdict`], and for the request as a whole: [`Reply`].
//!
//! Pure. Decided by the error's type, and by its reason where the servers use one type for several things, because the status
//! alone misleads: a full disk is 429 and a missing index 404, an index at its shard limit answers 400 as a bad address does. The question is
//! always whose fault it was. The document's own: it goes to the dead letters, and everything else goes on. The index's or the
//! cluster's: no document may suffer for it, so writing halts until somebody repairs it. The reply must have exactly
//! one item per document, else nothing in it is believed and the whole request counts as unanswered.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Longer reasons are cut: they travel in the header of a dead letter and in log lines.
const REASON_BYTES_MAX: usize = 1024;

/// What is to happen with one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the index: written now, or found there by a `create` that came twice.
    Done,
    /// Nothing was wrong with it: send it again later; `busy`: because the server had no room for it.
    Retry { busy: bool, reason: String },
    /// The server failed on it in a way that a document can cause: send it again, and reject it when it fails every time.
    Suspect { reason: String },
    /// The document's own fault; sending it again cannot help.
    Reject { kind: &'static str, reason: String },
    /// The index's or the cluster's fault; it waits until that is repaired.
    Halt { cause: HaltCause, reason: String },
}

impl Verdict {
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Done => "done",
            Verdict::Retry { .. } | Verdict::Suspect { .. } => "retry",
            Verdict::Reject { .. } => "reject",
            Verdict::Halt { .. } => "halt",
        }
    }
}

/// Why writing halts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HaltCause {
    Unauthorized,
    ClusterReadOnly,
    DiskFull,
    IndexReadOnly,
    IndexClosed,
    IndexMissing,
    IndexFull,
    ShardLimit,
    NoWriteIndex,
    PipelineMissing,
    Template,
    /// Ours is not installed: an index made without it would guess types from the first document.
    TemplateMissing,
    /// An answer that no version of either product gives to a right request: a wrong address, or a proxy in between.
    UnexpectedAnswer,
}

impl HaltCause {
    pub fn name(self) -> &'static str {
        match self {
            HaltCause::Unauthorized => "unauthorized",
            HaltCause::ClusterReadOnly => "cluster_read_only",
            HaltCause::DiskFull => "disk_full",
            HaltCause::IndexReadOnly => "index_read_only",
            HaltCause::IndexClosed => "index_closed",
            HaltCause::IndexMissing => "index_missing",
            HaltCause::IndexFull => "index_full",
            HaltCause::ShardLimit => "shard_limit",
            HaltCause::NoWriteIndex => "no_write_index",
            HaltCause::PipelineMissing => "pipeline_missing",
            HaltCause::Template => "template",
            HaltCause::TemplateMissing => "template_missing",
            HaltCause::UnexpectedAnswer => "unexpected_answer",
        }
    }

    /// What a person can do about it.
    pub fn way_out(self) -> &'static str {
        match self {
            HaltCause::Unauthorized => "check the credentials in the settings and the user's rights on the index",
            HaltCause::ClusterReadOnly => "lift the cluster's read-only block",
            HaltCause::DiskFull => {
                "free or add disk space; older servers also need index.blocks.read_only_allow_delete set to null"
            }
            HaltCause::IndexReadOnly => "lift the index's block (index.blocks.*)",
            HaltCause::IndexClosed => "open the index",
            HaltCause::IndexMissing => "create the index, or allow its creation by action.auto_create_index",
            HaltCause::IndexFull => "roll the index over, or give it more shards",
            HaltCause::ShardLimit => "delete old indices, add nodes or raise cluster.max_shards_per_node",
            HaltCause::NoWriteIndex => "give the alias one write index",
            HaltCause::PipelineMissing => "create the ingest pipeline, or take it out of the index settings",
            HaltCause::Template => "repair the index template: run `sluice setup`",
            HaltCause::TemplateMissing => "run `sluice setup`",
            HaltCause::UnexpectedAnswer => "check that `opensearch.nodes` name OpenSearch or Elasticsearch itself",
        }
    }

    /// Whether it stops every index, not one.
    pub fn is_of_cluster(self) -> bool {
        matches!(self, HaltCause::ClusterReadOnly | HaltCause::TemplateMissing | HaltCause::UnexpectedAnswer)
    }
}

impl fmt::Display for HaltCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came back for one bulk request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Every item is done: the usual reply, kept apart so that it costs nothing more.
    AllDone,
    /// One verdict per item, in order.
    Items(Vec<Verdict>),
    /// The server took the request for too large or too malformed to read: the halves of it are sent apart, and a single document
    /// that is still refused is rejected with this kind.
    Split { kind: &'static str, reason: String },
    /// The request was not served at all; `busy`: because the server had too much to do, rather than being away.
    Unserved { busy: bool, reason: String },
    /// Nothing can be written until somebody repairs something.
    Halt { cause: HaltCause, reason: String },
}

/// Reads the reply to a bulk request of `items` documents.
pub fn read_reply(status: u16, body: &[u8], items: usize) -> Reply {
    if (200..300).contains(&status) { read_items(body, items) } else { judge_request(status, body) }
}

/// The type of the error that an answer with an error status names, or nothing.
pub fn error_type(body: &[u8]) -> String {
    error_of(body).kind().to_owned()
}

/// What an answer with an error status says, for a person.
pub fn reason_of(status: u16, body: &[u8]) -> String {
    match error_of(body) {
        Cause { kind: None, reason: None, .. } => format!("status {status}: {}", excerpt(body)),
        cause => format!("status {status}: {}", cause.text()),
    }
}

fn read_items(body: &[u8], items_expected: usize) -> Reply {
    let parsed: BulkReply = match serde_json::from_slice(body) {
        Ok(parsed) => parsed,
        Err(error) => {
            let reason = format!("the answer is no bulk reply ({error}): {}", excerpt(body));
            return Reply::Unserved { busy: false, reason };
        }
    };
    let Some(items) = parsed.items else {
        return Reply::Unserved {
            busy: false,
            reason: format!("the answer is no bulk reply (it has no items): {}", excerpt(body)),
        };
    };
    if items.count != items_expected {
        let reason = format!("the reply has {} items to a request of {items_expected}", items.count);
        return Reply::Unserved { busy: false, reason };
    }
    if items.not_done.is_empty() {
        return Reply::AllDone;
    }
    let mut verdicts = vec![Verdict::Done; items_expected];
    for (position, verdict) in items.not_done {
        if let Some(slot) = verdicts.get_mut(position) {
            *slot = verdict;
        }
    }
    Reply::Items(verdicts)
}

/// A reply whose status speaks of the whole request.
fn judge_request(status: u16, body: &[u8]) -> Reply {
    let cause = error_of(body);
    let kind = cause.kind();
    let reason = reason_of(status, body);
    match status {
        401 | 407 => return Reply::Halt { cause: HaltCause::Unauthorized, reason },
        413 => return Reply::Split { kind: "document_too_large", reason },
        _ => {}
    }
    if kind == "cluster_block_exception" {
        return match block(cause.reason()) {
            Some(cause) => Reply::Halt { cause, reason },
            None => Reply::Unserved { busy: false, reason },
        };
    }
    match status {
        403 => Reply::Halt { cause: HaltCause::Unauthorized, reason },
        429 => Reply::Unserved { busy: true, reason },
        408 | 425 | 500.. => Reply::Unserved { busy: status == 503, reason },
        // The server could not read the request: one document, or its action line, spoils the others.
        400 if matches!(
            kind,
            "illegal_argument_exception"
                | "action_request_validation_exception"
                | "parse_exception"
                | "parsing_exception"
                | "x_content_parse_exception"
                | "json_parse_exception"
                | "json_e_o_f_exception"
                | "stream_constraints_exception"
                | "named_object_not_found_exception"
        ) =>
        {
            Reply::Split { kind: "bulk_item_unreadable", reason }
        }
        _ => Reply::Halt { cause: HaltCause::UnexpectedAnswer, reason },
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Delete,
    /// `index` and `update`: a conflict means that somebody else was faster, not that this write is there.
    Other,
}

fn judge_item(action: Action, status: u16, cause: Option<Cause<'_>>) -> Verdict {
    let Some(cause) = cause else {
        return match status {
            200..300 => Verdict::Done,
            404 if action == Action::Delete => Verdict::Done,
            409 if action == Action::Create => Verdict::Done,
            _ => by_status(status, format!("status {status} without an error")),
        };
    };
    let kind = cause.kind();
    if kind == "version_conflict_engine_exception" || kind == "document_already_exists_exception" {
        return match action {
            Action::Create => Verdict::Done,
            Action::Delete | Action::Other => Verdict::Retry { busy: false, reason: cause.text() },
        };
    }
    let text = cause.reason();
    let halt = |halt_cause| Verdict::Halt { cause: halt_cause, reason: cause.text() };
    let reject = |kind| Verdict::Reject { kind, reason: cause.text() };
    let retry = || Verdict::Retry { busy: status == 429, reason: cause.text() };
    if let Some(halt_cause) = fault_of_index(kind, text) {
        return halt(halt_cause);
    }
    match kind {
        "cluster_block_exception" => block(text).map_or_else(retry, halt),
        "mapper_parsing_exception" | "document_parsing_exception" => reject("mapping_conflict"),
        "strict_dynamic_mapping_exception" => reject("strict_mapping"),
        "illegal_argument_exception" | "validation_exception" => reject(illegal_argument(text)),
        "max_bytes_length_exceeded_exception" => reject("field_too_large"),
        "invalid_index_name_exception" => reject("invalid_index_name"),
        "action_request_validation_exception"
        | "parse_exception"
        | "parsing_exception"
        | "x_content_parse_exception"
        | "json_parse_exception"
        | "json_e_o_f_exception"
        | "number_format_exception"
        | "not_x_content_exception"
        | "stream_constraints_exception"
        | "input_coercion_exception" => reject("document_unreadable"),
        "routing_missing_exception" | "document_missing_exception" | "script_exception" => reject("refused"),
        // Two writers made the index at once; the shard is moving, or its index is being closed: the next attempt tells.
        "resource_already_exists_exception"
        | "snapshot_in_progress_exception"
        | "shard_not_found_exception"
        | "illegal_index_shard_state_exception"
        | "index_shard_closed_exception"
        | "no_shard_available_action_exception" => retry(),
        // Java's own exceptions: a document that met a fault in the server's code.
        "null_pointer_exception"
        | "class_cast_exception"
        | "array_index_out_of_bounds_exception"
        | "index_out_of_bounds_exception"
        | "string_index_out_of_bounds_exception"
        | "negative_array_size_exception"
        | "arithmetic_exception"
        | "unsupported_operation_exception"
        | "illegal_state_exception"
        | "no_such_element_exception"
        | "date_time_exception"
        | "stack_overflow_error" => Verdict::Suspect { reason: cause.text() },
        _ => by_status(status, cause.text()),
    }
}

/// For errors of a type that is not in the tables: the status says at least in whose hands the remedy lies.
fn by_status(status: u16, reason: String) -> Verdict {
    match status {
        401 | 403 => Verdict::Halt { cause: HaltCause::Unauthorized, reason },
        404 => Verdict::Halt { cause: HaltCause::IndexMissing, reason },
        413 => Verdict::Reject { kind: "document_too_large", reason },
        400 | 422 => Verdict::Reject { kind: "refused", reason },
        408 | 409 | 425 | 429 | 500.. => Verdict::Retry { busy: status == 429, reason },
        _ => Verdict::Halt { cause: HaltCause::UnexpectedAnswer, reason },
    }
}

/// Errors about the index that no document can cause or repair, although many of them come as "illegal argument".
fn fault_of_index(kind: &str, text: &str) -> Option<HaltCause> {
    let cause = match kind {
        "security_exception" => HaltCause::Unauthorized,
        "index_not_found_exception" | "alias_not_found_exception" => HaltCause::IndexMissing,
        "index_closed_exception" => HaltCause::IndexClosed,
        // "maximum shards open", "maximum normal shards open", "maximum LOCAL_ONLY shards open": each version has its own words.
        "validation_exception" | "illegal_argument_exception"
            if text.contains("this action would add [") && text.contains("shards") =>
        {
            HaltCause::ShardLimit
        }
        "illegal_argument_exception" if text.starts_with("no write index is defined for alias") => {
            HaltCause::NoWriteIndex
        }
        "illegal_argument_exception"
            if text.contains("op_type of create are allowed in data streams")
                || text.starts_with("Rejecting mapping update to") =>
        {
            HaltCause::Template
        }
        "illegal_argument_exception" if text.starts_with("pipeline with id [") && text.ends_with("does not exist") => {
            HaltCause::PipelineMissing
        }
        "illegal_argument_exception"
            if text.contains("documents in the index can't exceed")
                || text.contains("documents in the index cannot exceed") =>
        {
            HaltCause::IndexFull
        }
        "mapper_parsing_exception" | "document_parsing_exception" if text.starts_with("Failed to parse mapping") => {
            HaltCause::Template
        }
        "illegal_argument_exception" if of_index_creation(text) => HaltCause::Template,
        "validation_exception"
        | "settings_exception"
        | "index_template_missing_exception"
        | "invalid_index_template_exception"
        | "index_creation_exception" => HaltCause::Template,
        "invalid_index_name_exception" if text.contains("already exists as alias") => HaltCause::NoWriteIndex,
        _ => return None,
    };
    Some(cause)
}

/// An index that its template does not allow to be made.
fn of_index_creation(text: &str) -> bool {
    text.starts_with("unknown setting [")
        || text.starts_with("Failed to parse value [")
        || text.starts_with("composable template [")
        || text.starts_with("index template [")
        || text.contains("template after composition")
        || text.starts_with("Unknown analyzer type")
        || text.starts_with("Unknown tokenfilter type")
}

fn illegal_argument(text: &str) -> &'static str {
    if text.starts_with("Limit of total fields") || text.starts_with("Limit of mapping depth") {
        "field_limit"
    } else if text.contains("immense term") {
        "field_too_large"
    } else if text.starts_with("mapper [") || text.contains("cannot be changed from type") {
        "mapping_conflict"
    } else if text.contains("timestamp field") {
        "timestamp_missing"
    } else {
        "illegal_argument"
    }
}

/// The cause behind a block as `index [x] blocked by: [FORBIDDEN/8/index write (api)];`; `None` for one that passes by itself.
fn block(text: &str) -> Option<HaltCause> {
    if text.contains("[SERVICE_UNAVAILABLE/") {
        None
    } else if text.contains("/12/") || text.contains("flood-stage") {
        Some(HaltCause::DiskFull)
    } else if text.contains("/4/index closed") {
        Some(HaltCause::IndexClosed)
    } else if text.contains("/6/") || text.contains("/13/") {
        Some(HaltCause::ClusterReadOnly)
    } else if text.contains("/10/") {
        // The cluster takes documents, but makes no index.
        Some(HaltCause::IndexMissing)
    } else {
        Some(HaltCause::IndexReadOnly)
    }
}

/// An error as the servers write it.
#[derive(Debug, Default, Deserialize)]
struct Cause<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    caused_by: Option<Box<Cause<'a>>>,
}

impl<'a> Cause<'a> {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// Type, reason and the innermost cause's reason, which often is the one that says what was wrong.
    fn text(&self) -> String {
        let mut text = match (self.kind(), self.reason()) {
            ("", reason) => reason.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, reason) => format!("{kind}: {reason}"),
        };
        let mut inner = self.caused_by.as_deref();
        while let Some(deeper) = inner.and_then(|cause| cause.caused_by.as_deref()) {
            inner = Some(deeper);
        }
        if let Some(reason) = inner.map(Cause::reason).filter(|reason| !reason.is_empty() && !text.contains(*reason)) {
            text.push_str(": ");
            text.push_str(reason);
        }
        cut(text)
    }

    /// Old servers and the plugins of some providers write the error as bare text.
    fn from_raw(raw: &'a RawValue) -> Cause<'a> {
        if let Ok(cause) = serde_json::from_str::<Cause<'a>>(raw.get()) {
            return cause;
        }
        let text = serde_json::from_str::<Cow<'a, str>>(raw.get()).unwrap_or(Cow::Borrowed(raw.get()));
        Cause { kind: None, reason: Some(text), caused_by: None }
    }
}

/// The error of a reply that concerns the whole request.
fn error_of(body: &[u8]) -> Cause<'_> {
    #[derive(Deserialize)]
    struct Failed<'a> {
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
        /// Amazon's own gateway answers so.
        #[serde(borrow, default, alias = "Message")]
        message: Option<Cow<'a, str>>,
    }
    match serde_json::from_slice::<Failed<'_>>(body) {
        Ok(Failed { error: Some(error), .. }) => Cause::from_raw(error),
        Ok(Failed { message, .. }) => Cause { kind: None, reason: message, caused_by: None },
        Err(_) => Cause::default(),
    }
}

fn cut(mut text: String) -> String {
    if text.len() > REASON_BYTES_MAX {
        let mut end = REASON_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

fn excerpt(body: &[u8]) -> String {
    const EXCERPT_BYTES_MAX: usize = 200;
    let shown = &body[..body.len().min(EXCERPT_BYTES_MAX)];
    String::from_utf8_lossy(shown).trim().to_owned()
}

#[derive(Deserialize)]
struct BulkReply {
    items: Option<Items>,
}

/// The items of a reply; only those that are not done cost memory.
struct Items {
    count: usize,
    not_done: Vec<(usize, Verdict)>,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the items of a bulk reply")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items, A::Error> {
                let mut items = Items { count: 0, not_done: Vec::new() };
                while let Some(Judged(verdict)) = seq.next_element()? {
                    if verdict != Verdict::Done {
                        items.not_done.push((items.count, verdict));
                    }
                    items.count += 1;
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

/// One item: `{"create":{"status":201}}`.
struct Judged(Verdict);

impl<'de> Deserialize<'de> for Judged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(default)]
            status: u16,
            #[serde(borrow, default)]
            error: Option<&'a RawValue>,
        }
        struct JudgedVisitor;
        impl<'de> Visitor<'de> for JudgedVisitor {
            type Value = Judged;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item of a bulk reply")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Judged, A::Error> {
                let Some(action) = map.next_key::<Cow<'de, str>>()? else {
                    return Err(serde::de::Error::custom("an item names no action"));
                };
                let action = match action.as_ref() {
                    "create" => Action::Create,
                    "delete" => Action::Delete,
                    _ => Action::Other,
                };
                let body: Body<'de> = map.next_value()?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Judged(judge_item(action, body.status, body.error.map(Cause::from_raw))))
            }
        }
        deserializer.deserialize_map(JudgedVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One item of a reply: action, status, the error object as JSON.
    fn item(action: &str, status: u16, error: &str) -> Verdict {
        let body = if error.is_empty() {
            format!(
                r#"{{"took":1,"errors":true,"items":[{{"{action}":{{"_index":"i","_id":"1","status":{status}}}}}]}}"#
            )
        } else {
            format!(
                r#"{{"took":1,"errors":true,"items":[{{"{action}":{{"_index":"i","_id":"1","status":{status},"error":{error}}}}}]}}"#
            )
        };
        match read_reply(200, body.as_bytes(), 1) {
            Reply::AllDone => Verdict::Done,
            Reply::Items(verdicts) => verdicts.into_iter().next().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn word(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Done => "done".into(),
            Verdict::Retry { busy: true, .. } => "retry busy".into(),
            Verdict::Retry { .. } => "retry".into(),
            Verdict::Suspect { .. } => "suspect".into(),
            Verdict::Reject { kind, .. } => format!("reject {kind}"),
            Verdict::Halt { cause, .. } => format!("halt {cause}"),
        }
    }

    /// Type and reason as the servers write them; those marked with a version are their own words, taken from that version.
    #[test]
    fn each_error_has_its_verdict() {
        let cases: &[(&str, u16, &str, &str, &str)] = &[
            ("create", 201, "", "", "done"),
            ("create", 200, "", "", "done"),
            ("create", 409, "", "", "done"),
            ("delete", 404, "", "", "done"),
            ("update", 200, "", "", "done"),
            // A create that came twice. OpenSearch 3.6, Elasticsearch 7 to 9.
            (
                "create",
                409,
                "version_conflict_engine_exception",
                "[1]: version conflict, document already exists (current version [1])",
                "done",
            ),
            (
                "update",
                409,
                "version_conflict_engine_exception",
                "[1]: version conflict, required seqNo [99], primary term [1]. current document has seqNo [0] and primary term [1]",
                "retry",
            ),
            (
                "index",
                409,
                "version_conflict_engine_exception",
                "[1]: version conflict, current version [2] is higher or equal to the one provided [1]",
                "retry",
            ),
            // The document's own fault. OpenSearch 3.6.
            (
                "create",
                400,
                "mapper_parsing_exception",
                "failed to parse field [ip] of type [ip] in document with id '1'. Preview of field's value: 'x'",
                "reject mapping_conflict",
            ),
            (
                "create",
                400,
                "mapper_parsing_exception",
                "object mapping for [o] tried to parse field [o] as object, but found a concrete value",
                "reject mapping_conflict",
            ),
            ("create", 400, "mapper_parsing_exception", "failed to parse", "reject mapping_conflict"),
            (
                "create",
                400,
                "strict_dynamic_mapping_exception",
                "mapping set to strict, dynamic introduction of [zz] within [_doc] is not allowed",
                "reject strict_mapping",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "Limit of total fields [1] has been exceeded",
                "reject field_limit",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "Document contains at least one immense term in field=\"k\" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped.",
                "reject field_too_large",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "mapper [a] cannot be changed from type [long] to [text]",
                "reject mapping_conflict",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "if _id is specified it must not be empty",
                "reject illegal_argument",
            ),
            (
                "create",
                400,
                "invalid_index_name_exception",
                "Invalid index name [Bad,Name], must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]",
                "reject invalid_index_name",
            ),
            ("update", 404, "document_missing_exception", "[nope]: document missing", "reject refused"),
            // Elasticsearch 8 and 9.
            (
                "create",
                400,
                "document_parsing_exception",
                "[1:7] failed to parse field [ip] of type [ip] in document with id '1'. Preview of field's value: 'x'",
                "reject mapping_conflict",
            ),
            (
                "create",
                400,
                "strict_dynamic_mapping_exception",
                "[1:6] mapping set to strict, dynamic introduction of [zz] within [_doc] is not allowed",
                "reject strict_mapping",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "Limit of total fields [1000] has been exceeded while adding new fields [2]",
                "reject field_limit",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "data stream timestamp field [@timestamp] is missing",
                "reject timestamp_missing",
            ),
            ("create", 413, "content_too_long_exception", "entity content is too long", "reject document_too_large"),
            ("create", 400, "an_exception_of_later_versions", "something about the document", "reject refused"),
            // Room, or a moment's trouble.
            (
                "create",
                429,
                "es_rejected_execution_exception",
                "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0]",
                "retry busy",
            ),
            (
                "create",
                429,
                "rejected_execution_exception",
                "rejected execution of primary operation [shard_detail=[i][0]]",
                "retry busy",
            ),
            (
                "create",
                429,
                "circuit_breaking_exception",
                "[parent] Data too large, data for [<http_request>] would be [1/1b]",
                "retry busy",
            ),
            (
                "create",
                503,
                "unavailable_shards_exception",
                "[i][0] primary shard is not active Timeout: [1m], request: [BulkShardRequest]",
                "retry",
            ),
            (
                "create",
                503,
                "process_cluster_event_timeout_exception",
                "failed to process cluster event (create-index [i]) within 1m",
                "retry",
            ),
            (
                "create",
                503,
                "cluster_block_exception",
                "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];",
                "retry",
            ),
            ("create", 503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];", "retry"),
            (
                "create",
                503,
                "cluster_block_exception",
                "index [i] blocked by: [SERVICE_UNAVAILABLE/2/no cluster manager];",
                "retry",
            ),
            ("create", 404, "shard_not_found_exception", "no such shard", "retry"),
            ("create", 400, "resource_already_exists_exception", "index [i/abc] already exists", "retry"),
            ("create", 500, "translog_exception", "Failed to write operation", "retry"),
            ("create", 500, "already_closed_exception", "engine is closed", "retry"),
            ("create", 500, "null_pointer_exception", "Cannot invoke \"String.length()\"", "suspect"),
            ("create", 500, "array_index_out_of_bounds_exception", "Index 3 out of bounds for length 3", "suspect"),
            // The index's or the cluster's fault. OpenSearch 3.6.
            ("create", 400, "index_closed_exception", "closed", "halt index_closed"),
            (
                "create",
                403,
                "cluster_block_exception",
                "index [ro] blocked by: [FORBIDDEN/5/index read-only (api)];",
                "halt index_read_only",
            ),
            (
                "create",
                403,
                "cluster_block_exception",
                "index [wr] blocked by: [FORBIDDEN/8/index write (api)];",
                "halt index_read_only",
            ),
            (
                "create",
                403,
                "cluster_block_exception",
                "index [wr] blocked by: [FORBIDDEN/4/index closed];",
                "halt index_closed",
            ),
            (
                "create",
                429,
                "cluster_block_exception",
                "index [road] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];",
                "halt disk_full",
            ),
            (
                "create",
                403,
                "cluster_block_exception",
                "index [road] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];",
                "halt disk_full",
            ),
            (
                "create",
                403,
                "cluster_block_exception",
                "blocked by: [FORBIDDEN/6/cluster read-only (api)];",
                "halt cluster_read_only",
            ),
            (
                "create",
                403,
                "cluster_block_exception",
                "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];",
                "halt index_missing",
            ),
            (
                "create",
                400,
                "validation_exception",
                "Validation Failed: 1: this action would add [2] total LOCAL_ONLY shards, but this cluster currently has [8]/[1] maximum LOCAL_ONLY shards open;",
                "halt shard_limit",
            ),
            ("create", 404, "index_not_found_exception", "no such index [newone]", "halt index_missing"),
            (
                "create",
                404,
                "index_not_found_exception",
                "no such index [nonalias] and [require_alias] request flag is [true] and [nonalias] is not an alias",
                "halt index_missing",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "no write index is defined for alias [al]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index",
                "halt no_write_index",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "pipeline with id [nope] does not exist",
                "halt pipeline_missing",
            ),
            (
                "update",
                400,
                "illegal_argument_exception",
                "only write ops with an op_type of create are allowed in data streams",
                "halt template",
            ),
            // OpenSearch 1 and 2, Elasticsearch 7, and 8 and 9.
            (
                "create",
                400,
                "validation_exception",
                "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;",
                "halt shard_limit",
            ),
            (
                "create",
                400,
                "validation_exception",
                "Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;",
                "halt shard_limit",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "Validation Failed: 1: this action would add [10] total shards, but this cluster currently has [991]/[1000] maximum shards open;",
                "halt shard_limit",
            ),
            (
                "create",
                404,
                "index_not_found_exception",
                "no such index [i] and [action.auto_create_index] is [false]",
                "halt index_missing",
            ),
            (
                "create",
                400,
                "mapper_parsing_exception",
                "Failed to parse mapping [_doc]: No handler for type [knn] declared on field [v]",
                "halt template",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "unknown setting [index.nope] please check that any required plugins are installed",
                "halt template",
            ),
            (
                "create",
                400,
                "illegal_argument_exception",
                "Number of documents in the index can't exceed [2147483519]",
                "halt index_full",
            ),
            (
                "create",
                403,
                "security_exception",
                "no permissions for [indices:data/write/bulk[s]] and User [name=sluice, backend_roles=[], requestedTenant=null]",
                "halt unauthorized",
            ),
            (
                "create",
                403,
                "security_exception",
                "action [indices:data/write/bulk[s]] is unauthorized for user [sluice] with effective roles [r] on indices [i]",
                "halt unauthorized",
            ),
            ("create", 403, "an_exception_of_later_versions", "", "halt unauthorized"),
            ("create", 404, "an_exception_of_later_versions", "", "halt index_missing"),
            ("create", 302, "an_exception_of_later_versions", "", "halt unexpected_answer"),
        ];
        for (action, status, kind, reason, expected) in cases {
            let error = match *kind {
                "" => String::new(),
                kind => serde_json::json!({"type": kind, "reason": reason, "index": "i"}).to_string(),
            };
            assert_eq!(word(&item(action, *status, &error)), *expected, "{action} {status} {kind}: {reason}");
        }
    }

    #[test]
    fn a_reason_names_the_type_and_the_innermost_cause() {
        let error = r#"{"type":"mapper_parsing_exception","reason":"failed to parse field [d] of type [date] in document with id '7'. Preview of field's value: 'nope'","caused_by":{"type":"illegal_argument_exception","reason":"failed to parse date field [nope] with format [strict_date_optional_time||epoch_millis]","caused_by":{"type":"date_time_parse_exception","reason":"Failed to parse with all enclosed parsers"}}}"#;
        let Verdict::Reject { reason, .. } = item("create", 400, error) else { panic!() };
        assert_eq!(
            reason,
            "mapper_parsing_exception: failed to parse field [d] of type [date] in document with id '7'. Preview of field's value: 'nope': Failed to parse with all enclosed parsers"
        );
        let long = serde_json::json!({"type": "mapper_parsing_exception", "reason": "é".repeat(5000)}).to_string();
        let Verdict::Reject { reason, .. } = item("create", 400, &long) else { panic!() };
        assert!(reason.len() <= REASON_BYTES_MAX + "…".len() && reason.ends_with('…'));
        assert_eq!(word(&item("create", 400, "\"MapperParsingException[failed]\"")), "reject refused");
    }

    #[test]
    fn what_concerns_the_whole_request_is_told_apart() {
        let word = |status, body: &str| match read_reply(status, body.as_bytes(), 2) {
            Reply::AllDone => "done".to_owned(),
            Reply::Items(verdicts) => verdicts.iter().map(word).collect::<Vec<_>>().join(", "),
            Reply::Split { kind, .. } => format!("split {kind}"),
            Reply::Unserved { busy: true, .. } => "unserved busy".into(),
            Reply::Unserved { .. } => "unserved".into(),
            Reply::Halt { cause, .. } => format!("halt {cause}"),
        };
        for (status, body, expected) in [
            (200, r#"{"took":1,"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#, "done"),
            (200, r#"{"items":[{"create":{"status":201}},{"create":{"status":201}}],"errors":false}"#, "done"),
            // What is said of each item counts, not the flag.
            (200, r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":503}}]}"#, "done, retry"),
            // One item short, one too many, and no bulk reply at all.
            (200, r#"{"errors":false,"items":[{"create":{"status":201}}]}"#, "unserved"),
            (
                200,
                r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}"#,
                "unserved",
            ),
            (200, r#"{"errors":false,"items":[{"create":{"status":201}},{}]}"#, "unserved"),
            (200, r#"{"errors":false}"#, "unserved"),
            (200, "<html>welcome</html>", "unserved"),
            (200, r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"sta"#, "unserved"),
            (401, "Unauthorized", "halt unauthorized"),
            (
                403,
                r#"{"error":{"type":"security_exception","reason":"no permissions for [indices:data/write/bulk]"},"status":403}"#,
                "halt unauthorized",
            ),
            (403, r#"{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost"}"#, "halt unauthorized"),
            (
                403,
                r#"{"error":{"type":"cluster_block_exception","reason":"blocked by: [FORBIDDEN/6/cluster read-only (api)];"},"status":403}"#,
                "halt cluster_read_only",
            ),
            (
                503,
                r#"{"error":{"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"},"status":503}"#,
                "unserved",
            ),
            (413, r#"{"Message":"Request size exceeded 10485760 bytes"}"#, "split document_too_large"),
            (413, "", "split document_too_large"),
            (
                400,
                r#"{"error":{"type":"json_parse_exception","reason":"Unexpected close marker '}'"},"status":400}"#,
                "split bulk_item_unreadable",
            ),
            (
                400,
                r#"{"error":{"type":"action_request_validation_exception","reason":"Validation Failed: 1: id [a] is too long"},"status":400}"#,
                "split bulk_item_unreadable",
            ),
            (400, r#"{"error":"no handler found for uri [/x/_bulk] and method [POST]"}"#, "halt unexpected_answer"),
            (404, "not here", "halt unexpected_answer"),
            (
                406,
                r#"{"error":"Content-Type header [text/plain] is not supported","status":406}"#,
                "halt unexpected_answer",
            ),
            (301, "", "halt unexpected_answer"),
            (
                429,
                r#"{"error":{"type":"es_rejected_execution_exception","reason":"rejected"},"status":429}"#,
                "unserved busy",
            ),
            (
                429,
                r#"{"error":{"type":"circuit_breaking_exception","reason":"[parent] Data too large"},"status":429}"#,
                "unserved busy",
            ),
            (
                429,
                r#"{"error":{"type":"cluster_block_exception","reason":"index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"},"status":429}"#,
                "halt disk_full",
            ),
            (500, "", "unserved"),
            (502, "<html>Bad Gateway</html>", "unserved"),
            (503, "", "unserved busy"),
            (504, "", "unserved"),
        ] {
            assert_eq!(word(status, body), expected, "{status} {body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_reply_panics_and_verdicts_are_as_many_as_items(status in 0_u16..700, body: Vec<u8>, items in 0_usize..4) {
            if let Reply::Items(verdicts) = read_reply(status, &body, items) {
                assert_eq!(verdicts.len(), items);
            }
        }
    }
}
