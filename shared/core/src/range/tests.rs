//! Claims about the text form of ranges and about comparing them.

use proptest::prelude::*;

use super::{Family, IpRange, RangeError, bits};

fn range(text: &str) -> IpRange {
    text.parse().unwrap()
}

fn refusal(text: &str) -> String {
    text.parse::<IpRange>().unwrap_err().to_string()
}

#[test]
fn reads_a_prefix_and_drops_host_bits() {
    let range = range("10.0.0.77/24");
    assert_eq!(range.first().to_string(), "10.0.0.0");
    assert_eq!(range.last().to_string(), "10.0.0.255");
    assert_eq!(range.size(), 256);
}

#[test]
fn reads_a_dash_with_and_without_spaces() {
    assert_eq!(range("10.0.0.1-10.0.0.9"), range(" 10.0.0.1 - 10.0.0.9 "));
    assert_eq!(range("fd77::f0-fd77::ff").size(), 16);
}

#[test]
fn a_single_address_is_a_range_of_one() {
    assert_eq!(range("10.0.0.5/32").size(), 1);
    assert_eq!(range("10.0.0.5-10.0.0.5"), range("10.0.0.5/32"));
    assert_eq!(range("fd77::1/128").size(), 1);
}

#[test]
fn the_whole_of_ipv6_does_not_overflow() {
    assert_eq!(range("::/0").size(), u128::MAX);
    assert_eq!(range("::/0").to_string(), "::/0");
}

#[test]
fn names_what_is_wrong_with_a_text() {
    assert_eq!(refusal("10.0.0.300"), "\"10.0.0.300\" is not an IP address");
    assert_eq!(refusal("10.0.0.1-x"), "\"x\" is not an IP address");
    assert_eq!(
        refusal("10.0.0.0/33"),
        "prefix length must be between 0 and 32, not \"33\""
    );
    assert_eq!(
        refusal("fd77::/129"),
        "prefix length must be between 0 and 128, not \"129\""
    );
    assert_eq!(refusal(""), "\"\" is not an IP address");
}

#[test]
fn asks_for_a_prefix_length_on_a_bare_address() {
    assert!(refusal("10.0.0.5").ends_with("write \"10.0.0.5/32\""));
    assert!(refusal("fd77::5").ends_with("write \"fd77::5/128\""));
}

#[test]
fn refuses_mixed_reversed_and_mapped() {
    let error = |text: &str| text.parse::<IpRange>().unwrap_err();
    assert!(matches!(error("10.0.0.1-fd77::1"), RangeError::Mixed(..)));
    assert!(matches!(
        error("10.0.0.9-10.0.0.1"),
        RangeError::Reversed(..)
    ));
    assert!(matches!(
        error("::ffff:10.0.0.1/128"),
        RangeError::Mapped(_)
    ));
}

#[test]
fn families_never_overlap() {
    assert!(!range("0.0.0.0/0").overlaps(&range("::/0")));
}

#[test]
fn a_value_too_large_for_ipv4_is_not_an_ipv4_address() {
    assert_eq!(Family::V4.address(1 << 32), None);
}

fn any_range() -> impl Strategy<Value = IpRange> {
    let v4 = (any::<u32>(), any::<u32>())
        .prop_map(|(a, b)| (Family::V4, u128::from(a.min(b)), u128::from(a.max(b))));
    let v6 = (any::<u128>(), any::<u128>()).prop_map(|(a, b)| (Family::V6, a.min(b), a.max(b)));
    prop_oneof![v4, v6].prop_map(|(family, first, last)| {
        IpRange::new(
            family.address(first).unwrap(),
            family.address(last).unwrap(),
        )
        .unwrap()
    })
}

proptest! {
    #[test]
    fn a_displayed_range_parses_to_the_same_range(range in any_range()) {
        prop_assert_eq!(range.to_string().parse::<IpRange>().unwrap(), range);
    }

    #[test]
    fn a_displayed_prefix_parses_to_the_same_range(ip in any::<u32>(), prefix in 0u8..=32) {
        let text = format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(ip));
        let range = text.parse::<IpRange>().unwrap();
        let ending = format!("/{prefix}");
        prop_assert!(range.to_string().ends_with(&ending));
        prop_assert_eq!(range.size(), 1u128 << (32 - prefix));
    }

    #[test]
    fn two_ranges_overlap_exactly_if_one_contains_the_start_of_the_other(a in any_range(), b in any_range()) {
        let shares_an_end = a.contains(b.first()) || b.contains(a.first());
        prop_assert_eq!(a.overlaps(&b), shares_an_end);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}") {
        let _outcome = text.parse::<IpRange>();
    }

    #[test]
    fn numeric_values_and_addresses_map_one_to_one(range in any_range()) {
        let first = range.first();
        prop_assert_eq!(range.family().address(bits(first)), Some(first));
    }
}

#[test]
fn the_widest_prefix_of_a_range_lies_entirely_within_it() {
    let cases = [
        ("10.0.0.0/24", 24),
        ("10.0.0.1-10.0.0.254", 26),
        ("10.0.0.5/32", 32),
        ("0.0.0.0/0", 0),
        ("::/0", 0),
        ("fd77::1-fd77::9", 126),
        ("255.255.255.255-255.255.255.255", 32),
    ];
    for (text, length) in cases {
        assert_eq!(range(text).widest_prefix(), length, "{text}");
    }
}
