//! The speaker's wire side against real kernels: namespaces joined by a
//! bridge, with Linux's own ARP as the judge. Needs root. The same program is
//! also the speaker that the claims freeze or deprive of privileges
//! (`process.rs`).

#![allow(
    clippy::unwrap_used,
    reason = "a claim that does not hold panics, here as in any test"
)]

mod answering;
mod following;
mod lan;
mod process;
mod seeing;
mod station;
mod wait;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A claim; it panics where it does not hold.
type Claim = fn();

const CLAIMS: [(&str, Claim); 15] = [
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
        "is_mute_until_somebody_vouches",
        answering::is_mute_until_somebody_vouches,
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
        "names_the_capability_it_lacks",
        answering::names_the_capability_it_lacks,
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
        "notices_carrier_loss_within_a_second",
        following::notices_carrier_loss_within_a_second,
    ),
    (
        "notices_a_new_nic_its_addresses_and_its_end",
        following::notices_a_new_nic_its_addresses_and_its_end,
    ),
];

fn main() -> ExitCode {
    if let Some(ip) = process::asked_for() {
        return process::run(ip);
    }
    let arguments = Arguments::from_args();
    if !arguments.list {
        lan::prepare();
    }
    let trials = CLAIMS.into_iter().map(|(name, claim)| {
        Trial::test(name, move || {
            claim();
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
