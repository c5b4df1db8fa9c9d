//! The controller against a real etcd and kube-apiserver, with the rights it is
//! shipped with: it impersonates its service account, so a missing right fails a
//! claim. One claim runs at a time; each starts from a clean cluster. Set
//! FERROLB_LOG to `debug` to see the controllers' logs.

mod accepted;
mod assignment;
mod burst;
#[path = "../allocation/table.rs"]
mod cases;
mod cluster;
mod configuration;
mod controller;
mod leadership;
mod pools;
mod reporting;
mod resources;
mod speakers;
mod table;
mod wait;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use cluster::Cluster;

/// The result of a claim; an error describes what was not as claimed.
type Outcome = Result<(), Failed>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let log = EnvFilter::try_from_env("FERROLB_LOG").unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let bench = match arguments.list {
        true => None,
        false => Some(Arc::new(Bench::start()?)),
    };
    let mut trials = trials(bench.clone());
    trials.extend(cases::load()?.into_iter().map(|case| played(&bench, case)));
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// What all claims share.
struct Bench {
    runtime: Runtime,
    cluster: tokio::sync::Mutex<Cluster>,
}

impl Bench {
    fn start() -> Result<Self, Box<dyn Error>> {
        let runtime = Runtime::new()?;
        let cluster = tokio::sync::Mutex::new(runtime.block_on(Cluster::start())?);
        Ok(Self { runtime, cluster })
    }
}

/// Makes a claim of each async function, named after it.
macro_rules! claims {
    ($bench:expr, $($module:ident :: $claim:ident),* $(,)?) => {
        vec![$({
            let bench: Option<Arc<Bench>> = $bench.clone();
            Trial::test(stringify!($claim), move || {
                let bench = bench.ok_or("there is no cluster")?;
                bench.runtime.block_on(async {
                    let mut cluster = bench.cluster.lock().await;
                    cluster.clean().await?;
                    $module::$claim(&mut cluster).await
                })
            })
        }),*]
    };
}

/// A trial of one case of the table.
fn played(bench: &Option<Arc<Bench>>, (file, case): (String, cases::Case)) -> Trial {
    let bench = bench.clone();
    Trial::test(format!("{file}: {}", case.claim), move || {
        let bench = bench.ok_or("there is no cluster")?;
        bench.runtime.block_on(async {
            let mut cluster = bench.cluster.lock().await;
            cluster.clean().await?;
            table::run(&mut cluster, &case).await
        })
    })
}

fn trials(bench: Option<Arc<Bench>>) -> Vec<Trial> {
    claims![
        bench,
        assignment::assigns_an_address_with_mode_vip_and_reports_it,
        assignment::frees_an_address_on_deletion_and_on_a_change_of_type,
        assignment::honours_a_requested_address,
        assignment::refuses_with_a_reason_for_each_pool,
        assignment::writes_dual_stack_in_the_order_of_the_families,
        assignment::leaves_services_of_another_class_alone,
        assignment::replaces_an_address_that_no_pool_contains,
        assignment::keeps_every_address_across_a_restart,
        accepted::the_accepted_configuration_is_stored_and_restored_when_deleted_or_edited,
        accepted::a_controller_restarted_under_a_fault_uses_the_accepted_configuration,
        accepted::a_deleted_config_map_releases_no_address_even_across_a_restart,
        burst::one_write_gives_each_service_of_a_burst_address_and_condition_together,
        burst::a_restart_with_three_hundred_services_moves_and_writes_nothing,
        configuration::the_claims_run_with_no_more_rights_than_are_shipped,
        configuration::an_invalid_configuration_changes_nothing_and_every_fault_is_listed,
        configuration::waits_without_a_configuration_and_reports_it,
        configuration::a_shrunk_pool_moves_only_what_it_no_longer_contains,
        configuration::a_pool_that_overlaps_a_node_or_the_services_is_reported,
        configuration::starts_before_the_api_server_does,
        configuration::the_gossip_key_is_made_once_and_never_overwritten,
        resources::resources_installed_later_are_read,
        resources::the_api_server_rejects_most_faults,
        resources::long_lists_are_accepted,
        resources::the_api_server_accepts_every_sample,
        leadership::only_one_of_two_writes_and_a_stop_hands_over_at_once,
        leadership::fifty_services_survive_a_controller_killed_again_and_again,
        leadership::a_burst_of_five_hundred_survives_the_active_controller_killed_in_its_middle,
        leadership::stops_choosing_while_the_api_server_is_unreachable,
        pools::a_pools_status_follows_a_burst_with_few_writes,
        pools::a_pool_that_fills_up_has_a_warning_at_its_object_or_the_config_map,
        pools::the_state_page_shows_holders_and_waiting_services,
        speakers::a_service_names_the_node_that_announces_it,
        speakers::a_node_that_is_not_ready_makes_its_announcements_uncertain,
        speakers::an_address_that_another_host_uses_is_replaced_unless_it_is_requested,
        speakers::objects_left_behind_by_a_dead_speaker_are_deleted,
        reporting::the_statuses_of_a_speaker_show_what_it_announces,
        reporting::a_successor_removes_the_statuses_of_a_dead_speaker,
        reporting::a_repeated_event_is_counted_in_one_object,
    ]
}
