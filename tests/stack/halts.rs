//! A fault of the index or the cluster is not the document's: nothing goes to the dead letters, `/readyz` says why, and everything arrives once
//! the cause is gone.

use reqwest::Method;
use serde_json::{Value, json};

use super::proxy::Proxy;
use super::world::{Replica, World, wait_for};

const RECORDS: u64 = 50;

/// What is done, what `/readyz` must say then, and what undoes it.
struct Cause {
    name: &'static str,
    arrange: fn(&World, &Proxy),
    says: &'static str,
    undo: fn(&World, &Proxy),
    /// The cause takes the index with the first records away.
    deletes_index: bool,
    /// A running replica sees it only after a while: it is started anew.
    restarts: bool,
}

fn must(world: &World, method: Method, path: &str, body: Option<Value>) {
    let (status, reply) = world.search(method, path, body);
    assert_eq!(status, 200, "{path}: {reply}");
}

fn block_writes(world: &World, blocked: Value) {
    let path = format!("{}-*/_settings", world.index_prefix());
    must(world, Method::PUT, &path, Some(json!({"index.blocks.write": blocked})));
}

fn delete_index(world: &World) {
    for (name, _) in
        world.search(Method::GET, &format!("{}-*", world.index_prefix()), None).1.as_object().into_iter().flatten()
    {
        must(world, Method::DELETE, name, None);
    }
}

fn limit_shards(world: &World, shards: Value) {
    let limit = json!({"persistent": {"cluster.max_shards_per_node": shards}});
    must(world, Method::PUT, "_cluster/settings", Some(limit));
}

const CAUSES: [Cause; 5] = [
    Cause {
        name: "read-only",
        arrange: |world, _| block_writes(world, json!(true)),
        says: "block",
        undo: |world, _| block_writes(world, Value::Null),
        deletes_index: false,
        restarts: false,
    },
    Cause {
        name: "closed",
        arrange: |world, _| must(world, Method::POST, &format!("{}-*/_close", world.index_prefix()), None),
        says: "closed",
        undo: |world, _| {
            must(world, Method::POST, &format!("{}-*/_open?expand_wildcards=all", world.index_prefix()), None)
        },
        deletes_index: false,
        restarts: false,
    },
    Cause {
        name: "shard-limit",
        arrange: |world, _| {
            limit_shards(world, json!(1));
            delete_index(world);
        },
        says: "shards",
        undo: |world, _| limit_shards(world, Value::Null),
        deletes_index: true,
        restarts: false,
    },
    Cause {
        name: "unauthorized",
        arrange: |_, proxy| proxy.set_unauthorized(true),
        says: "401",
        undo: |_, proxy| proxy.set_unauthorized(false),
        deletes_index: false,
        restarts: false,
    },
    Cause {
        name: "template-missing",
        arrange: |world, _| {
            delete_index(world);
            let (_, templates) = world.search(Method::GET, "_index_template", None);
            for template in templates["index_templates"].as_array().into_iter().flatten() {
                if template["index_template"]["index_patterns"].to_string().contains(&world.index_prefix()) {
                    let name = template["name"].as_str().unwrap_or_default();
                    must(world, Method::DELETE, &format!("_index_template/{name}"), None);
                }
            }
        },
        says: "template",
        undo: |world, _| world.setup(&world.dir.path().join("sluice.yml")),
        deletes_index: true,
        restarts: true,
    },
];

fn produce(world: &World, topic: &str, from: u64) {
    world.produce(
        topic,
        (from..from + RECORDS).map(|n| (0, None, Some(json!({"n": n, "message": "a line"}).to_string().into_bytes()))),
    );
}

#[test]
fn an_index_that_cannot_take_documents_stops_the_stream_and_loses_nothing() {
    for cause in CAUSES {
        let Some(world) = World::new(&format!("halt-{}", cause.name)) else { return };
        let topic = world.topic("logs");
        world.make_topic(&topic, 1);
        let proxy = Proxy::start(&world, 0);
        let settings = world.settings("sluice.yml", std::slice::from_ref(&topic), &proxy.url, "");
        world.setup(&settings);
        let mut replica = Replica::start(&world, "replica", &settings);
        produce(&world, &topic, 0);
        wait_for("the first records", || {
            replica.assert_runs();
            world.count() == RECORDS
        });
        if cause.restarts {
            assert!(replica.stop().success());
            (cause.arrange)(&world, &proxy);
            replica = Replica::start(&world, "replica-again", &settings);
        } else {
            (cause.arrange)(&world, &proxy);
        }
        produce(&world, &topic, RECORDS);
        wait_for(&format!("/readyz to say `{}` ({})", cause.says, cause.name), || {
            replica.assert_runs();
            let (status, body) = replica.get(&world, "/readyz");
            status == 503 && body.contains(cause.says)
        });
        (cause.undo)(&world, &proxy);
        wait_for(&format!("everything to arrive after {}", cause.name), || {
            replica.assert_runs();
            world.lag(&topic) == 0
        });
        let expected = if cause.deletes_index { RECORDS } else { 2 * RECORDS };
        assert_eq!(world.count(), expected, "{}", cause.name);
        wait_for("the replica to be ready again", || replica.get(&world, "/readyz").0 == 200);
        assert!(replica.stop().success());
        assert!(world.dead_letters().is_empty(), "{}: {:?}", cause.name, world.dead_letters());
    }
}
