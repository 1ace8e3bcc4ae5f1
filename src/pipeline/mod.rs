//! Ingest pipelines as Elasticsearch and OpenSearch define them: loading with positions, compiling, running.
