//! The promise: kill any replica at any moment, take OpenSearch away, let it refuse, and every event is indexed exactly once, every record
//! that cannot be is in the dead letters with its reason, and nothing is left over.
//!
//! The run is drawn from a seed, which is printed and can be given: `SLUICE_STACK_SEED=7 SLUICE_STACK_RECORDS=200000 SLUICE_STACK_PROTOCOL=consumer`
//! (or `classic`, the default) with `dev/test every_record_is_indexed_once`.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::proxy::Proxy;
use super::world::{Replica, World, tail, wait_for};

const PARTITIONS: i32 = 6;
const SLICES: usize = 12;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text} is no number")))
}

/// What was produced and what must come of it.
#[derive(Default)]
struct Ledger {
    events: u64,
    /// Dead letters to come, by kind.
    letters: BTreeMap<&'static str, u64>,
}

impl Ledger {
    /// The number that the next event carries.
    fn number(&mut self) -> u64 {
        self.events += 1;
        self.events - 1
    }

    fn letter(&mut self, kind: &'static str) {
        *self.letters.entry(kind).or_default() += 1;
    }
}

fn plain(number: u64) -> Value {
    json!({"n": format!("number-{number}-"), "message": "a line", "host": {"name": "web-1"}})
}

/// The event's number is in its id, where every pipeline keeps it.
fn cloudtrail(number: u64, year: u32) -> Value {
    json!({
        "eventVersion": "1.09", "userIdentity": {"type": "Root", "accountId": "123456789012"}, "eventTime": format!("{year}-03-01T10:00:00Z"),
        "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7",
        "eventID": format!("number-{number}-"), "eventType": "AwsApiCall"
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

type Payload = Option<Vec<u8>>;

/// A record of one or of many events.
fn good(random: &mut StdRng, ledger: &mut Ledger) -> Payload {
    let text = match random.random_range(0..20) {
        0 => {
            let records: Vec<Value> = (0..5).map(|_| cloudtrail(ledger.number(), 2026)).collect();
            json!({"Records": records}).to_string()
        }
        1 => (0..4).map(|_| format!("{}\n", plain(ledger.number()))).collect(),
        // Years off: these go to the fixed index for such days.
        2 => cloudtrail(ledger.number(), if random.random() { 2009 } else { 2041 }).to_string(),
        3 => return Some(gzip(plain(ledger.number()).to_string().as_bytes())),
        _ => plain(ledger.number()).to_string(),
    };
    Some(text.into_bytes())
}

/// A record that must end in the dead letters; `number` keeps each one different.
fn poison(random: &mut StdRng, ledger: &mut Ledger, number: u64) -> Payload {
    let (kind, payload) = match random.random_range(0..10) {
        0 => ("tombstone", None),
        1 => ("empty", Some(Vec::new())),
        2 => {
            let mut cut = gzip(plain(number).to_string().as_bytes());
            cut.truncate(cut.len() - 12);
            ("gzip_truncated", Some(cut))
        }
        3 => {
            let mut broken = gzip(format!("{number}").repeat(50).as_bytes());
            broken[12] ^= 0xff;
            broken[14] ^= 0xff;
            ("gzip_invalid", Some(broken))
        }
        4 => ("unpacked_too_large", Some(gzip(&vec![b'x'; 80 << 20]))),
        5 => ("invalid_utf8", Some([format!("{{\"n\":{number},\"a\":\"").as_bytes(), b"\xff\xfe\"}"].concat())),
        6 => ("nesting_too_deep", Some(format!("{{\"n\":{number},\"a\":{}{}}}", "[".repeat(500), "]".repeat(500)).into_bytes())),
        7 => ("json_invalid", Some(format!("{{\"n\":{number},\"a\":}}").into_bytes())),
        8 => (
            "envelope_malformed",
            Some(json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": [{"id": "x", "n": number}]}).to_string().into_bytes()),
        ),
        _ => ("mapping_conflict", Some(json!({"n": number, "source": {"ip": "no address"}}).to_string().into_bytes())),
    };
    ledger.letter(kind);
    payload
}

#[test]
fn every_record_is_indexed_once_whatever_happens() {
    let Some(world) = World::new("exactly-once") else { return };
    let seed = from_env("SLUICE_STACK_SEED", 20_261_123);
    let records = from_env("SLUICE_STACK_RECORDS", 12_000) as usize;
    let protocol = std::env::var("SLUICE_STACK_PROTOCOL").unwrap_or_else(|_| "classic".into());
    println!("seed {seed}, {records} records, group protocol {protocol}");
    let mut random = StdRng::seed_from_u64(seed);
    let poison_every = (records / 400).clamp(30, 400);

    let topic = world.topic("logs");
    world.make_topic(&topic, PARTITIONS);
    let proxy = Proxy::start(&world, random.random());
    let properties = match protocol.as_str() {
        "consumer" => "group.protocol: consumer".to_owned(),
        _ => "session.timeout.ms: 3000, heartbeat.interval.ms: 500".to_owned(),
    };
    let settings = world.settings("sluice.yml", std::slice::from_ref(&topic), &proxy.url, &properties);
    world.setup(&settings);

    let mut ledger = Ledger::default();
    let mut poisons = 0;
    let mut replicas: Vec<Replica> =
        (0..3).map(|n| Replica::start(&world, &format!("replica-{n}"), &settings)).collect();
    let mut started = replicas.len();
    let mut start = |replicas: &mut Vec<Replica>| {
        replicas.push(Replica::start(&world, &format!("replica-{started}"), &settings));
        started += 1;
    };
    proxy.set_faulty(true);
    for slice in 0..SLICES {
        let payloads: Vec<(i32, Payload, Payload)> = (0..records / SLICES)
            .map(|_| {
                let partition = random.random_range(0..PARTITIONS);
                let payload = if random.random_range(0..poison_every) == 0 {
                    poisons += 1;
                    poison(&mut random, &mut ledger, poisons)
                } else {
                    good(&mut random, &mut ledger)
                };
                (partition, None, payload)
            })
            .collect();
        world.produce(&topic, payloads);
        // The next thing happens once part of what was produced has arrived, in the midst of the rest.
        let threshold = ledger.events * random.random_range(50..90) / 100;
        wait_for("part of the events to be indexed", || {
            replicas.iter_mut().for_each(Replica::assert_runs);
            world.count() >= threshold
        });
        let victim = random.random_range(0..replicas.len());
        match slice {
            0 | 2 | 4 | 6 | 9 => {
                replicas.swap_remove(victim).kill();
                start(&mut replicas);
            }
            1 => start(&mut replicas),
            3 => assert!(replicas.swap_remove(victim).stop().success()),
            5 => {
                // Frozen for longer than the session timeout, then back as if nothing had been.
                replicas[victim].signal("STOP");
                let others = world.count();
                world.produce(&topic, (0..600).map(|n| (n % PARTITIONS, None, good(&mut random, &mut ledger))));
                wait_for("the others to take over", || world.count() >= others + 400);
                wait_for("the group to move on", || world.lag(&topic) < 100);
                replicas[victim].signal("CONT");
            }
            7 => {
                proxy.set_away(true);
                // Each replica owns a partition, and notices when it has something to write.
                world.produce(&topic, (0..600).map(|n| (n % PARTITIONS, None, good(&mut random, &mut ledger))));
                wait_for("all to notice that OpenSearch is away", || {
                    replicas.iter().all(|replica| replica.get(&world, "/readyz").0 == 503)
                });
                proxy.set_away(false);
            }
            _ => {}
        }
    }
    proxy.set_faulty(false);
    wait_for("the group's lag to be 0", || {
        replicas.iter_mut().for_each(Replica::assert_runs);
        world.lag(&topic) == 0
    });
    println!(
        "{} events in {records} records, {} replicas started, {} requests met a fault",
        ledger.events,
        started,
        proxy.faults()
    );
    let logs: Vec<String> = replicas.iter().map(|replica| tail(&replica.log())).collect();
    for replica in replicas {
        assert!(replica.stop().success(), "a replica did not end well:\n{}", logs.join("\n---\n"));
    }

    let documents = world.documents();
    let mut found: BTreeMap<u64, u32> = BTreeMap::new();
    for (id, document) in &documents {
        let text = document.to_string();
        let number = text.split("number-").nth(1).and_then(|rest| rest.split('-').next()?.parse().ok());
        *found.entry(number.unwrap_or_else(|| panic!("{id} has no number: {text}"))).or_default() += 1;
    }
    let missing: Vec<u64> = (0..ledger.events).filter(|number| !found.contains_key(number)).collect();
    let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        missing.is_empty() && twice.is_empty(),
        "seed {seed}: {} missing {:?}, {} twice {twice:?}",
        missing.len(),
        missing.iter().take(9).collect::<Vec<_>>(),
        twice.len()
    );
    assert_eq!(documents.len() as u64, ledger.events, "seed {seed}");

    let mut letters: BTreeMap<String, u64> = BTreeMap::new();
    for letter in world.dead_letters().values() {
        *letters.entry(letter.headers["sluice.kind"].clone()).or_default() += 1;
        assert!(!letter.headers["sluice.reason"].is_empty());
    }
    let expected: BTreeMap<String, u64> =
        ledger.letters.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
    assert_eq!(letters, expected, "seed {seed}");
}
