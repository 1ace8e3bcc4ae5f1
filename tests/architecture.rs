//! The absences that the architecture rests on: who may name which crate, read the clock or spawn a task, and that every
//! module says what it owns. Each is a search over the source text, so that a breach names its file and line.

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, text)
        })
        .collect()
}

/// Lines outside comments that contain `what`, in files that do not start with one of `allowed`.
fn breaches(what: &str, allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in sources() {
        if allowed.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            // Our own module of that name may be named anywhere.
            let code = line.split("//").next().unwrap_or_default().replace("index::opensearch::", "");
            // A module of ours may have a client's name: `super::opensearch::`.
            let names = |at: usize| !code[..at].ends_with("::") && !code[..at].ends_with(char::is_alphanumeric);
            if code.match_indices(what).any(|(at, _)| names(at)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn each_client_stays_at_its_edge() {
    for (what, allowed) in [
        ("rdkafka::", &["src/source/", "src/delivery/producer.rs", "src/demo/"][..]),
        ("opensearch::", &["src/index/opensearch.rs"]),
        ("governor::", &["src/index/throttle.rs"]),
        ("moka::", &["src/correlate/store.rs"]),
        ("SystemTime::now", &["src/clock.rs"]),
        ("Timestamp::now", &["src/clock.rs"]),
        ("Zoned::now", &["src/clock.rs"]),
        ("tokio::spawn", &["src/delivery/runtime.rs"]),
    ] {
        let found = breaches(what, allowed);
        assert!(found.is_empty(), "`{what}` belongs in {allowed:?} only:\n{}", found.join("\n"));
    }
}

#[test]
fn every_module_says_what_it_owns() {
    let bare: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name).collect();
    assert!(bare.is_empty(), "these files do not open with a `//!` comment: {bare:?}");
}

#[test]
fn no_file_outgrows_a_reader() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(name, text)| (text.lines().take_while(|line| *line != "#[cfg(test)]").count(), name))
        .filter(|(lines, _)| *lines > 700)
        .collect();
    assert!(long.is_empty(), "split these files (500 lines is the aim, 700 the limit, tests not counted): {long:?}");
}
