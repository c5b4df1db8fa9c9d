//! A LAN for one claim: a bridge in a namespace of its own, and hosts with one NIC
//! each. Removed when dropped.

use std::os::fd::AsRawFd;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use ferrolb_core::mac::Mac;
use ferrolb_lab::{netns, run};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, bind, send, socket,
};
use nix::unistd::geteuid;

/// Every namespace of this suite begins with this and the process id.
const PREFIX: &str = "flw-";

/// Checks for privileges and programs, and removes remains of killed runs.
pub(crate) fn prepare() {
    assert!(
        geteuid().is_root(),
        "the wire suite creates network namespaces: run it as root"
    );
    for program in ["ip", "nsenter", "setpriv", "arping"] {
        let found = Command::new(program).arg("-V").output().is_ok();
        assert!(
            found,
            "{program} is missing: apt-get install iproute2 util-linux iputils-arping"
        );
    }
    for name in netns::list(PREFIX).unwrap() {
        let pid = name.split('-').nth(1).unwrap_or_default();
        if !std::path::Path::new("/proc").join(pid).exists() {
            netns::delete(&name).unwrap();
        }
    }
}

/// Namespaces `…-lan` (the bridge), `…-speaker` and `…-peer`, the latter two
/// with `eth0` on the bridge.
pub(crate) struct Lan {
    prefix: String,
}

impl Lan {
    /// 192.0.2.10 and 2001:db8::10 are the speaker, .20 and ::20 the peer.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let lan = Self {
            prefix: format!("{PREFIX}{}-{number}", std::process::id()),
        };
        for namespace in [lan.bridge(), lan.speaker(), lan.peer()] {
            netns::create(&namespace).unwrap();
        }
        let bridge = lan.bridge();
        ip(&bridge, "link add br0 type bridge");
        ip(&bridge, "link set br0 up");
        lan.plug_in(&lan.speaker(), "eth0", "s0");
        lan.plug_in(&lan.peer(), "eth0", "p0");
        ip(&lan.speaker(), "addr add 192.0.2.10/24 dev eth0");
        ip(&lan.peer(), "addr add 192.0.2.20/24 dev eth0");
        ip(&lan.speaker(), "addr add 2001:db8::10/64 dev eth0 nodad");
        ip(&lan.peer(), "addr add 2001:db8::20/64 dev eth0 nodad");
        lan
    }

    /// The bridge's namespace.
    pub(crate) fn bridge(&self) -> String {
        format!("{}-lan", self.prefix)
    }

    /// The namespace of the speaker under test.
    pub(crate) fn speaker(&self) -> String {
        format!("{}-speaker", self.prefix)
    }

    /// The namespace of the other host.
    pub(crate) fn peer(&self) -> String {
        format!("{}-peer", self.prefix)
    }

    /// Gives a namespace another NIC on the LAN.
    pub(crate) fn plug_in(&self, namespace: &str, nic: &str, port: &str) {
        let bridge = self.bridge();
        ip(
            &bridge,
            &format!("link add {port} type veth peer name {nic} netns {namespace}"),
        );
        ip(&bridge, &format!("link set {port} master br0 up"));
        ip(namespace, &format!("link set {nic} up"));
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for namespace in [self.bridge(), self.speaker(), self.peer()] {
            // A failed claim may still have a process in it; the next run cleans up.
            let _ = netns::delete(&namespace);
        }
    }
}

/// Whether the kernel knows this kind of link.
pub(crate) fn kernel_has(kind: &str) -> bool {
    let lan = Lan::new();
    let line = match kind {
        "vlan" => "link add link eth0 name kind-try type vlan id 9".to_owned(),
        "macvlan" => "link add link eth0 name kind-try type macvlan".to_owned(),
        kind => format!("link add kind-try type {kind}"),
    };
    run::line(&format!("ip -n {} {line}", lan.speaker())).is_ok()
}

/// Runs `ip` in a namespace.
pub(crate) fn ip(namespace: &str, arguments: &str) -> String {
    run::line(&format!("ip -n {namespace} {arguments}")).unwrap()
}

/// Sends one request with Linux's arping, with a timeout of one second.
pub(crate) fn arping(namespace: &str, arguments: &str) -> Output {
    let words = format!("arping -c 1 -w 1 {arguments}");
    netns::exec(namespace, words.split(' ')).output().unwrap()
}

/// The hardware addresses that answer for `address`: arping repeats the request
/// until it has an answer; broadcast keeps it from switching to unicast.
pub(crate) fn who_has(namespace: &str, address: &str) -> Vec<Mac> {
    let output = arping(namespace, &format!("-b -I eth0 {address}"));
    let output = String::from_utf8(output.stdout).unwrap();
    let bracketed = output
        .split('[')
        .skip(1)
        .filter_map(|rest| rest.split(']').next());
    bracketed.filter_map(|mac| mac.parse().ok()).collect()
}

/// Sends raw bytes through the `eth0` of a namespace.
pub(crate) fn put(namespace: &str, bytes: &[u8]) {
    netns::enter(namespace, || {
        let all = SockProtocol::EthAll;
        let raw = socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), all).unwrap();
        let eth0 = getifaddrs()
            .unwrap()
            .filter(|interface| interface.interface_name == "eth0")
            .find_map(|interface| interface.address?.as_link_addr().copied());
        bind(raw.as_raw_fd(), &eth0.unwrap()).unwrap();
        send(raw.as_raw_fd(), bytes, MsgFlags::empty()).unwrap();
    })
    .unwrap();
}
