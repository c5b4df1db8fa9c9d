//! Claims about machines that are no speakers.

use super::*;

#[test]
fn an_ip_a_stranger_answers_for_is_not_announced() {
    let mut world = World::new();
    world.facts.others.clear();
    world.step();
    assert_eq!(
        world.heard(STRANGER),
        [Action::Conflict {
            ip: IP,
            mac: STRANGER
        }]
    );
    assert_eq!(world.pass(Duration::from_secs(1)), []);
    assert!(!world.owns());
}

#[test]
fn a_strangers_claim_on_an_owned_ip_is_answered_once_in_a_while() {
    let mut world = World::owning();
    let conflict = Action::Conflict {
        ip: IP,
        mac: STRANGER,
    };
    assert_eq!(
        world.heard(STRANGER),
        [conflict.clone(), Action::Announce { ip: IP }]
    );
    assert_eq!(world.heard(STRANGER), std::slice::from_ref(&conflict));
    world.now += Timing::default().conflict_respite;
    assert_eq!(
        world.heard(STRANGER),
        [conflict, Action::Announce { ip: IP }]
    );
    assert!(world.owns());
}

#[test]
fn the_stranger_is_named_until_the_ip_is_had() {
    let mut world = World::new();
    world.facts.others.clear();
    world.step();
    world.heard(STRANGER);
    assert_eq!(
        world.ownership.conflicts().collect::<Vec<_>>(),
        [(IP, STRANGER)]
    );
    world.pass(Timing::default().conflict_respite);
    world.pass(Timing::default().ask_fresh);
    assert!(world.owns());
    assert_eq!(world.ownership.conflicts().count(), 0);
}

#[test]
fn only_the_first_in_line_looks_after_a_stranger() {
    let mut world = World::new();
    world.b().conflicts.insert(IP);
    let first = rank(IP, "a") > rank(IP, "b");
    let asks = |actions: Vec<Action>| actions.iter().any(|it| matches!(it, Action::Ask { .. }));
    let mut asked = asks(world.step());
    asked |= asks(world.pass(Timing::default().patience * 3));
    assert_eq!(asked, first);
}
