//! The staged attack, from the first probe to the data that leaves: what the rules and correlations of the demo are to find.
//!
//! One address does all of it, so that an analyst can follow it from alert to alert: it probes the web server and scans ports, guesses
//! its way into the bastion host, finds an AWS key there, tries what the key may do, makes itself an administrator, blinds the
//! trail, opens a port and takes the customers' records.

use serde_json::{Value, json};

use super::aws::{self, ACCOUNT, Call, Caller, Flow};
use super::beats::{self, Log};
use super::records::{Dice, Event, Seen};

const ATTACKER: &str = "203.0.113.66";
/// Where the data goes.
const DROP: &str = "198.51.100.23";
const AGENT: &str = "aws-cli/2.15.30 Python/3.11.8 Linux/6.6.9-kali exe/x86_64";

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

pub fn add(events: &mut Vec<Event>, dice: &mut Dice, start_ms: i64) {
    probe_web_server(events, dice, start_ms);
    scan_ports(events, dice, start_ms + MINUTE);
    guess_password(events, dice, start_ms + 3 * MINUTE);
    use_key(events, dice, start_ms + 8 * MINUTE);
    take_data(events, dice, start_ms + 13 * MINUTE);
}

fn probe_web_server(events: &mut Vec<Event>, dice: &mut Dice, start_ms: i64) {
    const PATHS: [&str; 9] = [
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/phpmyadmin/index.php",
        "/cgi-bin/../../../../etc/passwd",
        "/products?id=1%20UNION%20SELECT%20username,password%20FROM%20users--",
        "/actuator/env",
        "/server-status",
        "/backup.zip",
    ];
    for (index, path) in (0..).zip(PATHS.iter().cycle().take(36)) {
        let at_ms = start_ms + index * SECOND;
        let request = format!("GET {path} HTTP/1.1");
        let line = beats::access(
            at_ms,
            ATTACKER,
            &request,
            404,
            100 + dice.below(400),
            "sqlmap/1.8.4#stable (https://sqlmap.org)",
        );
        events.push(Event { at_ms, seen: Seen::Line(Log::Access, "web1", line) });
    }
}

fn scan_ports(events: &mut Vec<Event>, dice: &mut Dice, start_ms: i64) {
    const PORTS: [u16; 20] =
        [21, 23, 25, 110, 111, 135, 139, 143, 445, 993, 1433, 1521, 2375, 3306, 3389, 5432, 5900, 6379, 9200, 27017];
    for (index, port) in (0..).zip(PORTS.iter().cycle().take(60)) {
        let at_ms = start_ms + index * 400;
        let from = (ATTACKER, u16::try_from(40_000 + dice.below(20_000)).unwrap_or(40_000));
        let to = (dice.one_of(&["10.0.1.20", "10.0.1.21", "10.0.1.22"]), *port);
        let line = aws::flow(at_ms, &Flow { from, to, protocol: 6, packets: 1, bytes: 44, is_accepted: false });
        events.push(Event { at_ms, seen: Seen::Flow(line) });
    }
}

fn guess_password(events: &mut Vec<Event>, dice: &mut Dice, start_ms: i64) {
    let mut line = |at_ms, program: &str, message: &str| {
        let line = beats::auth(at_ms, "bastion", program, message);
        events.push(Event { at_ms, seen: Seen::Line(Log::Auth, "bastion", line) });
    };
    let mut at_ms = start_ms;
    for guess in 0..45 {
        at_ms += 2 * SECOND;
        let user = dice.one_of(&["root", "invalid user admin", "invalid user oracle", "deploy"]);
        let port = 40_000 + guess;
        line(
            at_ms,
            &format!("sshd[{}]", 4000 + guess),
            &format!("Failed password for {user} from {ATTACKER} port {port} ssh2"),
        );
    }
    at_ms += 5 * SECOND;
    line(at_ms, "sshd[4100]", &format!("Accepted password for deploy from {ATTACKER} port 40107 ssh2"));
    line(at_ms, "sshd[4100]", "pam_unix(sshd:session): session opened for user deploy by (uid=0)");
    for attempt in 1..=3 {
        at_ms += 10 * SECOND;
        let message = "pam_unix(sudo:auth): authentication failure; logname=deploy uid=1002 euid=0 tty=/dev/pts/1 ruser=deploy rhost=  user=deploy";
        line(at_ms, &format!("sudo[{}]", 4120 + attempt), message);
    }
    at_ms += 20 * SECOND;
    line(at_ms, "sudo", "deploy : TTY=pts/1 ; PWD=/home/deploy ; USER=root ; COMMAND=/bin/cat /root/.aws/credentials");
    at_ms += 15 * SECOND;
    line(at_ms, "useradd[4150]", "new user: name=support, UID=1003, GID=1003, home=/home/support, shell=/bin/bash");
}

