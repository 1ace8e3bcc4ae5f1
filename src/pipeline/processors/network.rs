//! `community_id`, `network_direction` and `registered_domain`: what follows from addresses, ports and host names alone.
//!
//! The functions at the front are pure, so that scripts can call them as pipelines do.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::event::Value;
use crate::java::numbers;

use super::super::document::{Document, Done, Failure, Flow, Number, number};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::super::template::Template;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[
    ("community_id", community_id),
    ("network_direction", network_direction),
    ("registered_domain", registered_domain),
];

/// What the Community ID of a flow is made of. Ports are type and code for ICMP.
#[derive(Clone, Copy, Debug)]
pub struct NetworkFlow {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub source_port: u16,
    pub destination_port: u16,
}

const ICMP: u8 = 1;
const ICMP_IPV6: u8 = 58;

impl NetworkFlow {
    /// Community ID version 1.
    pub fn community_id(&self, seed: u16) -> String {
        let mut one_way = false;
        let (mut from, mut to) = (self.source_port, self.destination_port);
        if matches!(self.protocol, ICMP | ICMP_IPV6) {
            match icmp_counterpart(from, self.protocol == ICMP_IPV6) {
                Some(counterpart) => to = counterpart,
                None => one_way = true,
            }
        }
        let bytes = |address: IpAddr| match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let (mut first, mut second) = (bytes(self.source), bytes(self.destination));
        // Compared as numbers: a shorter address is the smaller one unless it is all zeros in front.
        let as_number = |bytes: &[u8]| bytes.iter().fold(0u128, |n, byte| n << 8 | u128::from(*byte));
        let (a, b) = (as_number(&first), as_number(&second));
        if !one_way && !(a < b || (a == b && from < to)) {
            std::mem::swap(&mut first, &mut second);
            std::mem::swap(&mut from, &mut to);
        }
        let mut hash = Sha1::new();
        hash.update(seed.to_be_bytes());
        hash.update(&first);
        hash.update(&second);
        hash.update([self.protocol, 0]);
        if matches!(self.protocol, ICMP | 6 | 17 | ICMP_IPV6 | 132) {
            hash.update(from.to_be_bytes());
            hash.update(to.to_be_bytes());
        }
        format!("1:{}", STANDARD.encode(hash.finalize()))
    }
}

/// The type of the answer to an ICMP message; `None` for messages without one.
fn icmp_counterpart(kind: u16, v6: bool) -> Option<u16> {
    let pairs: &[(u16, u16)] = if v6 {
        &[(128, 129), (133, 134), (135, 136), (130, 131), (144, 145), (139, 140)]
    } else {
        &[(8, 0), (13, 14), (15, 16), (10, 9), (17, 18)]
    };
    pairs.iter().find_map(|(a, b)| match kind {
        kind if kind == *a => Some(*b),
        kind if kind == *b => Some(*a),
        _ => None,
    })
}

/// The protocol's number by its name or number, as text.
pub fn protocol_number(text: &str) -> Option<u8> {
    if let Ok(number) = text.parse::<u8>() {
        // The original takes neither end of the range for a protocol.
        return (1..255).contains(&number).then_some(number);
    }
    Some(match text.to_ascii_lowercase().as_str() {
        "icmp" => ICMP,
        "igmp" => 2,
        "tcp" => 6,
        "udp" => 17,
        "gre" => 47,
        "icmp6" | "ipv6-icmp" | "icmpv6" => ICMP_IPV6,
        "eigrp" => 88,
        "ospf" => 89,
        "pim" => 103,
        "sctp" => 132,
        _ => return None,
    })
}

struct CommunityIdProcessor {
    source_ip: FieldPath,
    source_port: FieldPath,
    destination_ip: FieldPath,
    destination_port: FieldPath,
    iana_number: FieldPath,
    transport: FieldPath,
    icmp_type: FieldPath,
    icmp_code: FieldPath,
    target: FieldPath,
    seed: u16,
    ignore_missing: bool,
}

