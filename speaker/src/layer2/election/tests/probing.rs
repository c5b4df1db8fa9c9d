//! Claims about what probes on the LAN show: suspected, failed and isolated owners.

use super::*;

#[test]
fn the_successor_probes_as_soon_as_it_suspects_the_owner_and_loses_no_time_at_its_death() {
    let mut world = World::owned_by_b();
    world.see_b(Reachability::Probing);
    assert!(matches!(world.step()[..], [Action::Probe { ip: IP, .. }]));
    let more = world.pass(Timing::default().probe_time);
    assert!(
        matches!(more[..], [Action::Probe { ip: IP, .. }]),
        "{more:?}"
    );
    world.b().alive = false;
    assert!(matches!(
        world.step()[..],
        [Action::TakeOver {
            cause: Cause::Failover,
            ..
        }]
    ));
}

#[test]
fn an_owner_that_answers_again_in_time_keeps_its_ip() {
    let mut world = World::owned_by_b();
    world.see_b(Reachability::Probing);
    world.step();
    assert_eq!(world.claim_seen(MAC_OF_B), []);
    world.see_b(Reachability::Reachable);
    assert_eq!(world.pass(Timing::default().probe_time), []);
    assert!(!world.owns());
}

#[test]
fn only_the_successor_probes_for_an_owner_that_gossips_but_misses_probes() {
    let mut world = World::owned_by_b();
    world
        .lan
        .reachability
        .insert("b".to_owned(), Reachability::Probing);
    assert_eq!(
        world.step(),
        [],
        "this node does not know that it is the successor"
    );
}

#[test]
fn an_owner_that_failed_on_the_lan_loses_its_ip_although_it_gossips() {
    let mut world = World::owned_by_b();
    world.see_b(Reachability::Failed);
    assert!(matches!(world.step()[..], [Action::Probe { ip: IP, .. }]));
    let taken = world.pass(Timing::default().probe_time);
    assert!(matches!(
        taken[..],
        [Action::TakeOver {
            epoch: 8,
            cause: Cause::Failover,
            ..
        }]
    ));
}

#[test]
fn an_owner_that_answers_is_probed_rarely_while_it_is_dead_in_gossip() {
    let mut world = World::owned_by_b();
    world.b().alive = false;
    world.see_b(Reachability::Reachable);
    world.step();
    world.claim_seen(MAC_OF_B);
    assert_eq!(world.pass(Timing::default().retry_delay), []);
    let later = world.pass(Timing::default().long_retry_delay);
    assert!(matches!(later[..], [Action::Probe { .. }]), "{later:?}");
}

#[test]
fn an_isolated_owner_is_replaced_without_probing() {
    let mut world = World::owned_by_b();
    world.b().isolated = true;
    let taken = world.step();
    assert!(
        matches!(
            taken[..],
            [Action::TakeOver {
                cause: Cause::HandOver,
                ..
            }]
        ),
        "{taken:?}"
    );
}

#[test]
fn where_all_nodes_are_isolated_nothing_moves() {
    let mut world = World::owned_by_b();
    world.b().isolated = true;
    world.lan.isolated = true;
    assert_eq!(world.step(), []);
}

#[test]
fn of_two_owners_that_see_each_other_on_the_lan_only_one_yields() {
    let mut world = World::owning();
    world.b().alive = false;
    world.step();
    let b_yields = rank(IP, "b") < rank(IP, "a");
    let probed = world.claim_seen(MAC_OF_B);
    assert!(
        matches!(probed[..], [Action::Probe { .. }]),
        "an old frame decides nothing: {probed:?}"
    );
    assert!(world.owns());
    world.now += Timing::default().probe_time / 2;
    world.claim_seen(MAC_OF_B);
    assert_eq!(world.owns(), b_yields);
}

#[test]
fn an_ip_that_was_taken_back_and_forth_stays_where_it_is() {
    let mut world = World::owned_by_b();
    world.see_b(Reachability::Failed);
    world.step();
    world.pass(Timing::default().probe_time);
    let forced_takeovers = |world: &World| world.election.forced_takeovers(world.now).count();
    assert_eq!(forced_takeovers(&world), 1);
    world.now += Timing::default().suppress_time;
    assert_eq!(forced_takeovers(&world), 0);

    let mut world = World::owned_by_b();
    world.b().forced_takeovers.insert(IP, FLAP_LIMIT);
    world.see_b(Reachability::Failed);
    assert_eq!(world.step(), []);
    world.b().isolated = true;
    let begun = world.step();
    assert!(
        matches!(begun[..], [Action::Probe { .. }]),
        "b itself reports that it is isolated"
    );
}

#[test]
fn epochs_outlive_a_deleted_claim() {
    let mut world = World::owned_by_b();
    world.b().claims.clear();
    world.step();
    let taken = world.pass(Timing::default().probe_time);
    assert!(
        matches!(taken[..], [Action::TakeOver { epoch: 8, .. }]),
        "{taken:?}"
    );
}
