//! Records of the two kinds that the measurements use, made from a seed: AWS CloudTrail (about 1.6 KB) and Filebeat's nginx
//! access lines (about 0.95 KB). The shapes are the documented ones; accounts, users and addresses are invented.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const HEX: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

struct Maker(StdRng);

impl Maker {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.0.random_range(0..from.len())]
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }

    fn uuid(&mut self) -> String {
        let hex = self.text(HEX, 32);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    fn address(&mut self) -> String {
        let net = *self.pick(&["192.0.2", "198.51.100", "203.0.113", "81.2.69", "10.20.30"]);
        format!("{net}.{}", self.0.random_range(1..255))
    }
}

pub fn cloudtrail(count: usize) -> Vec<Vec<u8>> {
    let mut make = Maker(StdRng::seed_from_u64(1));
    let calls = [
        ("GetObject", "s3"),
        ("DescribeInstances", "ec2"),
        ("AssumeRole", "sts"),
        ("Decrypt", "kms"),
        ("CreateUser", "iam"),
    ];
    let record = |n: usize, make: &mut Maker| {
        let (name, service) = *make.pick(&calls);
        let account = format!("{:012}", make.0.random_range(0..40u64) * 2_500_000_007);
        let user = format!("user{:03}", make.0.random_range(0..300));
        let time = format!("2026-11-01T{:02}:{:02}:{:02}Z", n / 3600 % 24, n / 60 % 60, n % 60);
        let role = format!("arn:aws:iam::{account}:role/Deploy");
        let principal = format!("AROA{}", make.text(BASE32, 17));
        let request = match name {
            "GetObject" => serde_json::json!({
                "bucketName": format!("corp-data-{}", n % 50), "Host": "corp-data.s3.amazonaws.com",
                "key": format!("year=2026/month=11/day=01/part-{}.parquet", make.uuid()), "x-amz-server-side-encryption": "aws:kms"
            }),
            "DescribeInstances" => serde_json::json!({
                "instancesSet": {"items": [{"instanceId": format!("i-{}", make.text(HEX, 17))}, {"instanceId": format!("i-{}", make.text(HEX, 17))}]},
                "filterSet": {}, "maxResults": 1000
            }),
            _ => serde_json::json!({"roleArn": role, "roleSessionName": user, "durationSeconds": 3600}),
        };
        serde_json::json!({
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "AssumedRole", "principalId": format!("{principal}:{user}"), "arn": format!("arn:aws:sts::{account}:assumed-role/Deploy/{user}"),
                "accountId": account, "accessKeyId": format!("ASIA{}", make.text(BASE32, 16)),
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "principalId": principal, "arn": role, "accountId": account, "userName": "Deploy"},
                    "webIdFederationData": {}, "attributes": {"mfaAuthenticated": "false", "creationDate": time}
                }
            },
            "eventTime": time, "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
            "sourceIPAddress": make.address(),
            "userAgent": "aws-cli/2.15.30 Python/3.11.8 Linux/5.10.213-201.855.amzn2.x86_64 exe/x86_64.amzn.2 prompt/off command/s3api.get-object",
            "requestParameters": request, "responseElements": null,
            "additionalEventData": {
                "SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": n, "AuthenticationMethod": "AuthHeader",
                "x-amz-id-2": make.text(BASE32, 76), "bytesTransferredOut": n * 7
            },
            "resources": [{"accountId": account, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::corp-data"}],
            "requestID": make.uuid(), "eventID": make.uuid(), "readOnly": true, "eventType": "AwsApiCall", "managementEvent": false,
            "recipientAccountId": account, "eventCategory": "Management",
            "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": format!("{service}.eu-west-1.amazonaws.com")}
        })
        .to_string()
        .into_bytes()
    };
    (0..count).map(|n| record(n, &mut make)).collect()
}

pub fn nginx(count: usize) -> Vec<Vec<u8>> {
    let mut make = Maker(StdRng::seed_from_u64(2));
    let paths = ["/", "/login", "/api/v1/orders/7731", "/static/js/app.js", "/search?q=tea&page=2", "/wp-login.php"];
    let agents = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0"];
    let record = |n: usize, make: &mut Maker| {
        let host = n % 24;
        let line = format!(
            "{} - - [01/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET {} HTTP/1.1\" {} {} \"https://www.example.com/\" \"{}\"",
            make.address(),
            n / 3600 % 24,
            n / 60 % 60,
            n % 60,
            *make.pick(&paths),
            *make.pick(&[200, 200, 200, 304, 404, 500]),
            make.0.random_range(80..200_000),
            *make.pick(&agents),
        );
        let name = format!("web-{host:02}");
        serde_json::json!({
            "@timestamp": format!("2026-11-01T00:00:00.{:03}Z", n % 1000),
            "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.15.0"},
            "agent": {
                "type": "filebeat", "version": "8.15.0", "ephemeral_id": format!("4f0e5c1a-8c1d-4a7e-9f63-{host:012}"),
                "id": format!("9b1d7c22-7a53-4c36-bd3a-{host:012}"), "name": name
            },
            "ecs": {"version": "8.0.0"},
            "host": {
                "name": name, "hostname": name, "architecture": "x86_64",
                "os": {"platform": "debian", "version": "12 (bookworm)", "family": "debian", "name": "Debian GNU/Linux", "kernel": "6.1.0-18-amd64", "type": "linux"},
                "ip": [format!("10.0.1.{host}")], "mac": [format!("0A-58-0A-00-01-{host:02}")]
            },
            "input": {"type": "filestream"},
            "log": {"offset": n * 230, "file": {"path": "/var/log/nginx/access.log", "inode": format!("131{host}"), "device_id": "2049"}},
            "fields": {"env": "prod", "team": "web"}, "tags": ["nginx", "web"], "message": line
        })
        .to_string()
        .into_bytes()
    };
    (0..count).map(|n| record(n, &mut make)).collect()
}
