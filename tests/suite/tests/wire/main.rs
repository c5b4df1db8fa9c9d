//! The speaker's packet sockets and links against real kernels: namespaces joined
//! by a bridge, checked by Linux's own ARP and neighbour discovery. Needs root. The
//! same program is also the speaker process that is frozen, or runs without
//! privileges (`process.rs`).

#![allow(clippy::unwrap_used, reason = "a failed claim panics, as in any test")]

mod answering;
mod discovering;
mod following;
mod host;
mod lan;
mod learning;
mod process;
mod seeing;
mod stacking;
mod wait;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A claim; it panics if it does not hold.
type Claim = fn();

const CLAIMS: [(&str, Claim); 29] = [
    (
        "answers_arping_only_for_owned_ips",
        answering::answers_arping_only_for_owned_ips,
    ),
    (
        "answers_a_duplicate_address_probe",
        answering::answers_a_duplicate_address_probe,
    ),
    (
        "does_not_answer_on_a_link_not_allowed",
        answering::does_not_answer_on_a_link_not_allowed,
    ),
    (
        "is_mute_until_the_watchdog_is_renewed",
        answering::is_mute_until_the_watchdog_is_renewed,
    ),
    (
        "drops_what_queued_up_while_it_was_frozen",
        answering::drops_what_queued_up_while_it_was_frozen,
    ),
    (
        "does_not_answer_into_a_vlan_it_is_not_in",
        answering::does_not_answer_into_a_vlan_it_is_not_in,
    ),
    (
        "answers_again_after_its_link_was_down",
        answering::answers_again_after_its_link_was_down,
    ),
    (
        "works_with_net_raw_alone",
        answering::works_with_net_raw_alone,
    ),
    (
        "names_the_missing_capability",
        answering::names_the_missing_capability,
    ),
    (
        "moves_a_neighbour_entry_by_gratuitous_arp",
        seeing::moves_a_neighbour_entry_by_gratuitous_arp,
    ),
    ("reports_a_foreign_claim", seeing::reports_a_foreign_claim),
    (
        "reports_the_answer_to_a_probe",
        seeing::reports_the_answer_to_a_probe,
    ),
    (
        "a_flood_of_claims_is_thinned_out",
        seeing::a_flood_of_claims_is_thinned_out,
    ),
    (
        "a_linux_peer_resolves_an_owned_ipv6_address",
        discovering::a_linux_peer_resolves_an_owned_ipv6_address,
    ),
    (
        "confirms_an_entry_that_is_probed_by_unicast",
        discovering::confirms_an_entry_that_is_probed_by_unicast,
    ),
    (
        "answers_a_unicast_solicitation_without_source_option",
        discovering::answers_a_unicast_solicitation_without_source_option,
    ),
    (
        "defends_its_ipv6_address_and_reports_the_claimant",
        discovering::defends_its_ipv6_address_and_reports_the_claimant,
    ),
    (
        "is_mute_in_ipv6_until_the_watchdog_is_renewed",
        discovering::is_mute_in_ipv6_until_the_watchdog_is_renewed,
    ),
    (
        "joins_groups_on_links_that_come_later_and_leaves_them",
        discovering::joins_groups_on_links_that_come_later_and_leaves_them,
    ),
    (
        "reports_that_it_cannot_join_a_group_and_joins_when_it_can",
        discovering::reports_that_it_cannot_join_a_group_and_joins_when_it_can,
    ),
    (
        "joins_groups_with_net_raw_alone",
        discovering::joins_groups_with_net_raw_alone,
    ),
    (
        "moves_an_ipv6_entry_by_unsolicited_advertisement",
        learning::moves_an_ipv6_entry_by_unsolicited_advertisement,
    ),
    (
        "probes_linux_and_speakers_with_and_without_link_local_address",
        learning::probes_linux_and_speakers_with_and_without_link_local_address,
    ),
    (
        "a_solicitation_does_not_move_an_ipv6_entry",
        learning::a_solicitation_does_not_move_an_ipv6_entry,
    ),
    (
        "notices_carrier_loss_within_a_second",
        following::notices_carrier_loss_within_a_second,
    ),
    (
        "counts_a_carrier_that_came_back_at_once",
        following::counts_a_carrier_that_came_back_at_once,
    ),
    (
        "notices_a_new_nic_its_addresses_and_its_end",
        following::notices_a_new_nic_its_addresses_and_its_end,
    ),
    (
        "follows_a_bridge_that_comes_later_and_its_members",
        stacking::follows_a_bridge_that_comes_later_and_its_members,
    ),
    (
        "notices_ipvs_without_strict_arp_and_when_it_is_fixed",
        stacking::notices_ipvs_without_strict_arp_and_when_it_is_fixed,
    ),
];

/// Claims that need a kind of link that some kernels lack.
const KERNELS_CLAIMS: [(&str, &str, Claim); 3] = [
    (
        "bond",
        "follows_a_bond_that_comes_later_and_its_members",
        stacking::follows_a_bond_that_comes_later_and_its_members,
    ),
    (
        "vlan",
        "follows_a_vlan_that_comes_later",
        stacking::follows_a_vlan_that_comes_later,
    ),
    (
        "macvlan",
        "follows_a_macvlan_that_comes_later",
        stacking::follows_a_macvlan_that_comes_later,
    ),
];

fn main() -> ExitCode {
    if let Some(ip) = process::requested_ip() {
        return process::run(ip);
    }
    let arguments = Arguments::from_args();
    if !arguments.list {
        lan::prepare();
    }
    let everywhere = CLAIMS.into_iter().map(|(name, claim)| trial(name, claim));
    let here = KERNELS_CLAIMS.into_iter().map(|(kind, name, claim)| {
        let missing = arguments.list || !lan::kernel_has(kind);
        trial(name, claim)
            .with_kind(kind)
            .with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, everywhere.chain(here).collect()).exit_code()
}

fn trial(name: &str, claim: Claim) -> Trial {
    Trial::test(name, move || {
        claim();
        Ok::<(), Failed>(())
    })
}