fn community_id(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let seed = u16::try_from(options.optional_integer("seed")?.unwrap_or(0))
        .map_err(|_| options.fault("seed", "must be a value between 0 and 65535"))?;
    Ok(Box::new(CommunityIdProcessor {
        source_ip: options.path_or("source_ip", "source.ip")?,
        source_port: options.path_or("source_port", "source.port")?,
        destination_ip: options.path_or("destination_ip", "destination.ip")?,
        destination_port: options.path_or("destination_port", "destination.port")?,
        iana_number: options.path_or("iana_number", "network.iana_number")?,
        transport: options.path_or("transport", "network.transport")?,
        icmp_type: options.path_or("icmp_type", "icmp.type")?,
        icmp_code: options.path_or("icmp_code", "icmp.code")?,
        target: options.path_or("target_field", "network.community_id")?,
        seed,
        ignore_missing: options.flag("ignore_missing", true)?,
    }))
}

impl Processor for CommunityIdProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        match self.flow(document)? {
            Some(flow) => {
                let id = document.arena.str(&flow.community_id(self.seed));
                document.set(self.target.path(), Value::Str(id))?;
                Ok(Flow::Next)
            }
            None if self.ignore_missing => Ok(Flow::Next),
            None => Err(document.fail(format_args!("unable to construct flow from document"))),
        }
    }
}

impl CommunityIdProcessor {
    fn flow<'a>(&'a self, document: &Document<'a>) -> Result<Option<NetworkFlow>, Failure<'a>> {
        let Some(source) = document.get_text(self.source_ip.path(), self.ignore_missing)? else { return Ok(None) };
        let Some(destination) = document.get_text(self.destination_ip.path(), self.ignore_missing)? else {
            return Ok(None);
        };
        let (source, destination) = (address(document, source)?, address(document, destination)?);
        let present = |path: &'a FieldPath| document.find(path.path()).filter(|value| !value.is_null());
        let protocol = match present(&self.iana_number) {
            Some(value) => value,
            None => match present(&self.transport) {
                Some(value) => value,
                None if self.ignore_missing => return Ok(None),
                None => document.get(self.transport.path())?,
            },
        };
        let text = document.print(&protocol);
        let protocol = protocol_number(text)
            .ok_or_else(|| document.fail(format_args!("could not convert string [{text}] to transport protocol")))?;
        let mut flow = NetworkFlow { source, destination, protocol, source_port: 0, destination_port: 0 };
        match protocol {
            6 | 17 | 132 => {
                flow.source_port = port(document, present(&self.source_port), "source port")?;
                flow.destination_port = port(document, present(&self.destination_port), "destination port")?;
            }
            ICMP | ICMP_IPV6 => {
                flow.source_port = whole(document, present(&self.icmp_type), "icmp type")? as u16;
                flow.destination_port = whole(document, present(&self.icmp_code), "icmp code")? as u16;
            }
            _ => {}
        }
        Ok(Some(flow))
    }
}

fn address<'a>(document: &Document<'a>, text: &str) -> Result<IpAddr, Failure<'a>> {
    let zoneless = text.split_once('%').map_or(text, |(address, _)| address);
    match zoneless.parse::<IpAddr>() {
        // Java turns an IPv4 address in IPv6 form into the former.
        Ok(IpAddr::V6(v6)) => Ok(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)),
        Ok(v4) => Ok(v4),
        Err(_) => Err(document.fail(format_args!("'{text}' is not an IP string literal."))),
    }
}

fn whole<'a>(document: &Document<'a>, value: Option<Value<'a>>, what: &str) -> Result<i32, Failure<'a>> {
    let fault = |value: &Value<'a>| document.fail(format_args!("unable to parse {what} [{}]", document.print(value)));
    match value {
        None => Ok(0),
        Some(Value::Str(text)) => numbers::parse_int(text, 10).map_err(|_| fault(&Value::Str(text))),
        Some(value) => match number(&value) {
            Some(Number::Int(n)) => Ok(n),
            Some(Number::Long(n)) => Ok(n as i32),
            Some(Number::Float(n)) => Ok(n as i32),
            Some(Number::Double(n)) => Ok(n as i32),
            _ => Err(fault(&value)),
        },
    }
}

