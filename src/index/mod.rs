//! Bulk requests to OpenSearch or Elasticsearch, the verdict on each item, templates.
