//! The shapes of JSON objects: which are envelopes, and what is in them.
//!
//! One look at the keys of the first level decides; the pipeline will look at that level anyway. An object is an envelope only when its shape leaves no
//! doubt, because what stands beside an envelope's content is lost to the events unless it is a [`Fact`].

use bumpalo::collections::Vec as BumpVec;

use crate::event::{List, Object, Value};

use super::payload::{Context, Fault, Payload, whole_object};
use super::{Body, Envelope, Fact, Hints, identity, text, unpack};

/// The values of the first level that tell one shape from another.
#[derive(Default)]
pub(super) struct Shape<'a> {
    keys: usize,
    metadata: Option<Value<'a>>,
    event: Option<Value<'a>>,
    data_stream: Option<Value<'a>>,
    fileset: Option<Value<'a>>,
    pub message: Option<Value<'a>>,
    records_upper: Option<Value<'a>>,
    records: Option<Value<'a>>,
    request_id: Option<Value<'a>>,
    stream_arn: Option<Value<'a>>,
    awslogs: Option<Value<'a>>,
    message_type: Option<Value<'a>>,
    log_events: Option<Value<'a>>,
    detail_type: Option<Value<'a>>,
    detail: Option<Value<'a>>,
    source: Option<Value<'a>>,
    category: Option<Value<'a>>,
    resource_id: Option<Value<'a>>,
    pub event_version: Option<Value<'a>>,
    pub event_source: Option<Value<'a>>,
    pub event_name: Option<Value<'a>>,
    pub event_id: Option<Value<'a>>,
    pub event_time: Option<Value<'a>>,
    pub schema_version: Option<Value<'a>>,
    pub schema_version_upper: Option<Value<'a>>,
    pub product_arn: Option<Value<'a>>,
    pub finding_arn: Option<Value<'a>>,
    pub id: Option<Value<'a>>,
    pub id_upper: Option<Value<'a>>,
    pub kind: Option<Value<'a>>,
    pub service: Option<Value<'a>>,
    pub resources_affected: Option<Value<'a>>,
    pub updated_at: Option<Value<'a>>,
    pub updated_at_upper: Option<Value<'a>>,
}

impl<'a> Shape<'a> {
    pub fn of(object: &'a Object<'a>) -> Self {
        let mut shape = Shape::default();
        for (key, value) in object.iter() {
            shape.keys += 1;
            let slot = match key.text {
                "@metadata" => &mut shape.metadata,
                "event" => &mut shape.event,
                "data_stream" => &mut shape.data_stream,
                "fileset" => &mut shape.fileset,
                "message" => &mut shape.message,
                "Records" => &mut shape.records_upper,
                "records" => &mut shape.records,
                "requestId" => &mut shape.request_id,
                "deliveryStreamArn" => &mut shape.stream_arn,
                "awslogs" => &mut shape.awslogs,
                "messageType" => &mut shape.message_type,
                "logEvents" => &mut shape.log_events,
                "detail-type" => &mut shape.detail_type,
                "detail" => &mut shape.detail,
                "source" => &mut shape.source,
                "category" => &mut shape.category,
                "resourceId" => &mut shape.resource_id,
                "eventVersion" => &mut shape.event_version,
                "eventSource" => &mut shape.event_source,
                "eventName" => &mut shape.event_name,
                "eventID" => &mut shape.event_id,
                "eventTime" => &mut shape.event_time,
                "schemaVersion" => &mut shape.schema_version,
                "SchemaVersion" => &mut shape.schema_version_upper,
                "ProductArn" => &mut shape.product_arn,
                "findingArn" => &mut shape.finding_arn,
                "id" => &mut shape.id,
                "Id" => &mut shape.id_upper,
                "type" => &mut shape.kind,
                "service" => &mut shape.service,
                "resourcesAffected" => &mut shape.resources_affected,
                "updatedAt" => &mut shape.updated_at,
                "UpdatedAt" => &mut shape.updated_at_upper,
                _ => continue,
            };
            *slot = Some(value);
        }
        shape
    }
}

/// Opens an object of the payload: an envelope, or an event.
pub(super) fn object<'a>(
    payload: &mut Payload<'a, '_>,
    object: &'a Object<'a>,
    context: Context<'a>,
) -> Result<(), Fault> {
    let original = object.source_text().unwrap_or_default();
    let shape = Shape::of(object);
    if let Some(beat) = shape.metadata.and_then(|value| value.as_object())
        && let Some(Value::Str(_)) = beat.get_str("beat")
    {
        return beats(payload, object, original, &shape, beat, context);
    }
    if let (Some(Value::Str(_)), Some(Value::Str(_)), Some(Value::Object(detail))) =
        (shape.source, shape.detail_type, shape.detail)
    {
        return event_bridge(payload, object, &shape, detail, context);
    }
    if !context.single {
        match &shape {
            Shape { message_type: Some(Value::Str(kind)), log_events: Some(Value::List(events)), .. } => {
                return cloud_watch(payload, object, kind, events, context);
            }
            Shape { awslogs: Some(Value::Object(awslogs)), keys: 1, .. } => {
                return packed(payload, awslogs, "awslogs.data", context);
            }
            Shape { records_upper: Some(Value::List(records)), keys: 1, .. } => {
                return list(payload, records, "Records", Context { envelope: Envelope::Records, ..context });
            }
            Shape { records: Some(Value::List(records)), .. }
                if shape.request_id.is_some() || shape.stream_arn.is_some() || is_firehose_output(&shape, records) =>
            {
                return firehose(payload, &shape, records, context);
            }
            Shape { records: Some(Value::List(records)), keys: 1, .. } => {
                return list(payload, records, "records", Context { envelope: Envelope::Azure, ..context });
            }
            _ => {}
        }
    }
    event(payload, object, original, &shape, context)
}