fn port<'a>(document: &Document<'a>, value: Option<Value<'a>>, what: &str) -> Result<u16, Failure<'a>> {
    let n = whole(document, value, what)?;
    // Packages count on 0, which a missing port is too, giving no id.
    u16::try_from(n).ok().filter(|port| *port > 0).ok_or_else(|| document.fail(format_args!("invalid {what} [{n}]")))
}

/// Whether an address lies in a network: one of the named ones, or a CIDR block. `None` when that is neither.
pub fn in_network(address: IpAddr, network: &str) -> Option<bool> {
    Some(match network {
        "loopback" => address.is_loopback(),
        "global_unicast" | "unicast" => {
            let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
            !broadcast
                && !address.is_unspecified()
                && !address.is_loopback()
                && !address.is_multicast()
                && !link_local(address)
        }
        "link_local_unicast" => link_local(address),
        "interface_local_multicast" => multicast_scope(address, 1),
        "link_local_multicast" => link_local_multicast(address),
        "multicast" => address.is_multicast(),
        "unspecified" => address.is_unspecified(),
        "private" => private(address),
        "public" => {
            let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
            !(private(address)
                || address.is_loopback()
                || address.is_unspecified()
                || link_local(address)
                || link_local_multicast(address)
                || multicast_scope(address, 1)
                || broadcast)
        }
        cidr => return in_cidr(address, cidr),
    })
}

fn link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets().starts_with(&[224, 0, 0]),
        IpAddr::V6(_) => multicast_scope(address, 2),
    }
}

fn multicast_scope(address: IpAddr, scope: u8) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_multicast() && v6.octets()[1] & 0x0f == scope)
}

fn private(address: IpAddr) -> bool {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"]
        .iter()
        .any(|cidr| in_cidr(address, cidr) == Some(true))
}

fn in_cidr(address: IpAddr, cidr: &str) -> Option<bool> {
    let (base, bits) = cidr.split_once('/')?;
    let bits: u32 = bits.parse().ok()?;
    match (base.parse::<IpAddr>().ok()?, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            Some((base.to_bits() ^ address.to_bits()) & mask == 0)
        }
        (IpAddr::V6(base), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            Some((base.to_bits() ^ address.to_bits()) & mask == 0)
        }
        (IpAddr::V4(_), _) if bits > 32 => None,
        (IpAddr::V6(_), _) if bits > 128 => None,
        _ => Some(false),
    }
}

struct NetworkDirectionProcessor {
    source_ip: FieldPath,
    destination_ip: FieldPath,
    target: FieldPath,
    networks: Networks,
    ignore_missing: bool,
}

enum Networks {
    Listed(Vec<Template>),
    Field(FieldPath),
}

fn network_direction(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let listed = options.optional_texts("internal_networks")?;
    let field = options.optional_path("internal_networks_field")?;
    let networks = match (listed, field) {
        (Some(listed), None) => {
            let mut templates = Vec::with_capacity(listed.len());
            for text in listed {
                let template = Template::compile(text, options.symbols())
                    .map_err(|e| options.fault("internal_networks", format_args!("is no valid template: {e}")))?;
                if template.fixed().is_some_and(|text| in_network(IpAddr::from([127, 0, 0, 1]), text).is_none()) {
                    return Err(options.fault("internal_networks", format_args!("names no network: {text}")));
                }
                templates.push(template);
            }
            Networks::Listed(templates)
        }
        (None, Some(field)) => Networks::Field(field),
        (None, None) => {
            return Err(options.fault("internal_networks", "or [internal_networks_field] must be specified"));
        }
        (Some(_), Some(_)) => {
            return Err(options.fault(
                "internal_networks",
                "and [internal_networks_field] cannot both be used in the same processor",
            ));
        }
    };
    Ok(Box::new(NetworkDirectionProcessor {
        source_ip: options.path_or("source_ip", "source.ip")?,
        destination_ip: options.path_or("destination_ip", "destination.ip")?,
        target: options.path_or("target_field", "network.direction")?,
        networks,
        ignore_missing: options.flag("ignore_missing", true)?,
    }))
}

