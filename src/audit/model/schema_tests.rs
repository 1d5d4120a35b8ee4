//! The published JSON Schema is the model's.

use super::Audit;

#[test]
fn the_published_schema_is_the_models() {
    let mut schema = schemars::schema_for!(Audit).to_value();
    schema["title"] = "smtrace audit, version 1".into();
    let made = format!("{:#}\n", schema);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.schema.json");
    if std::env::var_os("SMTRACE_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(made == published, "stale: run this test with SMTRACE_WRITE_SCHEMA=1");
}
