//! Pipeline files in folders: which file is which pipeline.
//!
//! Three layouts are known, and may be mixed: a source of ours (`aws_cloudtrail/pipeline.yml` is the pipeline `aws_cloudtrail`), Elastic's
//! packages (`aws/data_stream/vpcflow/elasticsearch/ingest_pipeline/default.yml` is `aws.vpcflow`, another file `x.yml` there
//! `aws.vpcflow-x`), and plain files named after their pipeline, as `pulled/nginx.json`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::settings::Fault;

/// One pipeline before it is compiled.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    /// For faults: where the text came from.
    pub file: String,
    pub text: String,
    /// What the names of a package's own pipelines, `{{ IngestPipeline "x" }}`, stand in front of; `None` for the names alone.
    pub scope: Option<String>,
}

/// Folders inside folders; a link that leads back ends here.
const FOLDER_LEVELS_MAX: usize = 16;
/// No pipeline is larger, and a file that is was meant for something else.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Every pipeline file (`.yml`, `.yaml`, `.json`) of one folder, named by its file.
pub fn read_dir(dir: &Path) -> Result<Vec<Source>, Fault> {
    let mut sources = Vec::new();
    for path in entries(dir)? {
        if let Some(name) = pipeline_name(&path) {
            sources.push(Source {
                name: name.into(),
                file: path.display().to_string(),
                text: read(&path)?,
                scope: None,
            });
        }
    }
    Ok(sources)
}

/// Every pipeline under a folder, by the layouts above.
pub fn read_tree(dir: &Path) -> Result<Vec<Source>, Fault> {
    let mut sources = Vec::new();
    walk(dir, 0, &mut sources)?;
    Ok(sources)
}

fn walk(dir: &Path, level: usize, sources: &mut Vec<Source>) -> Result<(), Fault> {
    let packaged = dir.join("elasticsearch/ingest_pipeline");
    if packaged.is_dir() {
        let scope = package_scope(dir);
        for source in read_dir(&packaged)? {
            let name = scoped(Some(&scope), &source.name);
            sources.push(Source { name, scope: Some(scope.clone()), ..source });
        }
    }
    let own = dir.join("pipeline.yml");
    if own.is_file() {
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        sources.push(Source { name, file: own.display().to_string(), text: read(&own)?, scope: None });
        return Ok(());
    }
    // A package's other files are no pipelines.
    let package = dir.join("manifest.yml").is_file();
    if !package {
        sources.extend(read_dir(dir)?);
    }
    if level < FOLDER_LEVELS_MAX {
        for path in entries(dir)? {
            let inside = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let wanted = !package || inside == "data_stream";
            if wanted && !inside.starts_with(['.', '_']) && path.is_dir() {
                walk(&path, level + 1, sources)?;
            }
        }
    }
    Ok(())
}

/// The pipeline that a file is, by its name; `None` when it is no pipeline file.
fn pipeline_name(path: &Path) -> Option<&str> {
    let kind = path.extension()?.to_str()?;
    (matches!(kind, "yml" | "yaml" | "json") && path.is_file()).then(|| path.file_stem()?.to_str())?
}

/// `aws.vpcflow` for the data stream's folder of a package, the package's own name for the package's folder.
fn package_scope(dir: &Path) -> String {
    let name = |path: Option<&Path>| {
        path.and_then(|path| path.file_name()).and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    };
    let parent = dir.parent();
    if name(parent) == "data_stream" {
        format!("{}.{}", name(parent.and_then(Path::parent)), name(Some(dir)))
    } else {
        name(Some(dir))
    }
}

/// The full name of a package's own pipeline.
pub(super) fn scoped(scope: Option<&str>, name: &str) -> String {
    match scope {
        None => name.into(),
        Some(scope) if name == "default" => scope.into(),
        Some(scope) => format!("{scope}-{name}"),
    }
}

/// What lies in a folder, in order.
pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let unreadable = |e: std::io::Error| Fault::of_file(dir.display().to_string(), format!("cannot be read: {e}"));
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The text of a file that a person wrote.
pub fn read(path: &Path) -> Result<String, Fault> {
    let unreadable = |what: String| Fault::of_file(path.display().to_string(), what);
    let bytes = fs::metadata(path).map_err(|e| unreadable(format!("cannot be read: {e}")))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(unreadable(format!("has {bytes} bytes, more than {FILE_BYTES_MAX}")));
    }
    fs::read_to_string(path).map_err(|e| unreadable(format!("cannot be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_of_all_layouts_get_their_names() {
        let dir = tempfile::tempdir().unwrap();
        let files = [
            "ours/nginx_access/pipeline.yml",
            "ours/nginx_access/tests/x-config.yml",
            "packages/aws/manifest.yml",
            "packages/aws/data_stream/vpcflow/manifest.yml",
            "packages/aws/data_stream/vpcflow/elasticsearch/ingest_pipeline/default.yml",
            "packages/aws/data_stream/vpcflow/elasticsearch/ingest_pipeline/lines.json",
            "pulled/mine.json",
        ];
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "processors: []").unwrap();
        }
        let names: Vec<_> = read_tree(dir.path()).unwrap().into_iter().map(|source| source.name).collect();
        assert_eq!(names, ["nginx_access", "aws.vpcflow", "aws.vpcflow-lines", "mine"]);
    }
}
