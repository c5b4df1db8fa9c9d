//! Each table of the policy from both sides.

use super::policy::{Package, Policy};

const POLICY: &str = r#"
[graph]
targets = []
[licenses]
allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
[bans]
deny = [{ crate = "openssl", reason = "rustls is used" }]
[sources]
allow-registry = ["https://example.org/index"]
"#;

fn problems(name: &str, license: &str, source: &str) -> Vec<String> {
    let policy: Policy = toml::from_str(POLICY).unwrap();
    let package = format!(
        r#"{{"id": "a", "name": "{name}", "version": "1.0.0", "license": {license}, "source": {source}}}"#
    );
    let package: Package = serde_json::from_str(&package).unwrap();
    policy.problems(&package)
}

#[test]
fn licences_are_expressions() {
    for (license, allowed) in [
        ("\"MIT\"", true),
        ("\"MIT OR GPL-3.0-only\"", true),
        ("\"MIT/GPL-3.0-only\"", true),
        ("\"Apache-2.0 WITH LLVM-exception\"", true),
        ("\"MIT AND (Apache-2.0 OR GPL-3.0-only)\"", true),
        ("\"MIT AND GPL-3.0-only\"", false),
        ("\"GPL-3.0-only\"", false),
        ("\"something\"", false),
        ("null", false),
    ] {
        let found = problems("a", license, "null");
        assert_eq!(found.is_empty(), allowed, "{license}: {found:?}");
    }
}

#[test]
fn banned_crates_and_foreign_sources_are_reported() {
    let registry = "\"registry+https://example.org/index\"";
    assert!(problems("serde", "\"MIT\"", registry).is_empty());
    let banned = problems("openssl", "\"MIT\"", registry);
    assert_eq!(banned, ["openssl 1.0.0: is banned: rustls is used"]);
    for source in [
        "\"git+https://example.org/a\"",
        "\"registry+https://other.org\"",
    ] {
        assert_eq!(problems("serde", "\"MIT\"", source).len(), 1, "{source}");
    }
}