impl Processor for NetworkDirectionProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        match self.direction(document)? {
            Some(direction) => {
                document.set(self.target.path(), Value::Str(direction))?;
                Ok(Flow::Next)
            }
            None if self.ignore_missing => Ok(Flow::Next),
            None => Err(document.fail(format_args!("unable to calculate network direction from document"))),
        }
    }
}

impl NetworkDirectionProcessor {
    fn direction<'a>(&'a self, document: &Document<'a>) -> Result<Option<&'static str>, Failure<'a>> {
        let networks = match &self.networks {
            Networks::Listed(templates) => {
                templates.iter().map(|template| template.render(document)).collect::<Result<Vec<_>, _>>()?
            }
            Networks::Field(field) => match document.find(field.path()) {
                Some(Value::List(list)) => list.iter().map(|item| document.print(&item)).collect(),
                None | Some(Value::Null) if self.ignore_missing => return Ok(None),
                None => {
                    return Err(document.get(field.path()).err().unwrap_or_else(|| document.fail(format_args!(""))));
                }
                Some(other) => return Err(document.cannot_cast(field.path(), &other, "java.util.ArrayList")),
            },
        };
        let Some(source) = document.get_text(self.source_ip.path(), self.ignore_missing)? else { return Ok(None) };
        let Some(destination) = document.get_text(self.destination_ip.path(), self.ignore_missing)? else {
            return Ok(None);
        };
        let internal = |text: &str| -> Result<bool, Failure<'a>> {
            let address = address(document, text)?;
            for network in &networks {
                match in_network(address, network) {
                    Some(true) => return Ok(true),
                    Some(false) => {}
                    None => {
                        return Err(document.fail(format_args!("'{network}' is not an IP string literal.")));
                    }
                }
            }
            Ok(false)
        };
        Ok(Some(match (internal(source)?, internal(destination)?) {
            (true, true) => "internal",
            (true, false) => "outbound",
            (false, true) => "inbound",
            (false, false) => "external",
        }))
    }
}

/// A host name taken apart by the public suffix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainParts<'t> {
    pub domain: &'t str,
    pub registered_domain: Option<&'t str>,
    pub top_level_domain: &'t str,
    pub subdomain: Option<&'t str>,
}

/// `None` for a name that lies under no public suffix. A suffix of the list's private part (`cloudfront.net`) is itself the registered domain, as
/// in the original.
pub fn domain_parts(name: &str) -> Option<DomainParts<'_>> {
    let lower = name.to_ascii_lowercase();
    let suffix = psl::suffix(lower.as_bytes())?;
    if !suffix.is_known() || suffix.as_bytes().is_empty() {
        return None;
    }
    let suffix_start = name.len().checked_sub(suffix.as_bytes().len())?;
    let registered_start = match suffix.typ() {
        Some(psl::Type::Private) => suffix_start,
        _ if suffix_start == 0 => {
            let parts = DomainParts { domain: name, registered_domain: None, top_level_domain: name, subdomain: None };
            return Some(parts);
        }
        _ => name.get(..suffix_start - 1)?.rfind('.').map_or(0, |dot| dot + 1),
    };
    let registered = name.get(registered_start..)?;
    let (_, top_level_domain) = registered.split_once('.')?;
    let subdomain = name.get(..registered_start.saturating_sub(1)).filter(|text| !text.is_empty());
    Some(DomainParts { domain: name, registered_domain: Some(registered), top_level_domain, subdomain })
}

struct RegisteredDomainProcessor {
    field: FieldPath,
    domain: FieldPath,
    registered_domain: FieldPath,
    top_level_domain: FieldPath,
    subdomain: FieldPath,
    ignore_missing: bool,
}

