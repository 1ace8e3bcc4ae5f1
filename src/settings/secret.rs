//! A value that no log may show, and the references by which settings name one without holding it.
//!
//! References are resolved once, when settings are read. A literal secret in the file is allowed: a laptop needs no vault.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::Read;

/// Text that is not written by `{:?}` and has no `{}`: only [`Secret::reveal`] gives it, which is easy to search for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A secret is a password, a token or a PEM file; more is a wrong path.
const SECRET_FILE_BYTES_MAX: u64 = 256 * 1024;

/// The text itself, or what `${env:NAME}` or `${file:path}` stands for when the whole text is one such reference.
pub fn resolve(text: &str, environment: &HashMap<String, String>) -> Result<Secret, String> {
    let Some(reference) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Ok(Secret::new(text));
    };
    if let Some(name) = reference.strip_prefix("env:") {
        return match environment.get(name) {
            Some(value) => Ok(Secret::new(value)),
            None => Err(format!("the environment variable {name} is not set; set it, or name another one")),
        };
    }
    if let Some(path) = reference.strip_prefix("file:") {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(SECRET_FILE_BYTES_MAX + 1).read_to_string(&mut text));
        return match read {
            Ok(bytes) if bytes as u64 > SECRET_FILE_BYTES_MAX => {
                Err(format!("the file {path} is larger than {} KiB, so it is no secret", SECRET_FILE_BYTES_MAX / 1024))
            }
            // Editors and `echo` end a file with a newline that is no part of the secret.
            Ok(_) => Ok(Secret::new(text.strip_suffix('\n').map_or(&*text, |text| text.trim_end_matches('\r')))),
            Err(error) => Err(format!("the file {path} cannot be read: {error}")),
        };
    }
    // The text is not repeated: it may be a secret that happens to look like a reference.
    Err("a reference is ${env:NAME} or ${file:path}".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_written_by_debug() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some([secret])");
    }

    #[test]
    fn references_are_resolved_and_other_text_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, "from file\r\n").unwrap();
        let environment = HashMap::from([("PASSWORD".to_string(), "from env".to_string())]);
        let file_reference = format!("${{file:{}}}", path.display());
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("pa${env:PASSWORD}", Ok("pa${env:PASSWORD}")),
            ("${env:PASSWORD}", Ok("from env")),
            (&file_reference, Ok("from file")),
            ("${env:ABSENT}", Err("the environment variable ABSENT is not set; set it, or name another one")),
            ("${vault:x}", Err("a reference is ${env:NAME} or ${file:path}")),
        ] {
            let resolved = resolve(text, &environment);
            assert_eq!(resolved.as_ref().map(Secret::reveal).map_err(String::as_str), expected, "{text}");
        }
    }
}
