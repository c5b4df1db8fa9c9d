//! Claims about gossip as a whole, over real UDP on loopback. Each waits for a
//! condition with a deadline.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{
    DropReason, Filter, Gossip, GossipCounters, GossipError, GossipOptions, Keyring, View,
};

const DEADLINE: Duration = Duration::from_secs(10);
const QUICK: Duration = Duration::from_millis(50);

fn options(node: &str, interval: Duration) -> GossipOptions {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    GossipOptions {
        node: node.to_owned(),
        generation: 1,
        listen: any,
        advertise: any,
        interval,
        keyring: Keyring::from_secret(&[1; 32]).unwrap(),
    }
}

async fn start(options: GossipOptions) -> Gossip {
    Gossip::start(options, Arc::default()).await.unwrap()
}

fn meet(gossip: &Gossip, others: &[&Gossip]) {
    gossip.set_peers(others.iter().map(|other| other.advertised()).collect());
}

async fn until(gossip: &Gossip, what: &str, wanted: impl Fn(&View) -> bool) -> Arc<View> {
    let mut view = gossip.view();
    let found = timeout(DEADLINE, view.wait_for(|view| wanted(view))).await;
    match found {
        Ok(found) => Arc::clone(&found.unwrap()),
        Err(_) => panic!("never {what}: {:#?}", gossip.view().borrow()),
    }
}

fn living(view: &View) -> Vec<&str> {
    let members = view.members.values().filter(|member| member.alive);
    members.map(|member| member.node.as_str()).collect()
}

fn value_of(view: &View, node: &str, key: &str) -> Option<String> {
    view.members.get(node)?.state.get(key).cloned()
}

async fn three(interval: Duration) -> [Gossip; 3] {
    let [a, b, c] = ["a", "b", "c"].map(|node| options(node, interval));
    let three = [start(a).await, start(b).await, start(c).await];
    meet(&three[1], &[&three[0]]);
    meet(&three[2], &[&three[0]]);
    for gossip in &three {
        until(gossip, "three", |view| living(view) == ["a", "b", "c"]).await;
    }
    three
}

fn set(key: &str, value: &str) -> Vec<(String, Option<String>)> {
    vec![(key.to_owned(), Some(value.to_owned()))]
}

