//! Event ids that sources give themselves, and the shapes they are read from.
//!
//! Each extractor has a version in its name, which is part of the document's id: an extractor that reads more than before is a new one, or the same event
//! would get a second id. What is missing or malformed gives no identity, and the event is then known by its coordinates.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::event::{Arena, Object, Value, time};
use crate::record::Identity;

use super::envelope::Shape;

/// The longest id in use is an ARN of Security Hub, at most 512.
const ID_BYTES_MAX: usize = 512;

/// What an event is recognised as.
pub(super) struct Found<'a> {
    pub dataset: &'static str,
    pub identity: Option<(Identity<'a>, i64)>,
}

/// Recognises an event that has an id of its own by its shape.
pub(super) fn of<'a>(
    arena: &'a Arena,
    object: &'a Object<'a>,
    original: &'a str,
    shape: &Shape<'a>,
) -> Option<Found<'a>> {
    if shape.event_version.is_some() && shape.event_source.is_some() && shape.event_name.is_some() {
        // S3's notifications have the same three names, and no id.
        let is_s3 = matches!(shape.event_source, Some(Value::Str("aws:s3")));
        return (!is_s3).then(|| Found { dataset: "aws.cloudtrail", identity: cloudtrail(shape) });
    }
    if shape.schema_version.is_some() && shape.updated_at.is_some() && shape.id.is_some() {
        if shape.service.is_some_and(|service| service.as_object().is_some()) {
            let identity = finding(arena, "guardduty.v1", [shape.id, None], shape.updated_at, "");
            return Some(Found { dataset: "aws.guardduty", identity });
        }
        if shape.resources_affected.is_some() {
            let identity = finding(arena, "macie.v1", [shape.id, None], shape.updated_at, "");
            return Some(Found { dataset: "aws.macie", identity });
        }
    }
    if shape.finding_arn.is_some() && shape.updated_at.is_some() && object.contains("awsAccountId") {
        let identity = finding(arena, "inspector.v1", [shape.finding_arn, None], shape.updated_at, "");
        return Some(Found { dataset: "aws.inspector", identity });
    }
    if shape.schema_version_upper.is_some() && shape.product_arn.is_some() && shape.id_upper.is_some() {
        // A change by an analyst (its workflow, a note) leaves the update time as it was, so the text is part of the id.
        let digest: String = Sha256::digest(original).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let ids = [shape.product_arn, shape.id_upper];
        let identity = finding(arena, "securityhub.v1", ids, shape.updated_at_upper, &digest);
        return Some(Found { dataset: "aws.securityhub_findings", identity });
    }
    None
}

/// CloudTrail: `eventID`, at `eventTime`.
pub(super) fn cloudtrail<'a>(shape: &Shape<'a>) -> Option<(Identity<'a>, i64)> {
    let id = id(shape.event_id)?;
    let time_ms = rfc3339_ms(shape.event_time?)?;
    Some((Identity::Source { extractor: "cloudtrail.v1", id: [id, "", "", ""], time_ms }, time_ms))
}

/// CloudWatch Logs: owner, group, stream and `logEvents[].id`, which is promised to be unique, though not across accounts.
pub(super) fn cloud_watch<'a>(parts: [Option<Value<'a>>; 4], time_ms: Option<i64>) -> Option<Identity<'a>> {
    let [owner, group, stream, own] = parts;
    let id = [id(owner)?, id(group)?, id(stream)?, id(own)?];
    Some(Identity::Source { extractor: "cloudwatch.v1", id, time_ms: time_ms? })
}

/// EventBridge: the envelope's `id` within its account, for a detail that has no id of its own.
pub(super) fn event_bridge<'a>(
    account: Option<Value<'a>>,
    own: Option<Value<'a>>,
    time_ms: Option<i64>,
) -> Option<Identity<'a>> {
    let id = [id(account)?, id(own)?, "", ""];
    Some(Identity::Source { extractor: "eventbridge.v1", id, time_ms: time_ms? })
}

/// A finding is sent again under its id whenever it changes; each state is an event of its own, at its update time.
fn finding<'a>(
    arena: &'a Arena,
    extractor: &'static str,
    ids: [Option<Value<'a>>; 2],
    updated_at: Option<Value<'a>>,
    state: &str,
) -> Option<(Identity<'a>, i64)> {
    let time_ms = update_time_ms(updated_at?)?;
    // The time as a number, since exports write the same time with and without its milliseconds.
    let updated = arena.str(itoa::Buffer::new().format(time_ms));
    let second = if ids[1].is_some() { id(ids[1])? } else { "" };
    let id = [id(ids[0])?, second, updated, arena.str(state)];
    Some((Identity::Source { extractor, id, time_ms }, time_ms))
}

/// An id as it may be used: a string that is neither empty nor absurdly long.
fn id<'a>(value: Option<Value<'a>>) -> Option<&'a str> {
    value?.as_str().filter(|text| !text.is_empty() && text.len() <= ID_BYTES_MAX)
}

pub(super) fn rfc3339_ms(value: Value<'_>) -> Option<i64> {
    time::rfc3339_ms(value.as_str()?).filter(|ms| *ms >= 0)
}

/// A whole number of milliseconds since 1970.
pub(super) fn epoch_ms(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Number(text) => text.parse().ok().filter(|ms| *ms >= 0),
        _ => None,
    }
}

/// RFC 3339, or Inspector's `Jan 19, 2023, 10:46:15 PM`, whose blank before the half of the day may be a narrow no-break one.
fn update_time_ms(value: Value<'_>) -> Option<i64> {
    rfc3339_ms(value).or_else(|| {
        let text = value.as_str().filter(|text| text.len() <= 40)?.replace('\u{202f}', " ");
        let at = strtime::parse("%b %d, %Y, %I:%M:%S %p", text).ok()?.to_datetime().ok()?;
        time::zoned_ms(at, &TimeZone::UTC).filter(|ms| *ms >= 0)
    })
}
