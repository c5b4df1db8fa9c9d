//! Claims about links made of links, which come later than the speaker: VLANs,
//! bonds, bridges; and about kube-proxy's IPVS interface.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ferrolb_lab::netns;
use ferrolb_speaker::host::interfaces::{Link, Patterns, Unsuitable, suitable};
use ferrolb_speaker::host::strict_arp::{ArpSettings, Loose};
use ferrolb_speaker::host::strict_arp_watch::{self, SETTINGS};
use tokio_util::sync::CancellationToken;

use crate::host::Followed;
use crate::lan::{Lan, ip};
use crate::wait::until;

/// The kernel reports carriers that change in quick succession only once a second.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Two NICs, eth1 and eth2, beside eth0.
fn followed(lan: &Lan) -> Followed {
    for (nic, port) in [("eth1", "s1"), ("eth2", "s2")] {
        lan.plug_in(&lan.speaker(), nic, port);
    }
    let followed = Followed::new(&lan.speaker());
    followed.suitable("eth1");
    followed.suitable("eth2");
    followed
}

fn soon_is(followed: &Followed, name: &str, judged: impl Fn(&Result<(), Unsuitable>) -> bool) {
    let (_, took) = until(&format!("{name} is judged anew"), || {
        let link: Link = followed.find(name)?;
        judged(&suitable(&link, &Patterns::default())).then_some(())
    });
    assert!(took < AT_ONCE, "{name} was noticed after {took:?}");
}

/// `eth1` joins `master` and leaves it again; `master` works as long as it has
/// a member with carrier.
fn follows_members(lan: &Lan, followed: &Followed, master: &str) {
    ip(&lan.speaker(), &format!("link set {master} up"));
    // A bond takes no member that is up.
    ip(&lan.speaker(), "link set eth1 down");
    ip(&lan.speaker(), &format!("link set eth1 master {master}"));
    ip(&lan.speaker(), "link set eth1 up");
    soon_is(followed, master, Result::is_ok);
    soon_is(followed, "eth1", |judged| {
        matches!(judged, Err(Unsuitable::Port(_)))
    });
    ip(&lan.bridge(), "link set s1 down");
    soon_is(followed, master, |judged| {
        *judged == Err(Unsuitable::NoCarrier)
    });
    ip(&lan.bridge(), "link set s1 up");
    soon_is(followed, master, Result::is_ok);
    ip(&lan.speaker(), "link set eth1 nomaster");
    ip(&lan.speaker(), "link set eth1 up");
    // A bridge without members has no address either.
    soon_is(followed, master, Result::is_err);
    soon_is(followed, "eth1", Result::is_ok);
}

pub(crate) fn follows_a_bridge_that_comes_later_and_its_members() {
    let lan = Lan::new();
    let followed = followed(&lan);
    ip(&lan.speaker(), "link add br9 type bridge");
    follows_members(&lan, &followed, "br9");
}

pub(crate) fn follows_a_bond_that_comes_later_and_its_members() {
    let lan = Lan::new();
    let followed = followed(&lan);
    ip(
        &lan.speaker(),
        "link add bond0 type bond mode active-backup miimon 10",
    );
    follows_members(&lan, &followed, "bond0");
}

pub(crate) fn follows_a_vlan_that_comes_later() {
    let lan = Lan::new();
    let followed = followed(&lan);
    ip(
        &lan.speaker(),
        "link add link eth1 name eth1.5 type vlan id 5",
    );
    ip(&lan.speaker(), "link set eth1.5 up");
    soon_is(&followed, "eth1.5", Result::is_ok);
    ip(&lan.bridge(), "link set s1 down");
    soon_is(&followed, "eth1.5", |judged| {
        *judged == Err(Unsuitable::NoCarrier)
    });
}

pub(crate) fn follows_a_macvlan_that_comes_later() {
    let lan = Lan::new();
    let followed = followed(&lan);
    ip(
        &lan.speaker(),
        "link add link eth1 name mv1 type macvlan mode bridge",
    );
    ip(&lan.speaker(), "link set mv1 up");
    soon_is(&followed, "mv1", Result::is_ok);
    ip(&lan.bridge(), "link set s1 down");
    soon_is(&followed, "mv1", |judged| {
        *judged == Err(Unsuitable::NoCarrier)
    });
}

/// A bridge has the name; kube-proxy creates a dummy, which some kernels lack.
pub(crate) fn notices_ipvs_without_strict_arp_and_when_it_is_fixed() {
    let lan = Lan::new();
    let followed = Followed::new(&lan.speaker());
    let results: Arc<Mutex<Vec<Option<Loose>>>> = Arc::default();
    let (namespace, links, record) = (lan.speaker(), followed.links.clone(), Arc::clone(&results));
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let thread = std::thread::spawn(move || {
        netns::join(&namespace).unwrap();
        let report = move |loose| record.lock().unwrap().push(loose);
        let watching = strict_arp_watch::watch(SETTINGS.into(), links, report, stop);
        let runtime = tokio::runtime::Builder::new_current_thread();
        { runtime }.enable_all().build().unwrap().block_on(watching);
    });
    let reported = |what: &str, expected: &[Option<Loose>]| {
        until(what, || {
            (results.lock().unwrap()[..] == *expected).then_some(())
        });
    };
    let set = |settings: &str| {
        let command = format!("sysctl -q -w {settings}");
        let done = netns::exec(&lan.speaker(), command.split(' '))
            .status()
            .unwrap();
        assert!(done.success(), "{command}");
    };
    set("net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0");
    ip(&lan.speaker(), "link add kube-ipvs0 type bridge");
    let loose = Some(Loose(ArpSettings {
        ignore: 0,
        announce: 0,
    }));
    reported("the settings are noticed", &[loose]);
    set("net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2");
    // Settings change without an event; a change of links triggers a check.
    ip(
        &lan.speaker(),
        "link set kube-ipvs0 address 02:00:00:00:00:77",
    );
    reported("the fix is noticed", &[loose, None]);
    let cancelled = Instant::now();
    cancel.cancel();
    thread.join().unwrap();
    assert!(cancelled.elapsed() < AT_ONCE);
}
