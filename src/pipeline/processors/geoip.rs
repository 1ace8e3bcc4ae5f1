//! `geoip`: place and network of an address from MaxMind's databases.
//!
//! A database is read whole when the first processor that names it is loaded, and shared while one uses it. One that is not in the folder
//! does not stop a pipeline: as in the original, its documents are tagged.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::SystemTime;

use maxminddb::{Reader, geoip2};
use rustc_hash::FxHashMap;

use crate::event::{Object, Value};

use super::super::document::{Document, Done, Failure, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("geoip", geoip)];

struct Database {
    reader: Reader<Vec<u8>>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    City,
    Country,
    Asn,
    AnonymousIp,
    ConnectionType,
    Domain,
    Enterprise,
    Isp,
}

impl Kind {
    fn of(database_type: &str) -> Option<Kind> {
        let ends = |suffix: &str| database_type.ends_with(suffix);
        Some(match database_type {
            _ if ends("-City") => Kind::City,
            _ if ends("-Country") => Kind::Country,
            _ if ends("-ASN") => Kind::Asn,
            _ if ends("-Anonymous-IP") => Kind::AnonymousIp,
            _ if ends("-Connection-Type") => Kind::ConnectionType,
            _ if ends("-Domain") => Kind::Domain,
            _ if ends("-Enterprise") => Kind::Enterprise,
            _ if ends("-ISP") => Kind::Isp,
            _ => return None,
        })
    }

    /// The properties that a database of this kind has, and those that are taken when none are named.
    fn properties(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Kind::City => (
                &[
                    "ip",
                    "country_iso_code",
                    "country_name",
                    "continent_code",
                    "continent_name",
                    "region_iso_code",
                    "region_name",
                    "city_name",
                    "timezone",
                    "location",
                    "postal_code",
                    "accuracy_radius",
                    "country_in_european_union",
                ],
                &[
                    "continent_name",
                    "country_name",
                    "country_iso_code",
                    "region_iso_code",
                    "region_name",
                    "city_name",
                    "location",
                ],
            ),
            Kind::Country => (
                &[
                    "ip",
                    "continent_code",
                    "continent_name",
                    "country_name",
                    "country_iso_code",
                    "country_in_european_union",
                ],
                &["continent_name", "country_name", "country_iso_code"],
            ),
            Kind::Asn => {
                (&["ip", "asn", "organization_name", "network"], &["ip", "asn", "organization_name", "network"])
            }
            Kind::AnonymousIp => (
                &[
                    "ip",
                    "hosting_provider",
                    "tor_exit_node",
                    "anonymous_vpn",
                    "anonymous",
                    "public_proxy",
                    "residential_proxy",
                ],
                &[
                    "hosting_provider",
                    "tor_exit_node",
                    "anonymous_vpn",
                    "anonymous",
                    "public_proxy",
                    "residential_proxy",
                ],
            ),
            Kind::ConnectionType => (&["ip", "connection_type"], &["connection_type"]),
            Kind::Domain => (&["ip", "domain"], &["domain"]),
            Kind::Enterprise => (
                &[
                    "ip",
                    "country_iso_code",
                    "country_name",
                    "continent_code",
                    "continent_name",
                    "region_iso_code",
                    "region_name",
                    "city_name",
                    "timezone",
                    "location",
                    "asn",
                    "organization_name",
                    "network",
                    "hosting_provider",
                    "tor_exit_node",
                    "anonymous_vpn",
                    "anonymous",
                    "public_proxy",
                    "residential_proxy",
                    "domain",
                    "isp",
                    "isp_organization_name",
                    "mobile_country_code",
                    "mobile_network_code",
                    "user_type",
                    "connection_type",
                    "postal_code",
                    "accuracy_radius",
                    "country_in_european_union",
                ],
                &[
                    "country_iso_code",
                    "country_name",
                    "continent_name",
                    "region_iso_code",
                    "region_name",
                    "city_name",
                    "location",
                ],
            ),
            Kind::Isp => (
                &[
                    "ip",
                    "asn",
                    "organization_name",
                    "network",
                    "isp",
                    "isp_organization_name",
                    "mobile_country_code",
                    "mobile_network_code",
                ],
                &[
                    "ip",
                    "asn",
                    "organization_name",
                    "network",
                    "isp",
                    "isp_organization_name",
                    "mobile_country_code",
                    "mobile_network_code",
                ],
            ),
        }
    }
}

