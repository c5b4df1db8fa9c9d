//! End-to-end claims on a real cluster: the suite starts its own lab
//! (`target/lab-test`) once, checks the claims one after another, and removes the lab
//! at the end. Needs root; an error names missing programs.

mod advertisements;
mod announced;
mod controller;
mod failover;
mod failure;
mod fixture;
mod foreign_hosts;
mod idle_connections;
mod logs;
mod reasons;
mod service;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::failure::Failure;
use crate::fixture::Fixture;

/// A claim, checked on the fixture.
type Claim = fn(&Fixture) -> Result<(), Failure>;

/// In this order: the cheap ones first, the logs last.
const CLAIMS: [(&str, Claim); 27] = [
    (
        "a_plain_service_gets_an_ip_and_answers",
        service::gets_an_ip_and_answers,
    ),
    (
        "an_external_ip_is_on_no_interface",
        service::is_on_no_interface,
    ),
    (
        "only_the_owner_answers_arping",
        service::only_the_owner_answers,
    ),
    (
        "a_service_without_ready_endpoints_is_not_announced",
        service::without_endpoints_it_is_not_announced,
    ),
    (
        "an_ip_outside_all_pools_is_not_announced",
        advertisements::ignores_ips_outside_all_pools,
    ),
    (
        "an_address_in_use_on_the_lan_is_replaced",
        foreign_hosts::an_address_in_use_is_replaced,
    ),
    (
        "an_address_in_use_that_was_requested_is_reported",
        foreign_hosts::an_address_in_use_that_was_requested_is_reported,
    ),
    (
        "a_node_selector_moves_the_ip_to_the_selected_node",
        advertisements::moves_to_the_selected_node,
    ),
    (
        "a_preferred_node_gets_the_ip",
        advertisements::moves_to_the_preferred_node,
    ),
    (
        "a_drain_taint_moves_the_ip_without_loss",
        advertisements::moves_without_loss_when_drained,
    ),
    (
        "a_deleted_node_hands_over_its_ip",
        advertisements::moves_when_the_node_is_deleted,
    ),
    (
        "statuses_and_events_name_the_owner",
        advertisements::statuses_and_events_name_the_owner,
    ),
    (
        "an_interface_pattern_limits_announcements",
        advertisements::announces_only_on_the_selected_interfaces,
    ),
    (
        "idle_connections_do_not_disturb_a_speaker",
        idle_connections::do_not_disturb_a_speaker,
    ),
    (
        "survives_a_link_that_goes_down",
        failover::survives_a_port_down_on_the_bridge,
    ),
    (
        "survives_a_node_that_loses_power",
        failover::survives_power_loss,
    ),
    ("survives_a_frozen_node", failover::survives_a_frozen_node),
    (
        "survives_a_partitioned_node_with_carrier",
        failover::survives_a_partition,
    ),
    (
        "survives_a_killed_speaker",
        failover::survives_a_killed_speaker,
    ),
    (
        "a_stopped_speaker_hands_over_gracefully",
        failover::hands_over_gracefully,
    ),
    (
        "fails_over_while_the_api_server_is_down",
        failover::works_without_the_api_server,
    ),
    (
        "a_service_names_its_owner_before_and_after_a_move",
        announced::a_service_names_its_owner_before_and_after_a_move,
    ),
    (
        "excluded_nodes_are_named_as_the_reason",
        reasons::excluded_nodes_are_named,
    ),
    (
        "a_service_without_endpoints_has_that_reason",
        reasons::a_service_without_endpoints_has_that_reason,
    ),
    (
        "announced_is_unknown_when_the_only_node_has_failed",
        announced::announced_is_unknown_when_the_only_node_has_failed,
    ),
    (
        "fifty_services_keep_their_addresses_while_the_controller_is_killed",
        controller::fifty_services_keep_their_addresses,
    ),
    ("no_log_contains_forbidden_or_panicked", logs::are_clean),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // There is one fixture, and the claims break it on purpose, so they run in sequence.
    arguments.test_threads = Some(1);
    let trials = CLAIMS
        .into_iter()
        .map(|(name, claim)| Trial::test(name, move || check(claim)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    match fixture::down() {
        Ok(()) => conclusion.exit_code(),
        Err(failure) => {
            fixture::note(&format!("cannot remove the lab: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn check(claim: Claim) -> Result<(), Failed> {
    let result = fixture::get().and_then(|fixture| fixture.check(claim));
    result.map_err(|failure| Failed::from(failure.to_string()))
}