/// An object that is an event itself.
fn event<'a>(
    payload: &mut Payload<'a, '_>,
    object: &'a Object<'a>,
    original: &'a str,
    shape: &Shape<'a>,
    context: Context<'a>,
) -> Result<(), Fault> {
    let mut context = context;
    if let Some(found) = identity::of(payload.arena, object, original, shape) {
        context.hints.dataset = Some(found.dataset);
        if let Some((identity, time_ms)) = found.identity {
            context.identity = Some(identity);
            context.time_ms = Some(time_ms);
        }
    } else {
        context.hints.dataset = dataset(shape).or(context.hints.dataset);
        if context.envelope == Envelope::Azure || shape.resource_id.is_some() {
            context.hints.category = shape.category.and_then(|value| value.as_str());
        }
    }
    payload.event(Body::Object(object), original, context)
}

fn beats<'a>(
    payload: &mut Payload<'a, '_>,
    object: &'a Object<'a>,
    original: &'a str,
    shape: &Shape<'a>,
    metadata: &'a Object<'a>,
    context: Context<'a>,
) -> Result<(), Fault> {
    let text = |object: Option<Value<'a>>, name| object?.as_object()?.get_str(name)?.as_str();
    let mut context = Context { envelope: Envelope::Beats, ..context };
    context.hints = Hints {
        dataset: dataset(shape),
        module: text(shape.event, "module"),
        fileset: text(shape.fileset, "name"),
        pipeline: metadata.get_str("pipeline").and_then(|value| value.as_str()),
        ..context.hints
    };
    // Filebeat's own delivery of an event that may come through another envelope too.
    if context.hints.dataset == Some("aws.cloudtrail")
        && let Some(Value::Str(message)) = shape.message
        && let Some(inner) = whole_object(payload, message)
        && let Some((identity, time_ms)) = identity::cloudtrail(&Shape::of(inner))
    {
        context.identity = Some(identity);
        context.time_ms = Some(time_ms);
    }
    payload.event(Body::Object(object), original, context)
}

fn dataset<'a>(shape: &Shape<'a>) -> Option<&'a str> {
    let of = |object: Option<Value<'a>>| object?.as_object()?.get_str("dataset")?.as_str();
    of(shape.event).or_else(|| of(shape.data_stream))
}

fn list<'a>(
    payload: &mut Payload<'a, '_>,
    records: &'a List<'a>,
    name: &str,
    context: Context<'a>,
) -> Result<(), Fault> {
    let context = Context { identity: None, ..payload.deeper(context)? };
    for (index, record) in records.lazily().enumerate() {
        payload.alone(|payload| {
            payload.element(record, context).map_err(|fault| fault.within(format_args!("{name}[{index}]")))
        })?;
    }
    Ok(())
}

fn cloud_watch<'a>(
    payload: &mut Payload<'a, '_>,
    object: &'a Object<'a>,
    kind: &str,
    events: &'a List<'a>,
    context: Context<'a>,
) -> Result<(), Fault> {
    // Its `logEvents` is not empty, yet holds nothing that was logged.
    if kind == "CONTROL_MESSAGE" {
        payload.out.control_messages += 1;
        return Ok(());
    }
    let context = payload.deeper(context)?;
    let (owner, group, stream) = (object.get_str("owner"), object.get_str("logGroup"), object.get_str("logStream"));
    let facts = facts(
        payload,
        context.facts,
        &[
            ("cloud.provider", Some(Value::Str("aws"))),
            ("cloud.account.id", owner),
            ("aws.cloudwatch.log_group", group),
            ("aws.cloudwatch.log_stream", stream),
        ],
    );
    let log_group = group.and_then(|value| value.as_str());
    let hints = Hints { log_group, ..context.hints };
    let context = Context { envelope: Envelope::CloudWatch, hints, facts, identity: None, single: true, ..context };
    for (index, entry) in events.lazily().enumerate() {
        payload.alone(|payload| {
            let entry = entry.as_object();
            let message = entry.and_then(|entry| entry.get_str("message")?.as_str());
            let (Some(entry), Some(message)) = (entry, message) else {
                let reason = format!("logEvents[{index}]: there is no `message` that is a string");
                return Err(Fault::broken("envelope_malformed", reason));
            };
            let time_ms = entry.get_str("timestamp").and_then(identity::epoch_ms);
            let identity = identity::cloud_watch([owner, group, stream, entry.get_str("id")], time_ms);
            let context = Context { time_ms, identity, ..context };
            match whole_object(payload, message) {
                Some(inner) => self::object(payload, inner, context),
                None => text::line(payload, message, context),
            }
            .map_err(|fault| fault.within(format_args!("logEvents[{index}].message")))
        })?;
    }
    Ok(())
}

