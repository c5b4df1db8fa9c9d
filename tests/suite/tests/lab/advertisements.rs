//! Claims about advertisements: which node announces an IP, and how speakers report it.

use std::net::Ipv4Addr;
use std::time::Duration;

use ferrolb_lab::lab::FailureMode;
use ferrolb_lab::observe;
use ferrolb_lab::plan;
use ferrolb_lab::probe::{Probe, Silence, Target, arp};
use serde_json::{Value, json};

use crate::failure::{Failure, ensure};
use crate::fixture::{Fixture, NAMESPACE, SYSTEM, configuration, note, service};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The bound on the outage of a planned move.
const GRACEFUL_BOUND: Duration = Duration::from_secs(1);
/// The Service of these claims, with a pod on every node.
const SERVICE: &str = "echo";

/// Its IP and its owner, once the cluster is ready.
pub(crate) fn settled_service(fixture: &Fixture) -> Result<(Ipv4Addr, u8), Failure> {
    fixture.settle()?;
    let ip = observe::wait_for_ip(&fixture.lab, NAMESPACE, SERVICE)?;
    observe::wait_for_answer(&fixture.lab, ip)?;
    Ok((ip, observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT)?))
}

/// Any other node.
fn another(fixture: &Fixture, than: u8) -> u8 {
    than % fixture.lab.nodes() + 1
}

/// Sets the advertisement of the pool `lan`; the other pool is announced as before.
pub(crate) fn advertise(fixture: &Fixture, fields: &str) -> Result<(), Failure> {
    let adverts = format!(
        "l2Advertisements:\n\
        - {{name: lan, ipAddressPools: [lan], {fields}}}\n\
        - {{name: wide, ipAddressPools: [wide]}}\n"
    );
    fixture.apply(&configuration(&adverts))
}

/// Announces every pool on every node again.
pub(crate) fn advertise_all(fixture: &Fixture) -> Result<(), Failure> {
    fixture.apply(&configuration(""))
}

pub(crate) fn on_node(node: u8) -> String {
    let name = plan::node_name(node);
    format!("{{matchLabels: {{kubernetes.io/hostname: {name}}}}}")
}

/// Probes while `change` moves the IP to a node, and returns the outage.
fn move_to(
    fixture: &Fixture,
    ip: Ipv4Addr,
    to: u8,
    change: impl FnOnce() -> Result<(), Failure>,
) -> Result<Silence, Failure> {
    let probe = Probe::start(&fixture.lab.client_namespace(), Target::udp((ip, 82)))?;
    probe.expect("an answer to the probes", TIMEOUT, |_| true)?;
    change()?;
    fixture.wait(&format!("{} to own {ip}", plan::node_name(to)), || {
        let owners = observe::owners(&fixture.lab, ip)?;
        ensure(owners == [to], || format!("nodes {owners:?} answer"))
    })?;
    observe::wait_for_answer(&fixture.lab, ip)?;
    let silence = probe.finish()?;
    note(&format!(
        "moved to {}: longest outage {} ms, {} of {} probes lost",
        plan::node_name(to),
        silence.longest.as_millis(),
        silence.lost,
        silence.sent
    ));
    Ok(silence)
}

fn check_graceful(silence: &Silence) -> Result<(), Failure> {
    ensure(silence.longest < GRACEFUL_BOUND, || {
        format!("outage of {} ms", silence.longest.as_millis())
    })
}

/// The announced IP of a pool shows that the speakers have seen both IPs. The controller
/// is stopped, since it would release the other one.
pub(crate) fn ignores_ips_outside_all_pools(fixture: &Fixture) -> Result<(), Failure> {
    fixture.settle()?;
    let scale = |replicas: &str| {
        let deployment = "deployment/ferrolb-controller";
        let replicas = format!("--replicas={replicas}");
        fixture
            .lab
            .kubectl(["-n", SYSTEM, "scale", deployment, &replicas])
    };
    fixture.read_logs()?;
    scale("0")?;
    fixture.wait("the controller pods to terminate", || {
        let pods = fixture.pods("controller", None)?;
        ensure(pods.is_empty(), || format!("{pods:?} still exist"))
    })?;
    fixture.apply(&service("foreign", "echo", "Cluster"))?;
    let (ours, others) = (Ipv4Addr::new(10, 77, 0, 249), Ipv4Addr::new(10, 77, 0, 99));
    let ingress = json!({ "status": { "loadBalancer": { "ingress": [
        { "ip": others.to_string(), "ipMode": "VIP" }, { "ip": ours.to_string(), "ipMode": "VIP" },
    ] } } });
    fixture.lab.kubectl([
        "-n",
        NAMESPACE,
        "patch",
        "service",
        "foreign",
        "--subresource=status",
        "--type=merge",
        "-p",
        &ingress.to_string(),
    ])?;
    observe::wait_for_one_owner(&fixture.lab, ours, TIMEOUT)?;
    let answered = arp::is_answered(&fixture.lab.client_namespace(), others)?;
    fixture
        .lab
        .kubectl(["-n", NAMESPACE, "delete", "service", "foreign"])?;
    scale("2")?;
    fixture.settle()?;
    ensure(!answered, || format!("{others} is in no pool but answered"))
}

pub(crate) fn moves_to_the_selected_node(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    let to = another(fixture, owner);
    let select = format!("nodeSelectors: [{}]", on_node(to));
    let moved = move_to(fixture, ip, to, || advertise(fixture, &select));
    advertise_all(fixture)?;
    check_graceful(&moved?)
}

