//! The responder in a process of its own, to be frozen or run without privileges:
//! this program, started with `--speaker IP`. It answers for the IP on `eth0`,
//! renews its watchdog every 20 ms, and prints its ARP counters for each line of input.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolb_lab::netns;
use ferrolb_speaker::host::interfaces::{Link, Links, Patterns};
use ferrolb_speaker::host::links;
use ferrolb_speaker::layer2::io::counters::WireCounters;
use ferrolb_speaker::layer2::io::responder::{Wire, WireEvent};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const FLAG: &str = "--speaker";
const TICK: Duration = Duration::from_millis(20);
const LEASE: Duration = Duration::from_millis(100);

/// The IP to answer for, if this process is the speaker.
pub(crate) fn requested_ip() -> Option<IpAddr> {
    let mut arguments = std::env::args().skip_while(|argument| argument != FLAG);
    arguments.nth(1)?.parse().ok()
}

/// Runs as the speaker until its input ends.
pub(crate) fn run(ip: IpAddr) -> ExitCode {
    let (sender, events) = mpsc::unbounded_channel();
    let counters = Arc::new(WireCounters::default());
    match Wire::start(sender, Arc::clone(&counters)) {
        Ok(wire) => {
            serve(ip, &wire, &counters, events);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let mut out = std::io::stdout();
            let chain = ferrolb_core::text::Chain(&error);
            writeln!(out, "{chain}").unwrap();
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(
    ip: IpAddr,
    wire: &Wire,
    counters: &WireCounters,
    mut events: mpsc::UnboundedReceiver<WireEvent>,
) {
    let (sender, links) = watch::channel(Arc::default());
    tokio::spawn(links::watch(
        sender,
        Patterns::default(),
        CancellationToken::new(),
    ));
    let link = eth0(links).await;
    wire.set_owned(HashMap::from([(ip, BTreeSet::from([link.index]))]));
    wire.set_links(vec![link]);
    assert!(matches!(
        events.recv().await,
        Some(WireEvent::LinkOpened { .. })
    ));
    print("ready");
    let mut lines = input();
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = tick.tick() => wire.renew(Instant::now() + LEASE),
            line = lines.recv() => match line {
                Some(()) => print(&format!("{} {}", counters.arp.answers.get(), counters.arp.dropped_mute.get())),
                None => return,
            },
        }
    }
}

async fn eth0(mut links: watch::Receiver<Arc<Links>>) -> Link {
    let named = |links: &Links| {
        links
            .values()
            .find(|l| l.name == "eth0" && l.carrier)
            .cloned()
    };
    let seen = links
        .wait_for(|links| named(links).is_some())
        .await
        .unwrap();
    named(&seen).unwrap()
}

/// Lines of input; a thread reads them, since a pipe blocks.
fn input() -> mpsc::UnboundedReceiver<()> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            let _ = sender.send(());
        }
    });
    lines
}

fn print(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Such a process, for its parent; killed when dropped.
pub(crate) struct Speaker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Speaker {
    /// Starts one, ready to answer.
    pub(crate) fn start(namespace: &str, ip: impl Into<IpAddr>, privileges: &[&str]) -> Self {
        let mut speaker = Self::spawn(namespace, ip.into(), privileges);
        assert_eq!(speaker.line(), "ready");
        speaker
    }

    /// Starts one and returns its output until it ends.
    pub(crate) fn final_output(
        namespace: &str,
        ip: impl Into<IpAddr>,
        privileges: &[&str],
    ) -> String {
        let mut speaker = Self::spawn(namespace, ip.into(), privileges);
        let mut output = String::new();
        speaker.output.read_to_string(&mut output).unwrap();
        output
    }

    fn spawn(namespace: &str, ip: IpAddr, privileges: &[&str]) -> Self {
        let this = std::env::current_exe().unwrap();
        let (this, ip) = (this.to_str().unwrap(), ip.to_string());
        let words = privileges.iter().copied().chain([this, FLAG, ip.as_str()]);
        let mut command: Command = netns::exec(namespace, words);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    /// How many requests it answered, and how many it dropped because it was mute.
    pub(crate) fn counts(&mut self) -> (u64, u64) {
        self.input.write_all(b"\n").unwrap();
        let line = self.line();
        let (answers, dropped) = line.split_once(' ').unwrap();
        (answers.parse().unwrap(), dropped.parse().unwrap())
    }

    /// Freezes it like a machine that is not scheduled.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Resumes it.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
