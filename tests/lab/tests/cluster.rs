//! The lab itself: one node without FerroLB starts, fails and heals in every way, and is
//! removed completely, also after an interrupt. Needs root.

#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ferrolb_lab::lab::{FailureMode, Lab, Options};
use ferrolb_lab::progress::{Silent, Stderr};
use ferrolb_lab::{run, tools, wait};

/// A lab that is removed when its test ends. Its directory is below `target/`, since
/// nodes replace some other directories.
struct TestLab {
    lab: Lab,
    _home: tempfile::TempDir,
}

impl TestLab {
    fn new() -> Self {
        let home = tempfile::tempdir_in(tools::checkout().join("target")).unwrap();
        let lab = Lab::open(&home.path().join("lab")).unwrap();
        Self { lab, _home: home }
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        self.lab.down(&Silent).unwrap();
    }
}

/// Everything on this machine that belongs to the lab.
fn traces(lab: &Lab) -> Vec<String> {
    let prefix = lab.dirs().prefix().to_owned();
    let root = lab.dirs().root().display().to_string();
    let find = format!(
        "find /sys/fs/cgroup -name '{prefix}*'; ls /run/netns | grep {prefix}; pgrep -af '{root}/(bin|nodes|pki)'; grep -e {prefix} -e '{root}' /proc/mounts; ls -d '{root}' 2>&1 | grep -v 'No such'; true"
    );
    let found = run::output(&mut run::command("sh", ["-c", find.as_str()])).unwrap();
    found
        .lines()
        .filter(|line| !line.contains("sh -c find"))
        .map(str::to_owned)
        .collect()
}

/// Kernel settings of the host that a kubelet or kube-proxy would change.
fn settings() -> Vec<String> {
    let files = "vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes net/ipv4/ip_forward net/ipv6/conf/all/forwarding";
    let path = |file: &str| Path::new("/proc/sys").join(file);
    files
        .split(' ')
        .map(|file| {
            format!(
                "{file}={}",
                std::fs::read_to_string(path(file)).unwrap_or_default()
            )
        })
        .collect()
}

/// Waits until the condition Ready of the node has this status.
fn wait_for_node(lab: &Lab, status: &str) {
    let condition =
        format!("--for=jsonpath={{.status.conditions[?(@.type==\"Ready\")].status}}={status}");
    lab.kubectl(["wait", "node/node-1", &condition, "--timeout=60s"])
        .unwrap();
}

#[test]
fn starts_fails_heals_and_is_removed_completely() {
    let test_lab = TestLab::new();
    let lab = &test_lab.lab;
    let before = settings();
    let options = Options {
        nodes: 1,
        bare: true,
        ..Options::default()
    };
    lab.up(&options, &Stderr::new()).unwrap();
    lab.up(&options, &Silent).unwrap();
    let rejected = lab
        .up(
            &Options {
                nodes: 2,
                ..options
            },
            &Silent,
        )
        .unwrap_err();
    assert!(rejected.to_string().contains("other options"), "{rejected}");

    a_shell_can_source_the_env_file(lab);
    lab.client(["arping", "-c1", "-w2", "-I", "eth0", "10.77.0.11"])
        .unwrap();
    assert_eq!(lab.node(1).exec(["hostname"]).unwrap().trim(), "node-1");
    a_nic_can_be_added_and_removed(lab);
    every_failure_heals(lab);
    the_api_server_comes_back_at_its_address(lab);

    lab.down(&Silent).unwrap();
    assert_eq!(traces(lab), Vec::<String>::new());
    assert_eq!(settings(), before);
    lab.down(&Silent).unwrap();
}

fn a_shell_can_source_the_env_file(lab: &Lab) {
    let script = format!(
        ". {}/env; test \"$LAB_NODE_1\" = node-1; ip -n \"$LAB_LAN\" link show \"$LAB_NODE_1_PORT\" >/dev/null; \
         nsenter --net=/run/netns/\"$LAB_CLIENT\" arping -q -c1 -w2 -I eth0 \"$LAB_NODE_1_IP\"; \
         nsenter --net=/run/netns/\"$LAB_NODE_1_NS\" true; $KUBECTL get node \"$LAB_NODE_1\" -oname",
        lab.dirs().root().display()
    );
    let output = run::output(&mut run::command("sh", ["-ec", script.as_str()])).unwrap();
    assert_eq!(output.trim(), "node/node-1");
}

fn a_nic_can_be_added_and_removed(lab: &Lab) {
    lab.plug(1, "eth1").unwrap();
    let shown = lab
        .node(1)
        .exec(["ip", "-br", "address", "show", "eth1"])
        .unwrap();
    assert!(shown.contains("10.79.0.11/24"), "{shown}");
    lab.unplug(1, "eth1").unwrap();
    assert!(lab.node(1).exec(["ip", "link", "show", "eth1"]).is_err());
}

fn every_failure_heals(lab: &Lab) {
    let reaches = || {
        lab.client(["arping", "-c1", "-w1", "-I", "eth0", "10.77.0.11"])
            .is_ok()
    };
    for how in [
        FailureMode::Link,
        FailureMode::Partition,
        FailureMode::Power,
    ] {
        lab.fail(1, how).unwrap();
        assert!(!reaches(), "the node is reachable after {how:?}");
        lab.heal(1).unwrap();
        wait::until("the node to answer ARP", Duration::from_secs(10), || {
            if reaches() {
                Ok(())
            } else {
                Err(format!("no answer after {how:?}"))
            }
        })
        .unwrap();
    }
    lab.fail(1, FailureMode::Freeze).unwrap();
    assert!(reaches(), "the kernel of a frozen node must keep answering");
    wait_for_node(lab, "Unknown");
    lab.heal(1).unwrap();
    wait_for_node(lab, "True");
}

fn the_api_server_comes_back_at_its_address(lab: &Lab) {
    lab.kill("api").unwrap();
    assert!(
        lab.kubectl(["get", "nodes", "--request-timeout=2s"])
            .is_err()
    );
    lab.restart("api").unwrap();
    lab.kubectl(["get", "nodes"]).unwrap();
    assert!(lab.logs("api").unwrap().contains("Serving securely"));
}

#[test]
fn an_interrupt_removes_the_lab() {
    let test_lab = TestLab::new();
    let lab = &test_lab.lab;
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("--dir")
        .arg(lab.dirs().root())
        .args(["up", "--bare", "--nodes", "1"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.contains("switching on")));
    assert_ne!(traces(lab), Vec::<String>::new());
    run::line(&format!("kill -INT {}", child.id())).unwrap();
    assert!(lines.any(|line| line.contains("interrupted")));
    assert!(!child.wait().unwrap().success());
    assert_eq!(traces(lab), Vec::<String>::new());
}