/// What the attacker does in AWS, as one identity from his address.
struct Session<'a> {
    events: &'a mut Vec<Event>,
    dice: &'a mut Dice,
    at_ms: i64,
    caller: Caller,
}

impl Session<'_> {
    fn call(&mut self, source: &str, name: &str, request: Value, response: Value, error: Option<(&str, &str)>) {
        self.at_ms += 3 * SECOND;
        let (caller, address, agent) = (self.caller, ATTACKER, AGENT);
        let call = Call { source, name, caller, address, agent, request, response, error, mfa: false };
        let seen = Seen::CloudTrail(aws::call(self.dice, self.at_ms, &call));
        self.events.push(Event { at_ms: self.at_ms, seen });
    }

    fn denied(&mut self, source: &str, name: &str) {
        self.call(
            source,
            name,
            Value::Null,
            Value::Null,
            Some(("AccessDenied", "User is not authorized to perform this action")),
        );
    }
}

fn use_key(events: &mut Vec<Event>, dice: &mut Dice, start_ms: i64) {
    let caller = Caller::User { name: "deploy-bot", key: "AKIAIOSFODNN7EXAMPLE" };
    let mut session = Session { events, dice, at_ms: start_ms, caller };
    let iam = "iam.amazonaws.com";
    session.call("sts.amazonaws.com", "GetCallerIdentity", Value::Null, Value::Null, None);
    for (source, name) in [
        (iam, "ListRoles"),
        (iam, "GetAccountAuthorizationDetails"),
        (iam, "ListAccessKeys"),
        ("secretsmanager.amazonaws.com", "ListSecrets"),
        ("kms.amazonaws.com", "ListKeys"),
        ("rds.amazonaws.com", "DescribeDBInstances"),
        ("lambda.amazonaws.com", "ListFunctions20150331"),
        ("organizations.amazonaws.com", "DescribeOrganization"),
    ]
    .iter()
    .cycle()
    .take(24)
    {
        session.denied(source, name);
    }
    session.call(iam, "ListUsers", Value::Null, Value::Null, None);
    let user = json!({"userName": "backup-admin"});
    session.call(
        iam,
        "CreateAccessKey",
        user.clone(),
        json!({"accessKey": {"accessKeyId": "AKIAI44QH8DHBEXAMPLE", "status": "Active", "userName": "backup-admin"}}),
        None,
    );
    session.call(iam, "CreateLoginProfile", user, Value::Null, None);
    session.call(
        iam,
        "AttachUserPolicy",
        json!({"userName": "backup-admin", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        Value::Null,
        None,
    );
    session.caller = Caller::User { name: "backup-admin", key: "AKIAI44QH8DHBEXAMPLE" };
    for attempt in 0..7 {
        let (outcome, error) = match attempt {
            6 => ("Success", None),
            _ => ("Failure", Some(("", "Failed authentication"))),
        };
        session.call("signin.amazonaws.com", "ConsoleLogin", Value::Null, json!({"ConsoleLogin": outcome}), error);
    }
    let trail = json!({"name": format!("arn:aws:cloudtrail:{}:{ACCOUNT}:trail/company", aws::REGION)});
    session.call("cloudtrail.amazonaws.com", "StopLogging", trail, Value::Null, None);
    session.call(
        "ec2.amazonaws.com",
        "AuthorizeSecurityGroupIngress",
        json!({
            "groupId": "sg-0123456789abcdef0",
            "ipPermissions": {"items": [{
                "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
            }]},
        }),
        json!({"_return": true}),
        None,
    );
    session.call(
        "s3.amazonaws.com",
        "ListBuckets",
        json!({"Host": "s3.eu-central-1.amazonaws.com"}),
        Value::Null,
        None,
    );
    for number in 0..60 {
        session.at_ms -= 2 * SECOND;
        let request = json!({"bucketName": "customer-records", "key": format!("export/part-{number:04}.parquet")});
        session.call("s3.amazonaws.com", "GetObject", request, Value::Null, None);
    }
}

fn take_data(events: &mut Vec<Event>, dice: &mut Dice, start_ms: i64) {
    for minute in 0..5 {
        let at_ms = start_ms + minute * MINUTE;
        let (packets, bytes) = (400_000 + dice.below(100_000), 580_000_000 + dice.below(90_000_000));
        let (from, to) = (("10.0.1.20", 51_514), (DROP, 443));
        let line = aws::flow(at_ms, &Flow { from, to, protocol: 6, packets, bytes, is_accepted: true });
        events.push(Event { at_ms, seen: Seen::Flow(line) });
    }
}