#[tokio::test(flavor = "multi_thread")]
async fn members_find_each_other_when_only_the_later_ones_know_an_address() {
    three(QUICK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_key_reaches_all_without_waiting_for_a_round() {
    let interval = Duration::from_secs(1);
    let [a, b, c] = three(interval).await;
    for round in 0..5 {
        let value = format!("{round}");
        let begin = Instant::now();
        a.publish(set("claim", &value)).await;
        for gossip in [&a, &b, &c] {
            let heard = |view: &View| value_of(view, "a", "claim") == Some(value.clone());
            until(gossip, "the claim", heard).await;
        }
        let took = begin.elapsed();
        assert!(took < interval / 4, "round {round} took {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_is_gone_everywhere_without_waiting_for_a_round() {
    let interval = Duration::from_secs(1);
    let [a, b, c] = three(interval).await;
    a.publish(set("claim", "mine")).await;
    for gossip in [&a, &b, &c] {
        until(gossip, "the claim", |view| {
            value_of(view, "a", "claim").is_some()
        })
        .await;
    }
    let begin = Instant::now();
    a.publish(vec![
        ("claim".to_owned(), None),
        ("never-set".to_owned(), None),
    ])
    .await;
    for gossip in [&a, &b, &c] {
        until(gossip, "gone", |view| {
            value_of(view, "a", "claim").is_none()
        })
        .await;
    }
    assert!(begin.elapsed() < interval / 4, "took {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_member_is_shown_dead_and_its_keys_stay() {
    let [a, b, c] = three(QUICK).await;
    a.publish(set("claim", "mine")).await;
    for gossip in [&b, &c] {
        until(gossip, "the claim", |view| {
            value_of(view, "a", "claim").is_some()
        })
        .await;
    }
    drop(a);
    for gossip in [&b, &c] {
        let view = until(gossip, "two", |view| living(view) == ["b", "c"]).await;
        assert_eq!(value_of(&view, "a", "claim").as_deref(), Some("mine"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_pushed_messages_makes_no_member_look_dead() {
    // Long enough that a busy machine does not keep a member silent for three.
    let interval = Duration::from_millis(150);
    let [a, b, c] = three(interval).await;
    let mut seen = b.view();
    let watching = tokio::spawn(async move {
        while seen.changed().await.is_ok() {
            let view = Arc::clone(&seen.borrow_and_update());
            assert_eq!(living(&view), ["a", "b", "c"]);
        }
    });
    for number in 0..300 {
        a.publish(set("claim", &format!("{number}"))).await;
        tokio::task::yield_now().await;
    }
    for beat in 0..12 {
        let value = format!("slow {beat}");
        c.publish(set("claim", &value)).await;
        let heard = |view: &View| value_of(view, "c", "claim") == Some(value.clone());
        until(&b, "heard", heard).await;
        tokio::time::sleep(interval).await;
    }
    drop(b);
    watching.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_another_key_is_never_seen() {
    let counters = Arc::<GossipCounters>::default();
    let a = Gossip::start(options("a", QUICK), Arc::clone(&counters));
    let a = a.await.unwrap();
    let mut foreign = options("b", QUICK);
    foreign.keyring = Keyring::from_secret(&[2; 32]).unwrap();
    let b = start(foreign).await;
    let c = start(options("c", QUICK)).await;
    meet(&a, &[&b, &c]);
    meet(&b, &[&a, &c]);
    until(&a, "c", |view| living(view) == ["a", "c"]).await;
    until(&c, "a", |view| living(view) == ["a", "c"]).await;
    let dropped = async {
        while counters.dropped(DropReason::UnknownKey) < 5 {
            tokio::time::sleep(QUICK).await;
        }
    };
    timeout(DEADLINE, dropped).await.unwrap();
    assert!(!a.view().borrow().members.contains_key("b"));
    assert!(!c.view().borrow().members.contains_key("b"));
    assert_eq!(b.view().borrow().members.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_heals() {
    let cut = Arc::new(AtomicBool::new(false));
    let filter: Filter = {
        let cut = Arc::clone(&cut);
        Arc::new(move |_| !cut.load(Ordering::SeqCst))
    };
    let a = start(options("a", QUICK)).await;
    let b = start(options("b", QUICK)).await;
    let c = Gossip::start_filtered(options("c", QUICK), Arc::default(), filter).await;
    let c = c.unwrap();
    meet(&c, &[&a, &b]);
    meet(&a, &[&b]);
    for gossip in [&a, &b, &c] {
        until(gossip, "three", |view| living(view) == ["a", "b", "c"]).await;
    }
    for gossip in [&a, &b, &c] {
        gossip.set_peers(BTreeSet::new());
    }
    cut.store(true, Ordering::SeqCst);
    until(&c, "alone", |view| living(view) == ["c"]).await;
    for gossip in [&a, &b] {
        until(gossip, "two", |view| living(view) == ["a", "b"]).await;
    }
    a.publish(set("claim", "while cut")).await;
    cut.store(false, Ordering::SeqCst);
    for gossip in [&a, &b, &c] {
        until(gossip, "healed", |view| living(view) == ["a", "b", "c"]).await;
    }
    until(&c, "updated", |view| value_of(view, "a", "claim").is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_member_replaces_its_former_self() {
    let [a, b, c] = three(QUICK).await;
    a.publish(set("claim", "former")).await;
    until(&b, "the claim", |view| {
        value_of(view, "a", "claim").is_some()
    })
    .await;
    let mut again = options("a", QUICK);
    (again.generation, again.listen) = (2, a.advertised());
    again.advertise = again.listen;
    a.stop().await;
    let a = start(again).await;
    meet(&a, &[&b]);
    for gossip in [&a, &b, &c] {
        let replaced = |view: &View| {
            let member = &view.members.get("a");
            member.is_some_and(|member| member.generation == 2 && member.alive)
        };
        let view = until(gossip, "replaced", replaced).await;
        assert_eq!(value_of(&view, "a", "claim"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_larger_than_a_datagram_reaches_a_newcomer() {
    let [a, b] = ["a", "b"].map(|node| options(node, QUICK));
    let a = start(a).await;
    // Noise hardly compresses: about twice what one datagram takes is left.
    let mut seed: u64 = 1;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:016x}", seed ^ (seed >> 29))
    };
    let keys = 5_000;
    let claims = (0..keys).map(|number| (format!("claim:{number}"), Some(noise() + &noise())));
    a.publish(claims.collect()).await;
    let b = start(b).await;
    meet(&b, &[&a]);
    let whole = |view: &View| view.members.get("a").is_some_and(|m| m.state.len() == keys);
    until(&b, "all claims", whole).await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_address() {
    let a = start(options("a", QUICK)).await;
    let mut second = options("b", QUICK);
    second.listen = a.advertised();
    let refused = Gossip::start(second, Arc::default()).await.unwrap_err();
    let port = a.advertised().port();
    let expected = format!("cannot bind UDP address 127.0.0.1 port {port} for gossip");
    assert_eq!(refused.to_string(), expected);
    assert!(matches!(refused, GossipError::Bind { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_peer_ends_nothing() {
    let counters = Arc::<GossipCounters>::default();
    let a = Gossip::start(options("a", QUICK), Arc::clone(&counters));
    let a = a.await.unwrap();
    let b = start(options("b", QUICK)).await;
    let nowhere = SocketAddr::from(([240, 0, 0, 1], 9));
    a.set_peers(BTreeSet::from([nowhere, b.advertised()]));
    until(&a, "b", |view| living(view) == ["a", "b"]).await;
    assert!(counters.send_errors() > 0);
    assert!(counters.datagrams_sent() > 0 && counters.bytes_sent() > 0);
    assert!(counters.datagrams_received() > 0 && counters.bytes_received() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_closes_when_gossip_stops() {
    let a = start(options("a", QUICK)).await;
    let mut view = a.view();
    a.stop().await;
    let closed = async { while view.changed().await.is_ok() {} };
    timeout(DEADLINE, closed).await.unwrap();
}
