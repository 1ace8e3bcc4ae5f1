//! Pipelines and rules made anew while the service runs: on SIGHUP, and when a file changes.
//!
//! A new generation is made beside the old one and takes its place in one step; what is wrong with it is logged and the old one goes on. Whoever saves
//! files or checks out a branch changes many at once: a reload begins when nothing has changed for a moment, or when that has taken too long.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use metrics::counter;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::process::generation::{Current, Generation, Loaded};
use crate::settings::{Fault, Settings};
use crate::telemetry::names;

/// Longer delays every change by so much; shorter reads files that are half written.
const QUIET: Duration = Duration::from_millis(300);
/// A folder that something writes to without end is reloaded all the same.
const QUIET_AFTER_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Signal,
    Files,
}

/// Watches as long as it is held.
pub type Watch = RecommendedWatcher;

/// Sends a cause when something that the settings name changes. `None`, and a warning, when files cannot be watched: SIGHUP remains.
pub fn watch(settings: &Settings, causes: &Sender<Cause>) -> Option<Watch> {
    let folders: Vec<&Path> = settings.pipelines.dir.iter().chain(&settings.rules.dirs).map(PathBuf::as_path).collect();
    let overlay = settings.rules.overlay.as_deref();
    if folders.is_empty() && overlay.is_none() {
        return None;
    }
    let watching = || -> notify::Result<Watch> {
        let causes = causes.clone();
        let inside: Vec<PathBuf> = folders.iter().filter_map(|dir| std::path::absolute(dir).ok()).collect();
        let overlay_path = overlay.and_then(|path| std::path::absolute(path).ok());
        let concerns = move |path: &PathBuf| {
            inside.iter().any(|dir| path.starts_with(dir))
                // A mounted file is changed by turning a link beside it.
                || overlay_path.as_ref() == Some(path)
                || path.file_name().is_some_and(|name| name == "..data")
        };
        let mut watch = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_change =
                event.as_ref().is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(&concerns));
            // Without an error's paths anything may have changed.
            if is_change || event.is_err() {
                let _ = causes.send(Cause::Files);
            }
        })?;
        for dir in &folders {
            watch.watch(&std::path::absolute(dir)?, RecursiveMode::Recursive)?;
        }
        // The folder, since whoever saves a file often puts a new one in its place.
        if let Some(dir) = overlay.map(std::path::absolute).transpose()?.as_deref().and_then(Path::parent)
            && !folders
                .iter()
                .filter_map(|folder| std::path::absolute(folder).ok())
                .any(|folder| dir.starts_with(folder))
        {
            watch.watch(dir, RecursiveMode::NonRecursive)?;
        }
        Ok(watch)
    };
    match watching() {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "changes of pipelines and rules are not seen by themselves; send SIGHUP after a change");
            None
        }
    }
}

/// Reloads whenever there is a cause, until nobody is left to send one.
pub fn run(settings: &Settings, current: &Current, causes: &Receiver<Cause>) {
    while let Ok(cause) = causes.recv() {
        if cause == Cause::Files {
            wait_for_quiet(causes);
        }
        reload(settings, current, cause);
    }
}

fn wait_for_quiet(causes: &Receiver<Cause>) {
    let started = Instant::now();
    while started.elapsed() < QUIET_AFTER_MAX {
        match causes.recv_timeout(QUIET) {
            Ok(Cause::Files) => {}
            Ok(Cause::Signal) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Makes a new generation and puts it in the old one's place, or says why not.
pub fn reload(settings: &Settings, current: &Current, cause: Cause) {
    match Generation::load(settings) {
        Ok(loaded) => {
            say(&loaded, "pipelines and rules are reloaded");
            current.replace(loaded.generation);
            counter!(names::RELOADS, "outcome" => "done").increment(1);
        }
        Err(faults) => {
            tracing::error!(?cause, count = faults.0.len(), "not reloaded, what was loaded before goes on:\n{faults}");
            counter!(names::RELOADS, "outcome" => "refused").increment(1);
        }
    }
}

/// Logs what has been loaded.
pub fn say(loaded: &Loaded, what: &str) {
    if !loaded.warnings.is_empty() {
        let lines: Vec<String> = loaded.warnings.iter().map(Fault::to_string).collect();
        tracing::warn!(count = lines.len(), "rules that are used, yet not as they are written:\n{}", lines.join("\n"));
    }
    let Loaded { generation, .. } = loaded;
    let (pipelines, rules) = (generation.pipelines.names().count(), generation.rules.len());
    tracing::info!(pipelines, rules, "{what}");
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;
    use std::sync::{Arc, mpsc};

    use super::*;

    fn settings(dir: &Path) -> Settings {
        let text = format!(
            "kafka: {{brokers: 'a:1', topics: [logs]}}\nopensearch: {{nodes: ['http://a:1']}}\npipelines: {{dir: {0}/pipelines}}\nrules: {{dirs: [{0}/rules]}}\n",
            dir.display()
        );
        Settings::parse("sluice.yml", &text, &HashMap::new()).unwrap()
    }

    #[test]
    fn a_good_change_is_taken_and_a_bad_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let pipeline = dir.path().join("pipelines/a.yml");
        fs::create_dir(dir.path().join("pipelines")).unwrap();
        fs::create_dir(dir.path().join("rules")).unwrap();
        fs::write(&pipeline, "processors: []").unwrap();
        let settings = settings(dir.path());
        let current = Current::new(Generation::load(&settings).unwrap().generation);
        let first = current.get();

        fs::write(&pipeline, "processors: [{stet: {}}]").unwrap();
        reload(&settings, &current, Cause::Signal);
        assert!(Arc::ptr_eq(&current.get(), &first));

        fs::write(&pipeline, "processors: []").unwrap();
        fs::write(dir.path().join("pipelines/b.yml"), "processors: []").unwrap();
        reload(&settings, &current, Cause::Signal);
        assert_eq!(current.get().pipelines.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(first.pipelines.names().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_changed_file_becomes_a_cause_and_causes_of_one_moment_are_one() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("pipelines")).unwrap();
        fs::create_dir(dir.path().join("rules")).unwrap();
        let (causes, waiting) = mpsc::channel();
        let watch = watch(&settings(dir.path()), &causes).unwrap();
        fs::write(dir.path().join("rules/a.yml"), "title: a").unwrap();
        assert_eq!(waiting.recv().unwrap(), Cause::Files);
        drop((watch, causes));
        wait_for_quiet(&waiting);
        assert!(waiting.try_recv().is_err());
    }
}
