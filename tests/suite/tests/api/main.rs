//! The controller against a real etcd and kube-apiserver, with the rights it is
//! shipped with: it impersonates its service account, so a missing right fails
//! a claim. One claim runs at a time; each starts from a clean cluster. Set
//! FERROLB_LOG to `debug` to see the controllers' logs.

mod accepted;
mod assignment;
mod burst;
#[path = "../allocation/table.rs"]
mod cases;
mod cluster;
mod configuration;
mod controller;
mod doors;
mod leadership;
mod pools;
mod speakers;
mod table;
mod telling;
mod wait;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use cluster::Cluster;

/// What a claim ends with; an error says what was not as claimed.
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
        assignment::assigns_an_address_with_mode_vip_and_says_so,
        assignment::frees_an_address_on_deletion_and_on_a_change_of_type,
        assignment::honours_a_requested_address,
        assignment::refuses_with_a_reason_for_each_pool,
        assignment::writes_dual_stack_in_the_order_of_the_families,
        assignment::leaves_services_of_another_class_alone,
        assignment::replaces_an_address_that_no_pool_covers,
        assignment::keeps_every_address_across_a_restart,
        accepted::what_is_in_force_is_kept_and_comes_back_when_deleted_or_edited,
        accepted::a_controller_restarted_under_a_fault_goes_on_with_what_was_accepted,
        accepted::a_deleted_config_map_takes_no_address_away_even_across_a_restart,
        burst::one_write_gives_each_service_of_a_burst_address_and_condition_together,
        burst::a_restart_with_three_hundred_services_moves_and_writes_nothing,
        configuration::the_claims_run_with_no_more_rights_than_are_shipped,
        configuration::a_bad_configuration_changes_nothing_and_lists_every_fault,
        configuration::waits_without_a_configuration_and_says_so,
        configuration::a_shrunk_pool_moves_only_what_it_no_longer_covers,
        configuration::a_pool_that_overlaps_a_node_or_the_services_is_told,
        configuration::starts_before_the_api_server_does,
        configuration::the_gossip_key_is_made_once_and_never_overwritten,
        doors::resources_installed_later_are_noticed_and_read,
        doors::the_api_server_itself_refuses_most_faults,
        doors::lists_as_long_as_anybody_needs_are_taken,
        doors::every_sample_is_taken_by_the_api_server,
        leadership::only_one_of_two_writes_and_a_stop_hands_over_at_once,
        leadership::fifty_services_survive_a_controller_killed_again_and_again,
        leadership::a_burst_of_five_hundred_survives_the_active_controller_killed_in_its_middle,
        leadership::stops_choosing_while_the_api_server_is_away,
        pools::a_pools_status_follows_a_burst_with_few_writes,
        pools::a_pool_that_fills_up_is_warned_of_at_its_object_or_the_config_map,
        pools::the_state_page_shows_who_holds_what_and_who_waits,
        speakers::a_service_names_the_node_that_announces_it,
        speakers::a_node_that_is_not_ready_makes_its_announcements_uncertain,
        speakers::an_address_that_a_stranger_uses_is_replaced_unless_it_was_asked_for,
        speakers::what_a_dead_speaker_left_behind_is_swept,
        telling::a_speakers_statuses_say_what_it_announces,
        telling::an_heir_removes_what_a_dead_speaker_said,
        telling::what_a_speaker_says_again_is_one_event,
    ]
}