fn registered_domain(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let prefix = match options.optional_text("target_field")? {
        None | Some("") => String::new(),
        Some(target) => format!("{target}."),
    };
    let mut path = |name: &str| options.compile_path("target_field", &format!("{prefix}{name}"));
    let (domain, registered) = (path("domain")?, path("registered_domain")?);
    let (top_level_domain, subdomain) = (path("top_level_domain")?, path("subdomain")?);
    Ok(Box::new(RegisteredDomainProcessor {
        field: options.path("field")?,
        domain,
        registered_domain: registered,
        top_level_domain,
        subdomain,
        ignore_missing: options.flag("ignore_missing", true)?,
    }))
}

impl Processor for RegisteredDomainProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let text = document.get_text(self.field.path(), self.ignore_missing)?;
        let Some(parts) = text.and_then(domain_parts) else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("unable to set domain information for document")));
        };
        document.set(self.domain.path(), Value::Str(parts.domain))?;
        if let Some(registered) = parts.registered_domain {
            document.set(self.registered_domain.path(), Value::Str(registered))?;
        }
        document.set(self.top_level_domain.path(), Value::Str(parts.top_level_domain))?;
        if let Some(subdomain) = parts.subdomain {
            document.set(self.subdomain.path(), Value::Str(subdomain))?;
        }
        Ok(Flow::Next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(source: &str, destination: &str, protocol: u8, from: u16, to: u16) -> String {
        let flow = NetworkFlow {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            protocol,
            source_port: from,
            destination_port: to,
        };
        flow.community_id(0)
    }

    #[test]
    fn community_ids_are_the_specifications() {
        for (source, destination, protocol, from, to, id) in [
            ("128.232.110.120", "66.35.250.204", 6, 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            ("66.35.250.204", "128.232.110.120", 6, 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            ("192.168.1.52", "8.8.8.8", 17, 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            ("192.168.0.89", "192.168.0.1", 1, 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        ] {
            assert_eq!(flow(source, destination, protocol, from, to), id);
        }
    }

    #[test]
    fn networks_have_names() {
        for (address, network, inside) in [
            ("127.0.0.1", "loopback", true),
            ("10.1.2.3", "private", true),
            ("172.32.0.1", "private", false),
            ("fd00::1", "private", true),
            ("8.8.8.8", "public", true),
            ("169.254.1.1", "link_local_unicast", true),
            ("224.0.0.251", "link_local_multicast", true),
            ("ff02::1", "link_local_multicast", true),
            ("ff01::1", "interface_local_multicast", true),
            ("255.255.255.255", "unicast", false),
            ("::", "unspecified", true),
            ("1.2.3.4", "1.2.0.0/16", true),
            ("1.2.3.4", "0.0.0.0/0", true),
            ("2001:db8::1", "2001:db8::/32", true),
            ("1.2.3.4", "::/0", false),
        ] {
            assert_eq!(in_network(address.parse().unwrap(), network), Some(inside), "{address} {network}");
        }
        assert_eq!(in_network("1.2.3.4".parse().unwrap(), "nonsense"), None);
    }

    #[test]
    fn domains_are_taken_apart() {
        let parts = domain_parts("www.example.co.uk").unwrap();
        assert_eq!(parts.registered_domain, Some("example.co.uk"));
        assert_eq!((parts.top_level_domain, parts.subdomain), ("co.uk", Some("www")));
        assert_eq!(domain_parts("example.com").unwrap().subdomain, None);
        assert_eq!(domain_parts("com").unwrap().registered_domain, None);
        assert_eq!(domain_parts("host.nosuchsuffix"), None);
        let parts = domain_parts("d111111abcdef8.cloudfront.net").unwrap();
        assert_eq!(parts.registered_domain, Some("cloudfront.net"));
        assert_eq!((parts.top_level_domain, parts.subdomain), ("net", Some("d111111abcdef8")));
        let parts = domain_parts("github.io").unwrap();
        assert_eq!((parts.registered_domain, parts.top_level_domain, parts.subdomain), (Some("github.io"), "io", None));
    }
}
