//! Claims about pools in the ConfigMap text: what is accepted, and each fault
//! with its path and value.

use super::Config;

mod bgp;
mod noise;
mod resources;
mod written;

fn faults(text: &str) -> Vec<String> {
    let faults = Config::from_yaml(text).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

fn fault(text: &str) -> String {
    let faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.into_iter().next().unwrap()
}

#[test]
fn reads_pools_with_defaults() {
    let config = Config::from_yaml(
        "pools:\n  - name: lan\n    addresses: [10.77.0.240-10.77.0.250, fd77::f0-fd77::ff]\n",
    )
    .unwrap();
    let pool = &config.pools[0];
    assert_eq!(pool.name, "lan");
    assert_eq!(pool.ranges.len(), 2);
    assert!(pool.auto_assign);
    assert!(!pool.avoid_buggy_ips);
}

#[test]
fn reads_both_flags() {
    let text =
        "pools: [{name: a, addresses: [10.0.0.0/24], autoAssign: false, avoidBuggyIPs: true}]";
    let config = Config::from_yaml(text).unwrap();
    assert!(!config.pools[0].auto_assign);
    assert!(config.pools[0].avoid_buggy_ips);
}

#[test]
fn an_empty_list_of_pools_must_be_explicit() {
    assert_eq!(Config::from_yaml("pools: []").unwrap().pools, []);
    assert_eq!(fault("pools:"), "pools: is missing");
    assert_eq!(fault("{}"), "pools: is missing");
    assert_eq!(fault(""), "expected a mapping, found nothing");
}

#[test]
fn reports_every_fault_at_once_with_its_path() {
    let text = r#"
pools:
  - name: a
    addresses: [10.0.0.0/24]
    colour: red
  - name: ""
    addresses: ["10.0.0.300", 10.1.0.5, 17]
    autoAssign: "yes"
  - addresses: []
  - seven
seven: []
"#;
    assert_eq!(
        faults(text),
        [
            "seven: unknown field; allowed fields: pools, l2Advertisements, bgpAdvertisements, bgpPeers, bfdProfiles, communities",
            "pools[0].colour: unknown field; allowed fields: name, addresses, autoAssign, avoidBuggyIPs, serviceAllocation, labels",
            "pools[1].name: must not be empty",
            "pools[1].addresses[0]: \"10.0.0.300\" is not an IP address",
            "pools[1].addresses[1]: 10.1.0.5 has no prefix length; for a single address write \"10.1.0.5/32\"",
            "pools[1].addresses[2]: expected a string, found the number 17; put it in quotes",
            "pools[1].autoAssign: expected true or false, found \"yes\"",
            "pools[2].name: is missing",
            "pools[2].addresses: must not be empty",
            "pools[3]: expected a mapping, found \"seven\"",
        ]
    );
}

#[test]
fn rejects_a_duplicate_name() {
    let text = "pools: [{name: a, addresses: [10.0.0.0/24]}, {name: a, addresses: [10.0.1.0/24]}]";
    assert_eq!(
        fault(text),
        "pools[1].name: duplicate name \"a\", already used at pools[0].name"
    );
}

#[test]
fn rejects_overlapping_pools_and_names_both_paths() {
    let text =
        "pools: [{name: a, addresses: [10.0.0.128/25]}, {name: b, addresses: [10.0.0.0/24]}]";
    assert_eq!(
        fault(text),
        "pools[1].addresses[0]: \"10.0.0.0/24\" overlaps pools[0].addresses[0] (\"10.0.0.128/25\")"
    );
}

#[test]
fn rejects_overlap_within_a_pool() {
    let text = "pools: [{name: a, addresses: [fd77::/64, fd77::5-fd77::9]}]";
    assert!(fault(text).starts_with("pools[0].addresses[1]: "));
}

#[test]
fn reports_each_of_several_overlapping_ranges_once() {
    let text = "pools: [{name: a, addresses: [10.0.0.0/16, 10.0.1.0/24, 10.0.9.0/24]}]";
    assert_eq!(faults(text).len(), 2);
}

#[test]
fn adjacent_ranges_do_not_overlap() {
    let text = "pools: [{name: a, addresses: [10.0.0.0/25, 10.0.0.128/25]}]";
    assert!(Config::from_yaml(text).is_ok());
}

#[test]
fn a_duplicate_key_is_a_fault_and_reading_continues() {
    let text = "pools:\n  - name: a\n    name: b\n    addresses: [nonsense]\n";
    assert_eq!(
        faults(text),
        [
            "line 3: duplicate key \"name\"",
            "pools[0].addresses[0]: \"nonsense\" is not an IP address"
        ]
    );
}

#[test]
fn invalid_yaml_is_one_fault_with_its_line() {
    let problem = fault("pools:\n  - name: [a\n");
    assert!(problem.starts_with("invalid YAML: "), "{problem}");
    assert!(problem.contains("line"), "{problem}");
}