/// The file of a database: by its name, or where there is no such file, the only one whose name goes on behind a hyphen or underscore,
/// as MaxMind's dated files do.
fn file_of(dir: &Path, name: &str) -> Option<PathBuf> {
    // A name is no way out of the folder.
    if name.contains(['/', '\\']) || name.starts_with('.') {
        return None;
    }
    let exact = dir.join(name);
    if exact.is_file() {
        return Some(exact);
    }
    let stem = name.strip_suffix(".mmdb")?;
    let mut found = fs::read_dir(dir).ok()?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
            name.ends_with(".mmdb") && name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['-', '_']))
        })
    });
    found.next().filter(|_| found.next().is_none())
}

/// Databases in use, by file and the time when it was written: a file that is replaced is read anew.
type Shared = Mutex<FxHashMap<(PathBuf, Option<SystemTime>), Weak<Database>>>;

/// The database, when the folder has it; `Err` says why a file is none.
fn open(dir: Option<&Path>, name: &str) -> Result<Option<Arc<Database>>, String> {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let Some(path) = dir.and_then(|dir| file_of(dir, name)) else { return Ok(None) };
    let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
    let mut shared = match SHARED.get_or_init(Mutex::default).lock() {
        Ok(shared) => shared,
        Err(poisoned) => poisoned.into_inner(),
    };
    let key = (path, written);
    if let Some(database) = shared.get(&key).and_then(Weak::upgrade) {
        return Ok(Some(database));
    }
    let reader = Reader::open_readfile(&key.0).map_err(|e| format!("{}: {e}", key.0.display()))?;
    let kind = Kind::of(&reader.metadata().database_type)
        .ok_or_else(|| format!("Unsupported database type [{}] for file [{name}]", reader.metadata().database_type))?;
    let database = Arc::new(Database { reader, kind });
    shared.retain(|_, known| known.strong_count() > 0);
    shared.insert(key, Arc::downgrade(&database));
    Ok(Some(database))
}

struct GeoIpProcessor {
    field: FieldPath,
    target: FieldPath,
    tags: FieldPath,
    database: Option<Arc<Database>>,
    unavailable_tag: String,
    properties: Vec<String>,
    ignore_missing: bool,
    first_only: bool,
}

fn geoip(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let file = options.optional_text("database_file")?.unwrap_or("GeoLite2-City.mmdb").to_owned();
    // Databases are files of the operator's; none is fetched.
    options.flag("download_database_on_pipeline_creation", true)?;
    let dir = options.resources().geo_databases_dir.clone();
    let database = open(dir.as_deref(), &file).map_err(|e| options.fault("database_file", e))?;
    let named = options.optional_texts("properties")?;
    let kind = database.as_ref().map(|database| database.kind);
    let properties = match (&named, kind) {
        (Some(named), _) => named.iter().map(|name| name.to_ascii_lowercase()).collect(),
        (None, Some(kind)) => kind.properties().1.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        (None, None) => Vec::new(),
    };
    if let Some(kind) = kind
        && let Some(unknown) = properties.iter().find(|name| !kind.properties().0.contains(&name.as_str()))
    {
        let valid = kind.properties().0.join(", ").to_ascii_uppercase();
        return Err(
            options.fault("properties", format_args!("illegal property value [{unknown}]. valid values are [{valid}]"))
        );
    }
    Ok(Box::new(GeoIpProcessor {
        field: options.path("field")?,
        target: options.path_or("target_field", "geoip")?,
        tags: options.compile_path("field", "tags")?,
        database,
        unavailable_tag: format!("_geoip_database_unavailable_{file}"),
        properties,
        ignore_missing: options.flag("ignore_missing", false)?,
        first_only: options.flag("first_only", true)?,
    }))
}

impl Processor for GeoIpProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let field = path.text();
        let value = match document.find(path) {
            None | Some(Value::Null) if self.ignore_missing => return Ok(Flow::Next),
            None => document.get(path)?,
            Some(value) => value,
        };
        if value.is_null() {
            return Err(document.fail(format_args!("field [{field}] is null, cannot extract geoip information.")));
        }
        let Some(database) = &self.database else {
            if !self.ignore_missing {
                document.append(self.tags.path(), Value::Str(&self.unavailable_tag), true)?;
            }
            return Ok(Flow::Next);
        };
        match value {
            Value::Str(text) => {
                if let Some(found) = self.look_up(document, database, text)? {
                    document.set(self.target.path(), found)?;
                }
            }
            Value::List(list) => {
                let all = document.arena.list();
                let mut any = false;
                for item in list.iter() {
                    let Value::Str(text) = item else {
                        return Err(document.fail(format_args!("array in field [{field}] should only contain strings")));
                    };
                    let found = self.look_up(document, database, text)?;
                    if let (Some(found), true) = (found, self.first_only) {
                        document.set(self.target.path(), found)?;
                        return Ok(Flow::Next);
                    }
                    any |= found.is_some();
                    all.push(found.unwrap_or(Value::Null));
                }
                if any {
                    document.set(self.target.path(), Value::List(all))?;
                }
            }
            _ => {
                return Err(
                    document.fail(format_args!("field [{field}] should contain only string or array of strings"))
                );
            }
        }
        Ok(Flow::Next)
    }
}

