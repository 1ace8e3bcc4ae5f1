//! What Filebeat would send: lines of sshd, sudo and nginx, unparsed, as its modules put them into Kafka.

use jiff::Timestamp;
use serde_json::json;

use super::aws::OFFICE;
use super::records::Dice;

/// A log that a module of Filebeat reads.
#[derive(Clone, Copy)]
pub enum Log {
    Auth,
    Access,
}

/// The record of one line.
pub fn record(dice: &mut Dice, at_ms: i64, log: Log, host: &str, line: &str) -> Vec<u8> {
    let (module, fileset, path) = match log {
        Log::Auth => ("system", "auth", "/var/log/auth.log"),
        Log::Access => ("nginx", "access", "/var/log/nginx/access.log"),
    };
    let read_at = Timestamp::from_millisecond(at_ms.saturating_add(400)).unwrap_or_default();
    json!({
        "@timestamp": read_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "@metadata": {
            "beat": "filebeat",
            "type": "_doc",
            "version": "7.17.29",
            "pipeline": format!("filebeat-7.17.29-{module}-{fileset}-pipeline"),
        },
        "log": {"offset": dice.below(1 << 30), "file": {"path": path}},
        "message": line,
        "input": {"type": "log"},
        "fileset": {"name": fileset},
        "event": {"module": module, "dataset": format!("{module}.{fileset}"), "timezone": "+00:00"},
        "service": {"type": module},
        "agent": {"name": host, "type": "filebeat", "version": "7.17.29", "hostname": host},
        "host": {"name": host},
        "ecs": {"version": "1.12.0"},
    })
    .to_string()
    .into_bytes()
}

/// A line of `/var/log/auth.log`.
pub fn auth(at_ms: i64, host: &str, program: &str, message: &str) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    format!("{} {host} {program}: {message}", at.strftime("%b %e %H:%M:%S"))
}

/// A line in nginx' combined format.
pub fn access(at_ms: i64, address: &str, request: &str, status: u16, bytes: u64, agent: &str) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    format!(
        "{address} - - [{}] \"{request}\" {status} {bytes} \"-\" \"{agent}\"",
        at.strftime("%d/%b/%Y:%H:%M:%S +0000")
    )
}

/// Somebody logs in or works as root, on the host that is named.
pub fn everyday_login(dice: &mut Dice, at_ms: i64) -> (&'static str, String) {
    let user = dice.one_of(&["alice", "bob", "carol"]);
    let host = dice.one_of(&["bastion", "web1", "db1"]);
    let (pid, port) = (1000 + dice.below(30_000), 32_768 + dice.below(28_000));
    let sshd = format!("sshd[{pid}]");
    let line = match dice.below(20) {
        0..7 => auth(
            at_ms,
            host,
            &sshd,
            &format!(
                "Accepted publickey for {user} from {OFFICE} port {port} ssh2: ED25519 SHA256:EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEX"
            ),
        ),
        7..10 => {
            auth(at_ms, host, &sshd, &format!("pam_unix(sshd:session): session opened for user {user} by (uid=0)"))
        }
        10..13 => auth(at_ms, host, &sshd, &format!("Disconnected from user {user} {OFFICE} port {port}")),
        13..18 => auth(
            at_ms,
            host,
            "sudo",
            &format!("{user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/systemctl status nginx"),
        ),
        // Fingers slip.
        18 => auth(at_ms, host, &sshd, &format!("Failed password for {user} from {OFFICE} port {port} ssh2")),
        _ => auth(at_ms, host, &format!("CRON[{pid}]"), "pam_unix(cron:session): session closed for user root"),
    };
    (host, line)
}

pub fn everyday_request(dice: &mut Dice, at_ms: i64) -> String {
    const AGENTS: [&str; 3] = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0",
    ];
    let address = format!("192.0.2.{}", 1 + dice.below(250));
    let (request, status) = dice.one_of(&[
        ("GET / HTTP/1.1", 200),
        ("GET /assets/app.css HTTP/1.1", 200),
        ("GET /assets/app.js HTTP/1.1", 304),
        ("GET /products?page=2 HTTP/1.1", 200),
        ("POST /cart HTTP/1.1", 302),
        ("POST /login HTTP/1.1", 200),
        ("GET /favicon.ico HTTP/1.1", 404),
    ]);
    let (bytes, agent) = (dice.below(40_000), dice.one_of(&AGENTS));
    access(at_ms, &address, request, status, bytes, agent)
}
