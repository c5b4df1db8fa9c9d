//! Claims about preference and an even spread.

use super::*;

#[test]
fn no_failback_when_a_better_ranked_node_returns() {
    let mut world = World::owning();
    world
        .candidates()
        .extend((0..50).map(|i| (format!("new-{i}"), 0)));
    for i in 0..50 {
        let node = MemberState {
            alive: true,
            ..MemberState::default()
        };
        world.input.others.insert(format!("new-{i}"), node);
    }
    assert_eq!(world.pass(Duration::from_secs(60)), []);
    assert!(world.owns());
}

#[test]
fn a_preferred_node_takes_its_ip_back_after_the_stabilization_window() {
    let mut world = World::owned_by_b();
    world.candidates().insert("a".to_owned(), 10);
    assert_eq!(
        world.pass(Timing::default().stabilization_window - Duration::from_millis(1)),
        []
    );
    let taken = world.pass(Duration::from_millis(1));
    let expected = Action::TakeOver {
        ip: IP,
        epoch: 8,
        cause: Cause::Preferred,
        from: Some("b".to_owned()),
    };
    assert_eq!(taken, [expected]);
}

#[test]
fn an_uneven_spread_is_evened_out_one_at_a_time() {
    let mut world = World::new();
    let ips: Vec<IpAddr> = (1..=6)
        .map(|last| Ipv4Addr::new(192, 0, 2, last).into())
        .collect();
    for ip in &ips {
        world.input.candidates.insert(*ip, nodes(["a", "b"]));
        world.input.reachable.insert(*ip);
        world.b().claims.insert(*ip, 1);
    }
    world.step();
    world.pass(Timing::default().stabilization_window - Duration::from_millis(1));
    let mut preempted = Vec::new();
    for _ in 0..10 {
        for action in world.pass(Timing::default().rebalance_interval) {
            if let Action::TakeOver { ip, cause, .. } = action {
                assert_eq!(cause, Cause::Rebalance);
                world.b().claims.remove(&ip);
                preempted.push(ip);
            }
        }
        assert!(preempted.len() <= 3, "{preempted:?}");
    }
    assert_eq!(preempted.len(), 3);
}
