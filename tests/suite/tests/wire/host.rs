//! A responder in a namespace, with its links followed and its sockets open. The
//! claims take the engine's part.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ferrolb_lab::netns;
use ferrolb_speaker::host::interfaces::{Link, Links, Patterns, suitable};
use ferrolb_speaker::host::links;
use ferrolb_speaker::layer2::io::counters::WireCounters;
use ferrolb_speaker::layer2::io::responder::{Wire, WireEvent};
use ferrolb_speaker::layer2::wire::frame::{Frame, Sender};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::wait::until;

/// Longer than any claim takes.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// Links of one namespace, followed on a thread in it.
pub(crate) struct Followed {
    pub(crate) links: watch::Receiver<Arc<Links>>,
    cancel: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Followed {
    pub(crate) fn new(namespace: &str) -> Self {
        let (sender, links) = watch::channel(Arc::default());
        let cancel = CancellationToken::new();
        let (namespace, told) = (namespace.to_owned(), cancel.clone());
        let thread = std::thread::spawn(move || {
            netns::join(&namespace).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let following = links::watch(sender, Patterns::default(), told);
            runtime.block_on(following).unwrap();
        });
        Self {
            links,
            cancel,
            thread: Some(thread),
        }
    }

    /// The link of that name, if there is one now.
    pub(crate) fn find(&self, name: &str) -> Option<Link> {
        let links = Arc::clone(&self.links.borrow());
        links.values().find(|link| link.name == name).cloned()
    }

    /// The link of that name, once it can carry announcements.
    pub(crate) fn suitable(&self, name: &str) -> Link {
        let usable = |link: &Link| suitable(link, &Patterns::default()).is_ok();
        until(&format!("{name} is suitable"), || {
            self.find(name).filter(usable)
        })
        .0
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            assert!(
                std::thread::panicking(),
                "following links failed: {panic:?}"
            );
        }
    }
}

/// A host on the LAN whose ARP and neighbour discovery the claims control.
pub(crate) struct Host {
    pub(crate) wire: Wire,
    pub(crate) counters: Arc<WireCounters>,
    pub(crate) followed: Followed,
    events: UnboundedReceiver<WireEvent>,
}

impl Host {
    /// Listens on the named links of a namespace, with a renewed watchdog.
    pub(crate) fn new(namespace: &str, names: &[&str]) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let counters = Arc::new(WireCounters::default());
        let counted = Arc::clone(&counters);
        let wire = netns::enter(namespace, || Wire::start(sender, counted));
        let wire = wire.unwrap().unwrap();
        let followed = Followed::new(namespace);
        let links: Vec<Link> = names.iter().map(|name| followed.suitable(name)).collect();
        wire.renew(Instant::now() + LONG);
        wire.set_links(links.clone());
        let mut host = Self {
            wire,
            counters,
            followed,
            events,
        };
        for link in links {
            let opened = WireEvent::LinkOpened { link: link.index };
            host.wait_for("the socket opens", |event| *event == opened);
        }
        host
    }

    /// The link of that name.
    pub(crate) fn link(&self, name: &str) -> Link {
        self.followed.suitable(name)
    }

    /// The source of its probes on `eth0`, once its link-local address is not
    /// tentative.
    pub(crate) fn sender(&self) -> Sender {
        let link_local = |link: &Link| {
            let mut addresses = link.addresses.iter().map(|address| address.addr());
            addresses.find_map(|ip| match ip {
                IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(ip),
                _ => None,
            })
        };
        let (found, _): (Ipv6Addr, _) = until("eth0 has a link-local address", || {
            link_local(&self.link("eth0"))
        });
        Sender {
            mac: self.link("eth0").mac,
            link_local: Some(found),
        }
    }

    /// Answers for `ip` on the named links.
    pub(crate) fn own(&self, ip: impl Into<IpAddr>, names: &[&str]) {
        let links: BTreeSet<u32> = names.iter().map(|name| self.link(name).index).collect();
        self.wire.set_owned(HashMap::from([(ip.into(), links)]));
    }

    /// Reports claims on `ip`.
    pub(crate) fn watch_for(&self, ip: impl Into<IpAddr>) {
        self.wire.set_watched(HashSet::from([ip.into()]));
    }

    /// The next event, if one is waiting.
    pub(crate) fn event(&mut self) -> Option<WireEvent> {
        self.events.try_recv().ok()
    }

    /// Skips events until the right one comes.
    pub(crate) fn wait_for(&mut self, what: &str, right: impl Fn(&WireEvent) -> bool) -> WireEvent {
        until(what, || self.event().filter(&right)).0
    }

    /// Sends a request until an event comes: a host that was frozen a moment ago may
    /// still drop it as stale.
    pub(crate) fn send_and_wait(&mut self, request: &Frame) -> WireEvent {
        self.send_until(request, |_| true)
    }

    /// Sends a request until the right event comes.
    pub(crate) fn send_until(
        &mut self,
        request: &Frame,
        right: impl Fn(&WireEvent) -> bool,
    ) -> WireEvent {
        let link = self.link("eth0").index;
        until("the request is answered", || {
            self.wire.send(link, request).unwrap();
            let sent = Instant::now();
            std::iter::repeat_with(|| self.event())
                .inspect(|_| std::thread::sleep(Duration::from_millis(1)))
                .take_while(|_| sent.elapsed() < Duration::from_millis(200))
                .flatten()
                .find(&right)
        })
        .0
    }
}
