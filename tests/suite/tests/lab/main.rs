//! The whole lab as a suite: a cluster of its own (`target/lab-test`) comes up
//! once, the claims are tried one after another, and it goes down at the end
//! whatever happened. Needs root; a missing tool is named by the lab.

mod advertisements;
mod announced;
mod controller;
mod failover;
mod failure;
mod fixture;
mod foreign_hosts;
mod logs;
mod service;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::failure::Failure;
use crate::fixture::Fixture;

/// A claim, tried on the fixture.
type Claim = fn(&Fixture) -> Result<(), Failure>;

/// In this order: the cheap ones first, the logs of all of them last.
const CLAIMS: [(&str, Claim); 24] = [
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
        "nobody_announces_a_service_without_ready_endpoints",
        service::nobody_announces_without_endpoints,
    ),
    (
        "an_ip_of_no_pool_is_not_announced",
        advertisements::leaves_ips_of_no_pool_alone,
    ),
    (
        "an_address_in_use_on_the_lan_is_replaced",
        foreign_hosts::an_address_in_use_is_replaced,
    ),
    (
        "an_address_in_use_that_was_asked_for_is_reported",
        foreign_hosts::an_address_in_use_that_was_asked_for_is_reported,
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
        "a_deleted_node_hands_over",
        advertisements::moves_when_the_node_is_deleted,
    ),
    (
        "statuses_and_events_name_the_owner",
        advertisements::statuses_and_events_name_the_owner,
    ),
    (
        "an_interface_pattern_is_kept",
        advertisements::keeps_to_the_interfaces,
    ),
    (
        "survives_a_link_that_goes_down_on_the_bridge",
        failover::survives_a_port_down_on_the_bridge,
    ),
    (
        "survives_a_node_that_loses_power",
        failover::survives_power_loss,
    ),
    ("survives_a_frozen_node", failover::survives_a_frozen_node),
    (
        "survives_a_node_cut_off_with_its_carrier_up",
        failover::survives_a_partition,
    ),
    (
        "survives_a_killed_speaker",
        failover::survives_a_killed_speaker,
    ),
    (
        "hands_over_in_good_order_when_a_speaker_is_stopped",
        failover::hands_over_in_good_order,
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
        "a_service_whose_only_node_died_is_in_doubt",
        announced::a_service_whose_only_node_died_is_in_doubt,
    ),
    (
        "fifty_services_keep_their_addresses_while_the_controller_is_killed",
        controller::fifty_services_keep_their_addresses,
    ),
    ("no_log_says_forbidden_or_panicked", logs::are_clean),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // There is one fixture, and the claims break it on purpose.
    arguments.test_threads = Some(1);
    let trials = CLAIMS
        .into_iter()
        .map(|(name, claim)| Trial::test(name, move || attempt(claim)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    match fixture::down() {
        Ok(()) => conclusion.exit_code(),
        Err(broken) => {
            fixture::say(&format!("the lab did not go down: {broken}"));
            ExitCode::FAILURE
        }
    }
}

fn attempt(claim: Claim) -> Result<(), Failed> {
    let tried = fixture::get().and_then(|fixture| fixture.attempt(claim));
    tried.map_err(|broken| Failed::from(broken.to_string()))
}
