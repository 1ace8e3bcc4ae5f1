//! The fields of the Elastic Common Schema that Sluice types: one declaration for templates and for whatever guards types.
//!
//! Names and types are ECS's own (`ecs.txt`, a line per field). Left out are its deep repetitions (a leader's leader's process, binaries'
//! sections, nested lists), so that an index stays well below a thousand fields; what is not declared is kept in the document, not searched.

/// What a field's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldType {
    Keyword,
    Wildcard,
    Text,
    /// Kept and shown, never searched.
    Stored,
    Long,
    Float,
    Boolean,
    Date,
    Ip,
    GeoPoint,
    /// An object whose members nobody declares.
    Flat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub field_type: FieldType,
    /// Searched by words too, as `name.text`.
    pub has_text: bool,
}

/// Every declared field, by name.
pub fn fields() -> impl Iterator<Item = Field> {
    include_str!("ecs.txt").lines().filter_map(|line| {
        let (word, name) = line.split_once(' ')?;
        let (word, has_text) = word.strip_suffix("+text").map_or((word, false), |word| (word, true));
        Some(Field { name, field_type: type_named(word)?, has_text })
    })
}

fn type_named(word: &str) -> Option<FieldType> {
    Some(match word {
        "keyword" => FieldType::Keyword,
        "wildcard" => FieldType::Wildcard,
        "text" => FieldType::Text,
        "stored" => FieldType::Stored,
        "long" => FieldType::Long,
        "float" => FieldType::Float,
        "boolean" => FieldType::Boolean,
        "date" => FieldType::Date,
        "ip" => FieldType::Ip,
        "geo_point" => FieldType::GeoPoint,
        "flat" => FieldType::Flat,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_field_and_none_lies_within_another() {
        let all: Vec<Field> = fields().collect();
        assert_eq!(all.len(), include_str!("ecs.txt").lines().count());
        assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name));
        for field in &all {
            let inside = format!("{}.", field.name);
            assert!(!all.iter().any(|other| other.name.starts_with(&inside)), "{}", field.name);
        }
    }

    /// The peer is ECS's own generated list.
    #[test]
    fn names_and_types_are_those_of_ecs() {
        let folder = std::env::var("SLUICE_SHARED_DATA")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data").to_owned());
        let Ok(text) = std::fs::read_to_string(format!("{folder}/ecs/ecs_flat.yml")) else {
            println!("no ECS list at {folder}/ecs: not compared");
            return;
        };
        let ecs: std::collections::HashMap<String, yaml_serde::Value> = yaml_serde::from_str(&text).unwrap();
        for field in fields() {
            let theirs = ecs.get(field.name).and_then(|field| field.get("type")).and_then(|word| word.as_str());
            let ours: &[&str] = match field.field_type {
                FieldType::Keyword => &["keyword", "constant_keyword"],
                FieldType::Stored => &["keyword"],
                FieldType::Wildcard => &["wildcard"],
                FieldType::Text => &["match_only_text"],
                FieldType::Long => &["long", "integer"],
                FieldType::Float => &["float", "double", "scaled_float"],
                FieldType::Boolean => &["boolean"],
                FieldType::Date => &["date"],
                FieldType::Ip => &["ip"],
                FieldType::GeoPoint => &["geo_point"],
                FieldType::Flat => &["object", "flattened"],
            };
            assert!(theirs.is_some_and(|theirs| ours.contains(&theirs)), "{}: {theirs:?}", field.name);
        }
    }
}