fn event_bridge<'a>(
    payload: &mut Payload<'a, '_>,
    object: &'a Object<'a>,
    shape: &Shape<'a>,
    detail: &'a Object<'a>,
    context: Context<'a>,
) -> Result<(), Fault> {
    let context = payload.deeper(context)?;
    let time = object.get_str("time");
    let facts = facts(
        payload,
        context.facts,
        &[
            ("cloud.provider", Some(Value::Str("aws"))),
            ("cloud.account.id", object.get_str("account")),
            ("cloud.region", object.get_str("region")),
            ("aws.eventbridge.id", shape.id),
            ("aws.eventbridge.source", shape.source),
            ("aws.eventbridge.detail_type", shape.detail_type),
            ("aws.eventbridge.time", time),
            ("aws.eventbridge.resources", object.get_str("resources")),
        ],
    );
    let hints = Hints {
        event_source: shape.source.and_then(|value| value.as_str()),
        detail_type: shape.detail_type.and_then(|value| value.as_str()),
        ..context.hints
    };
    let time_ms = time.and_then(identity::rfc3339_ms).or(context.time_ms);
    let context = Context { envelope: Envelope::EventBridge, hints, facts, time_ms, ..context };
    // Security Hub sends its findings as a list; they are told apart from other details by its name.
    if hints.event_source == Some("aws.securityhub")
        && let Some(Value::List(findings)) = detail.get_str("findings")
    {
        return list(payload, findings, "detail.findings", context);
    }
    let identity = identity::event_bridge(object.get_str("account"), shape.id, time_ms).or(context.identity);
    let original = detail.source_text().unwrap_or_default();
    event(payload, detail, original, &Shape::of(detail), Context { identity, ..context })
}

/// The answer of a transformation is told from Azure's `records` by what is in them.
fn is_firehose_output<'a>(shape: &Shape<'a>, records: &'a List<'a>) -> bool {
    shape.keys == 1
        && records.lazily().next().and_then(|first| first.as_object()).is_some_and(|first| {
            matches!(first.get_str("recordId"), Some(Value::Str(_)))
                && first.contains("result")
                && first.contains("data")
        })
}

/// Firehose's request to an HTTP endpoint, and what its transformations are given and give back.
fn firehose<'a>(
    payload: &mut Payload<'a, '_>,
    shape: &Shape<'a>,
    records: &'a List<'a>,
    context: Context<'a>,
) -> Result<(), Fault> {
    let facts = facts(
        payload,
        context.facts,
        &[("aws.firehose.request_id", shape.request_id), ("aws.firehose.arn", shape.stream_arn)],
    );
    let context = Context { envelope: Envelope::Firehose, facts, identity: None, ..context };
    for (index, record) in records.lazily().enumerate() {
        payload.alone(|payload| {
            let place = format_args!("records[{index}]");
            let Some(record) = record.as_object() else {
                return Err(Fault::broken("envelope_malformed", "no object").within(place));
            };
            if matches!(record.get_str("result"), Some(Value::Str("Dropped"))) {
                payload.out.control_messages += 1;
                return Ok(());
            }
            let time_ms = record.get_str("approximateArrivalTimestamp").and_then(identity::epoch_ms);
            packed(payload, record, "data", Context { time_ms: time_ms.or(context.time_ms), ..context })
                .map_err(|fault| fault.within(place))
        })?;
    }
    Ok(())
}

/// Base64 under the last word of `path`.
fn packed<'a>(
    payload: &mut Payload<'a, '_>,
    holder: &'a Object<'a>,
    path: &str,
    context: Context<'a>,
) -> Result<(), Fault> {
    let Some(data) = holder.get_str("data").and_then(|value| value.as_str()) else {
        return Err(Fault::broken("envelope_malformed", format!("there is no `{path}` that is a string")));
    };
    let bytes = unpack::base64(data.trim_ascii().as_bytes(), payload.unpacked_bytes_left())
        .map_err(|fault| fault.within(path))?;
    payload.unpacked(&bytes, context).map_err(|fault| fault.within(path))
}

fn facts<'a>(
    payload: &Payload<'a, '_>,
    around: &'a [Fact<'a>],
    known: &[(&'static str, Option<Value<'a>>)],
) -> &'a [Fact<'a>] {
    let mut facts = BumpVec::with_capacity_in(around.len() + known.len(), payload.arena.bump());
    facts.extend_from_slice(around);
    for (field, value) in known {
        match value {
            None | Some(Value::Null) | Some(Value::Str("")) => {}
            Some(value) => facts.push(Fact { field, value: *value }),
        }
    }
    facts.into_bump_slice()
}