pub(crate) fn moves_to_the_preferred_node(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    let to = another(fixture, owner);
    let prefer = format!(
        "preferredNodeSelectors: [{{weight: 7, preference: {}}}]",
        on_node(to)
    );
    let moved = move_to(fixture, ip, to, || advertise(fixture, &prefer));
    advertise_all(fixture)?;
    check_graceful(&moved?)
}

pub(crate) fn moves_without_loss_when_drained(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    let (node, to) = (plan::node_name(owner), another(fixture, owner));
    // Allows only two nodes, so that the new owner is known.
    let away = format!("nodeSelectors: [{}, {}]", on_node(owner), on_node(to));
    advertise(fixture, &away)?;
    let taint = |taint: &str| fixture.lab.kubectl(["taint", "node", &node, taint]);
    let moved = move_to(fixture, ip, to, || {
        taint("ToBeDeletedByClusterAutoscaler=now:NoSchedule")?;
        Ok(())
    });
    taint("ToBeDeletedByClusterAutoscaler-")?;
    advertise_all(fixture)?;
    let silence = moved?;
    ensure(silence.lost == 0, || {
        format!("{} of {} lost", silence.lost, silence.sent)
    })
}

/// Its speaker keeps running; the Node is recreated as by the kubelet.
pub(crate) fn moves_when_the_node_is_deleted(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    let (name, to) = (plan::node_name(owner), another(fixture, owner));
    let away = format!("nodeSelectors: [{}, {}]", on_node(owner), on_node(to));
    advertise(fixture, &away)?;
    let node = fixture.lab.kubectl(["get", "node", &name, "-ojson"])?;
    let node: Value = serde_json::from_str(&node)?;
    let moved = move_to(fixture, ip, to, || {
        fixture.lab.kubectl(["delete", "node", &name])?;
        Ok(())
    });
    fixture.apply(&json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": node["metadata"]["labels"] },
        "spec": { "podCIDR": node["spec"]["podCIDR"], "podCIDRs": node["spec"]["podCIDRs"] },
    }))?;
    advertise_all(fixture)?;
    check_graceful(&moved?)?;
    fixture.settle()
}

/// The status objects of the Service.
fn statuses(fixture: &Fixture) -> Result<Vec<Value>, Failure> {
    let of_service = format!("--selector=metallb.io/service-name={SERVICE}");
    let kind = "servicel2statuses.metallb.io";
    let listing = fixture
        .lab
        .kubectl(["-n", SYSTEM, "get", kind, &of_service, "-ojson"])?;
    let mut listing: Value = serde_json::from_str(&listing)?;
    let items = listing["items"].as_array_mut().map(std::mem::take);
    Ok(items.unwrap_or_default())
}

/// Waits until exactly one status object contains the IP, with this node and NIC.
fn wait_for_status(fixture: &Fixture, ip: Ipv4Addr, node: u8, nic: &str) -> Result<(), Failure> {
    let expected = (plan::node_name(node), json!([{ "name": nic }]));
    let names_ip = |object: &Value| {
        let announces = object["metadata"]["annotations"]["ferrolb.io/announces"].as_str();
        announces.is_some_and(|text| text.contains(&format!("{ip}=")))
    };
    fixture.wait("one status that names the owner", || {
        let mut objects = statuses(fixture)?;
        objects.retain(names_ip);
        let [one] = &objects[..] else {
            return Err(Failure::new(format!("{} objects name {ip}", objects.len())));
        };
        let status = &one["status"];
        let right = status["node"] == expected.0 && status["interfaces"] == expected.1;
        ensure(right, || status.to_string())
    })
}

pub(crate) fn statuses_and_events_name_the_owner(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    wait_for_status(fixture, ip, owner, "eth0")?;
    fixture.lab.fail(owner, FailureMode::Link)?;
    let successor = observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT);
    let named =
        successor.map(|successor| (successor, wait_for_status(fixture, ip, successor, "eth0")));
    fixture.lab.heal(owner)?;
    let (successor, named) = named?;
    named?;
    let expected = format!(
        "Node {} announces {ip}, taken over from",
        plan::node_name(successor)
    );
    fixture.wait("the Event about the take-over", || {
        let path = "-ojsonpath={range .items[*]}{.message}{\"\\n\"}{end}";
        let which = "--field-selector=reason=Announced";
        let text = fixture
            .lab
            .kubectl(["-n", NAMESPACE, "get", "events", which, path])?;
        ensure(text.contains(&expected), || text)
    })?;
    fixture.settle()
}

/// With only `eth1` selected, which is on another LAN, the IP is not answered on the
/// client's LAN.
pub(crate) fn announces_only_on_the_selected_interfaces(fixture: &Fixture) -> Result<(), Failure> {
    let (ip, owner) = settled_service(fixture)?;
    advertise(fixture, "interfaces: [\"eth*\"]")?;
    let node = another(fixture, owner);
    fixture.lab.plug(node, "eth1")?;
    let on_both = observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT);
    advertise(fixture, "interfaces: [eth1]")?;
    let elsewhere = wait_for_status(fixture, ip, node, "eth1");
    let answered = arp::is_answered(&fixture.lab.client_namespace(), ip);
    advertise_all(fixture)?;
    fixture.lab.unplug(node, "eth1")?;
    let back = observe::wait_for_one_owner(&fixture.lab, ip, TIMEOUT);
    on_both?;
    elsewhere?;
    ensure(!answered?, || format!("{ip} is answered on eth0"))?;
    back?;
    fixture.settle()
}
