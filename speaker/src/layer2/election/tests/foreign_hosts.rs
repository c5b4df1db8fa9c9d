//! Claims about hosts that are not speakers.

use super::*;

#[test]
fn an_ip_that_a_foreign_host_answers_for_is_not_announced() {
    let mut world = World::new();
    world.input.others.clear();
    world.step();
    assert_eq!(
        world.claim_seen(FOREIGN_MAC),
        [Action::Conflict {
            ip: IP,
            mac: FOREIGN_MAC
        }]
    );
    assert_eq!(world.pass(Duration::from_secs(1)), []);
    assert!(!world.owns());
}

#[test]
fn a_foreign_hosts_claim_on_an_owned_ip_is_answered_at_a_limited_rate() {
    let mut world = World::owning();
    let conflict = Action::Conflict {
        ip: IP,
        mac: FOREIGN_MAC,
    };
    assert_eq!(
        world.claim_seen(FOREIGN_MAC),
        [conflict.clone(), Action::Announce { ip: IP }]
    );
    assert_eq!(
        world.claim_seen(FOREIGN_MAC),
        std::slice::from_ref(&conflict)
    );
    world.now += Timing::default().conflict_retry_delay;
    assert_eq!(
        world.claim_seen(FOREIGN_MAC),
        [conflict, Action::Announce { ip: IP }]
    );
    assert!(world.owns());
}

#[test]
fn the_foreign_host_is_named_until_the_ip_is_taken() {
    let mut world = World::new();
    world.input.others.clear();
    world.step();
    world.claim_seen(FOREIGN_MAC);
    assert_eq!(
        world.election.conflicts().collect::<Vec<_>>(),
        [(IP, FOREIGN_MAC)]
    );
    world.pass(Timing::default().conflict_retry_delay);
    world.pass(Timing::default().initial_probe);
    assert!(world.owns());
    assert_eq!(world.election.conflicts().count(), 0);
}

#[test]
fn only_the_first_successor_probes_an_ip_that_a_foreign_host_uses() {
    let mut world = World::new();
    world.b().conflicts.insert(IP);
    let first = rank(IP, "a") > rank(IP, "b");
    let probes = |actions: Vec<Action>| actions.iter().any(|it| matches!(it, Action::Probe { .. }));
    let mut probed = probes(world.step());
    probed |= probes(world.pass(Timing::default().rank_backoff * 3));
    assert_eq!(probed, first);
}
