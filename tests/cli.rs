//! The command line as a user meets it: help, exit codes, and what is said when it is used wrongly.

use std::process::{Command, Output};

fn sluice(arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_sluice")).args(arguments).current_dir(dir.path()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The names of the commands, from the help of all, so that a new command is tested without being listed here.
fn commands() -> Vec<String> {
    let help = text(&sluice(&["--help"]).stdout);
    let (_, after) = help.split_once("Commands:\n").unwrap();
    after
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_string)
        .collect()
}

#[test]
fn every_command_has_help_and_refuses_an_unknown_option() {
    let commands = commands();
    assert!(commands.iter().any(|name| name == "check"), "{commands:?}");
    for command in &commands {
        let help = sluice(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
        let said = text(&help.stdout);
        let about = said.lines().next().unwrap_or_default();
        assert!(about.len() > 15 && !about.starts_with("Usage"), "{command} does not say what it does: {said}");

        let unknown = sluice(&[command, "--no-such-option"]);
        assert_eq!(unknown.status.code(), Some(2), "{command}");
        assert!(text(&unknown.stderr).contains("--no-such-option"), "{command}");
        assert!(unknown.stdout.is_empty(), "{command}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [&[][..], &["no-such-command"], &["--no-such-option"], &["completions", "cobol"]] {
        let output = sluice(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn check_lists_every_fault_and_exits_with_1() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("sluice.yml"), "kafka:\n  broker: a:9092\nopensearch:\n  nodes: [http://a:9200]\n")
        .unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
        command.arg("check").current_dir(dir.path());
        command
    };
    let output = check().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "sluice.yml: kafka.brokers is missing; set it, as `kafka: {brokers: 127.0.0.1:9092}`\n\
                    sluice.yml: kafka.topics is missing; set it, as `kafka: {topics: [logs]}`\n\
                    sluice.yml:2:3: unknown key broker in kafka; did you mean brokers?\n\
                    3 faults\n";
    assert_eq!(text(&output.stdout), expected);

    std::fs::write(dir.path().join("sluice.yml"), "opensearch:\n  nodes: [http://a:9200]\n").unwrap();
    let output = check().env("SLUICE__KAFKA__BROKERS", "a:9092").env("SLUICE__KAFKA__TOPICS", "a,b").output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "sluice.yml: no faults\n"));
}

#[test]
fn faults_of_pipelines_and_rules_are_what_check_lists_and_what_keeps_run_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "sluice.yml",
        "kafka:\n  brokers: 127.0.0.1:9\n  topics: [{name: logs, source: own}]\nopensearch: {nodes: ['http://127.0.0.1:9']}\n\
         telemetry: {listen: '127.0.0.1:0'}\npipelines: {dir: pipelines}\nrules: {dirs: [rules], overlay: overlay.yml}\n",
    );
    write("pipelines/owm/pipeline.yml", "processors:\n  - set: {field: a, value: b}\n");
    write("pipelines/owm/source.yml", "recognise:\n  - dataset: a\n    messsage: b\n");
    write(
        "rules/a.yml",
        "title: A\nid: a\nlogsource: {product: x}\ndetection:\n  sel:\n    A|re: '('\n  condition: sel\n",
    );
    write("overlay.yml", "rules:\n  a: {state: shadow}\n");
    let sluice = |command: &str| {
        let sluice = Command::new(env!("CARGO_BIN_EXE_sluice")).arg(command).current_dir(dir.path()).output().unwrap();
        (sluice.status.code(), text(&sluice.stdout), text(&sluice.stderr))
    };
    let (code, listed, _) = sluice("check");
    assert_eq!(code, Some(1), "{listed}");
    let source = "pipelines/owm/source.yml:3:5: nothing is recognised by `messsage`; did you mean `message`?\n";
    assert!(listed.starts_with(source), "{listed}");
    assert!(listed.contains("\nrules/a.yml:6:5: "), "{listed}");
    assert!(listed.ends_with("\n2 faults\n"), "{listed}");
    let (code, out, said) = sluice("run");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(format!("{said}2 faults\n"), listed);

    write("pipelines/owm/source.yml", "recognise:\n  - dataset: a\n");
    write("rules/a.yml", "title: A\nid: a\nlogsource: {product: x}\ndetection:\n  sel:\n    A: 1\n  condition: sel\n");
    let expected =
        "sluice.yml:3:33: kafka.topics[0].source: there is no pipeline `own`: did you mean `owm`?\n1 fault\n";
    assert_eq!(sluice("check"), (Some(1), expected.to_owned(), String::new()));
}

#[test]
fn an_absent_settings_file_is_said_once() {
    let output = sluice(&["check", "-c", "absent.yml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(said.matches("absent.yml").count(), 1, "{said}");
    assert!(said.contains("absent.yml: cannot be read: No such file or directory"), "{said}");
}

#[test]
fn completions_and_man_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&sluice(&["completions", shell]).stdout);
        for command in commands() {
            assert!(script.contains(&command), "{shell} does not complete {command}");
        }
    }
    assert!(text(&sluice(&["man"]).stdout).contains(".TH sluice 1"));
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("man");
    assert_eq!(sluice(&["man", "--out", out.to_str().unwrap()]).status.code(), Some(0));
    for command in commands() {
        assert!(out.join(format!("sluice-{command}.1")).is_file(), "{command} has no man page");
    }
}

#[test]
fn the_demo_ends_by_itself_with_every_event_and_every_broken_record() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let output = sluice(&["demo", "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);

    let events = std::fs::read_to_string(out.join("events.ndjson")).unwrap();
    assert!(said.contains(&format!("held {} events", events.lines().count())), "{said}");
    // 8,500 of every day, and the attack.
    assert!((8600..9000).contains(&events.lines().count()), "{said}");
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["@timestamp"].is_string(), "{line}");
    }
    let dead_letters = std::fs::read_to_string(out.join("dead-letters.ndjson")).unwrap();
    assert_eq!(dead_letters.lines().count(), 3, "{dead_letters}");
    assert!(said.contains("3 records could not be processed"), "{said}");
}