/// Fields under their property names; only those that were asked for are kept.
struct Found<'p, 'a> {
    wanted: &'p [String],
    document: &'p Document<'a>,
    object: &'a Object<'a>,
}

impl<'a> Found<'_, 'a> {
    fn value(&self, name: &'static str, value: Option<Value<'a>>) {
        if let Some(value) = value
            && self.wanted.iter().any(|wanted| wanted == name)
        {
            self.object.set_str(name, value);
        }
    }

    fn text(&self, name: &'static str, text: Option<&'a str>) {
        self.value(name, text.map(Value::Str));
    }

    fn place(&self, place: Option<(f64, f64)>) {
        let location = place.map(|(latitude, longitude)| {
            let object = self.document.arena.object();
            object.set_str("lon", Value::Double(longitude));
            object.set_str("lat", Value::Double(latitude));
            Value::Object(object)
        });
        self.value("location", location);
    }

    fn region(&self, country: Option<&str>, region: Option<&str>) {
        if let (Some(country), Some(region)) = (country, region) {
            self.text("region_iso_code", Some(self.document.format(format_args!("{country}-{region}"))));
        }
    }

    fn flags(&self, flags: [(&'static str, Option<bool>); 6]) {
        for (name, flag) in flags {
            self.value(name, Some(Value::Bool(flag.unwrap_or(false))));
        }
    }

    fn number(&self, name: &'static str, number: Option<u32>) {
        self.value(name, number.map(|n| Value::Long(i64::from(n))));
    }
}

impl GeoIpProcessor {
    fn look_up<'a>(
        &'a self,
        document: &Document<'a>,
        database: &'a Database,
        text: &'a str,
    ) -> Result<Option<Value<'a>>, Failure<'a>> {
        let address: IpAddr =
            text.parse().map_err(|_| document.fail(format_args!("'{text}' is not an IP string literal.")))?;
        let broken = |e: maxminddb::MaxMindDbError| document.fail(format_args!("{e}"));
        let result = match database.reader.lookup(address) {
            Ok(result) if result.has_data() => result,
            Ok(_) => return Ok(None),
            // An IPv6 address in a database of IPv4 addresses is not in it.
            Err(maxminddb::MaxMindDbError::InvalidInput { .. }) => return Ok(None),
            Err(e) => return Err(broken(e)),
        };
        let found = Found { wanted: &self.properties, document, object: document.arena.object() };
        found.text("ip", Some(document.format(format_args!("{address}"))));
        let network = || result.network().ok().map(|network| document.format(format_args!("{network}")));
        match database.kind {
            Kind::City => {
                if let Some(city) = result.decode::<geoip2::City<'a>>().map_err(broken)? {
                    found.text("country_iso_code", city.country.iso_code);
                    found.text("country_name", city.country.names.english);
                    found.text("continent_code", city.continent.code);
                    found.text("continent_name", city.continent.names.english);
                    let region = city.subdivisions.last();
                    found.region(city.country.iso_code, region.and_then(|region| region.iso_code));
                    found.text("region_name", region.and_then(|region| region.names.english));
                    found.text("city_name", city.city.names.english);
                    found.text("timezone", city.location.time_zone);
                    found.place(city.location.latitude.zip(city.location.longitude));
                    found.text("postal_code", city.postal.code);
                    found.number("accuracy_radius", city.location.accuracy_radius.map(u32::from));
                    found.value("country_in_european_union", city.country.is_in_european_union.map(Value::Bool));
                }
            }
            Kind::Country => {
                if let Some(country) = result.decode::<geoip2::Country<'a>>().map_err(broken)? {
                    found.text("country_iso_code", country.country.iso_code);
                    found.text("country_name", country.country.names.english);
                    found.text("continent_code", country.continent.code);
                    found.text("continent_name", country.continent.names.english);
                    found.value("country_in_european_union", country.country.is_in_european_union.map(Value::Bool));
                }
            }
            Kind::Asn => {
                if let Some(asn) = result.decode::<geoip2::Asn<'a>>().map_err(broken)? {
                    found.number("asn", asn.autonomous_system_number);
                    found.text("organization_name", asn.autonomous_system_organization);
                    found.text("network", network());
                }
            }
            Kind::AnonymousIp => {
                if let Some(ip) = result.decode::<geoip2::AnonymousIp>().map_err(broken)? {
                    found.flags([
                        ("hosting_provider", ip.is_hosting_provider),
                        ("tor_exit_node", ip.is_tor_exit_node),
                        ("anonymous_vpn", ip.is_anonymous_vpn),
                        ("anonymous", ip.is_anonymous),
                        ("public_proxy", ip.is_public_proxy),
                        ("residential_proxy", ip.is_residential_proxy),
                    ]);
                }
            }
            Kind::ConnectionType => {
                if let Some(connection) = result.decode::<geoip2::ConnectionType<'a>>().map_err(broken)? {
                    found.text("connection_type", connection.connection_type);
                }
            }
            Kind::Domain => {
                if let Some(domain) = result.decode::<geoip2::Domain<'a>>().map_err(broken)? {
                    found.text("domain", domain.domain);
                }
            }
            Kind::Enterprise => {
                if let Some(all) = result.decode::<geoip2::Enterprise<'a>>().map_err(broken)? {
                    found.text("country_iso_code", all.country.iso_code);
                    found.text("country_name", all.country.names.english);
                    found.text("continent_code", all.continent.code);
                    found.text("continent_name", all.continent.names.english);
                    let region = all.subdivisions.last();
                    found.region(all.country.iso_code, region.and_then(|region| region.iso_code));
                    found.text("region_name", region.and_then(|region| region.names.english));
                    found.text("city_name", all.city.names.english);
                    found.text("timezone", all.location.time_zone);
                    found.place(all.location.latitude.zip(all.location.longitude));
                    found.text("postal_code", all.postal.code);
                    found.number("accuracy_radius", all.location.accuracy_radius.map(u32::from));
                    found.value("country_in_european_union", all.country.is_in_european_union.map(Value::Bool));
                    found.number("asn", all.traits.autonomous_system_number);
                    found.text("organization_name", all.traits.autonomous_system_organization);
                    found.text("network", network());
                    found.flags([
                        ("hosting_provider", all.traits.is_hosting_provider),
                        ("tor_exit_node", all.traits.is_tor_exit_node),
                        ("anonymous_vpn", all.traits.is_anonymous_vpn),
                        ("anonymous", all.traits.is_anonymous),
                        ("public_proxy", all.traits.is_public_proxy),
                        ("residential_proxy", all.traits.is_residential_proxy),
                    ]);
                    found.text("domain", all.traits.domain);
                    found.text("isp", all.traits.isp);
                    found.text("isp_organization_name", all.traits.organization);
                    found.text("mobile_country_code", all.traits.mobile_country_code);
                    found.text("mobile_network_code", all.traits.mobile_network_code);
                    found.text("user_type", all.traits.user_type);
                    found.text("connection_type", all.traits.connection_type);
                }
            }
            Kind::Isp => {
                if let Some(isp) = result.decode::<geoip2::Isp<'a>>().map_err(broken)? {
                    found.number("asn", isp.autonomous_system_number);
                    found.text("organization_name", isp.autonomous_system_organization);
                    found.text("network", network());
                    found.text("isp", isp.isp);
                    found.text("isp_organization_name", isp.organization);
                    found.text("mobile_country_code", isp.mobile_country_code);
                    found.text("mobile_network_code", isp.mobile_network_code);
                }
            }
        }
        Ok((!found.object.is_empty()).then_some(Value::Object(found.object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_name_is_no_way_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(dir.path().join("x.mmdb"), "").unwrap();
        assert_eq!(file_of(&inner, "../x.mmdb"), None);
        assert_eq!(file_of(dir.path(), "x.mmdb"), Some(dir.path().join("x.mmdb")));
        fs::write(inner.join("City_20260101.mmdb"), "").unwrap();
        assert_eq!(file_of(&inner, "City.mmdb"), Some(inner.join("City_20260101.mmdb")));
        fs::write(inner.join("City_20260202.mmdb"), "").unwrap();
        assert_eq!(file_of(&inner, "City.mmdb"), None);
    }

    #[test]
    fn an_address_has_its_place() {
        let shared = std::env::var("SLUICE_SHARED_DATA")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data").into());
        let dir = Path::new(&shared).join("geo");
        if !dir.is_dir() {
            println!("skipped: there are no databases in {}", dir.display());
            return;
        }
        let database = open(Some(&dir), "GeoLite2-City.mmdb").unwrap().unwrap();
        assert_eq!(database.kind, Kind::City);
        let result = database.reader.lookup("89.160.20.112".parse().unwrap()).unwrap();
        let city = result.decode::<geoip2::City<'_>>().unwrap().unwrap();
        assert_eq!((city.country.iso_code, city.city.names.english), (Some("SE"), Some("Linköping")));
    }
}
