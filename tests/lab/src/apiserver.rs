//! etcd and kube-apiserver on loopback, for tests that need an API server but no nodes.
//! Ready in a few seconds; leaves nothing behind.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::child::ChildGuard;
use crate::credentials::{self, User};
use crate::error::LabError;
use crate::flags::{ApiFlags, EtcdFlags};
use crate::pki::Pki;
use crate::progress::Progress;
use crate::tools::{Need, Tools};
use crate::{files, run, wait};

/// Timeout of a start, for a loaded machine.
const DEADLINE: Duration = Duration::from_secs(90);

/// A private API server with an empty etcd and RBAC; the kubeconfig is an
/// administrator's. No controller runs, so only the tests change objects: there is no
/// `default` service account (its admission is off), Deployments create no pods, and a
/// deleted namespace stays `Terminating`.
///
/// Both processes end when this value is dropped, or with the test process.
#[derive(Debug)]
pub struct ApiServer {
    dir: PathBuf,
    tools: Tools,
    port: u16,
    etcd: EtcdFlags,
    kubeconfig: PathBuf,
    api: Option<ChildGuard>,
    _etcd: ChildGuard,
}

impl ApiServer {
    /// Starts both in `dir` (created if missing) and waits until the API is ready. Finds
    /// or builds the programs first; the error names a missing tool.
    pub fn start(dir: &Path) -> Result<Self, LabError> {
        Self::start_with(dir, &crate::progress::Silent)
    }

    /// Like [`ApiServer::start`], but shows the progress of a first build.
    pub fn start_with(dir: &Path, progress: &dyn Progress) -> Result<Self, LabError> {
        let tools = Tools::standard();
        tools.ensure(Need::ApiServer, progress)?;
        files::create_dir(dir)?;
        let [port, client, peer] = free_ports()?;
        let pki = Pki::create(&dir.join("pki"), &["127.0.0.1", "localhost"])?;
        let admin = User::admin()?;
        credentials::write_tokens(&dir.join("tokens.csv"), std::slice::from_ref(&admin))?;
        let kubeconfig = dir.join("kubeconfig");
        credentials::write_kubeconfig(
            &kubeconfig,
            &format!("https://127.0.0.1:{port}"),
            &pki.ca(),
            &admin,
        )?;
        let flags = EtcdFlags {
            data: dir.join("etcd"),
            client,
            peer,
        };
        let etcd = ChildGuard::start(
            &run::command(tools.program("etcd"), flags.args()),
            &dir.join("etcd.log"),
        )?;
        let mut server = Self {
            dir: dir.to_path_buf(),
            tools,
            port,
            etcd: flags,
            kubeconfig,
            api: None,
            _etcd: etcd,
        };
        server.start_api()?;
        Ok(server)
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The API server's address, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// A kubectl that talks to this server as its administrator.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(self.tools.program("kubectl"));
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.dir.join("kube-cache"));
        command
    }

    /// Kills kube-apiserver; etcd keeps its data. Further connections are refused.
    pub fn stop_api(&mut self) {
        self.api = None;
    }

    /// Starts kube-apiserver on the same port again and waits until it is ready; does
    /// nothing if it is running.
    pub fn start_api(&mut self) -> Result<(), LabError> {
        if self.api.is_some() {
            return Ok(());
        }
        let command = run::command(self.tools.program("kube-apiserver"), self.flags().args());
        self.api = Some(ChildGuard::start(&command, &self.log())?);
        wait::until("kube-apiserver to be ready", DEADLINE, || {
            run::output(self.kubectl().args(["get", "--raw", "/readyz"])).map_err(|error| {
                format!(
                    "{}; the end of its log: {}",
                    error.sentence(),
                    self.log_end()
                )
            })
        })?;
        Ok(())
    }

    /// The log file of kube-apiserver.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join("kube-apiserver.log")
    }

    fn log_end(&self) -> String {
        let text = files::read(&self.log()).unwrap_or_default();
        run::tail(&text, 5).to_owned()
    }

    fn flags(&self) -> ApiFlags {
        ApiFlags {
            etcd: self.etcd.client,
            advertise: "127.0.0.1".to_owned(),
            bind: "127.0.0.1".to_owned(),
            port: self.port,
            pki: Pki::at(&self.dir.join("pki")),
            tokens: self.dir.join("tokens.csv"),
            nodes: false,
        }
    }
}

/// Three ports that were free a moment ago.
fn free_ports() -> Result<[u16; 3], LabError> {
    let bind = || {
        TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| Ok((socket.local_addr()?.port(), socket)))
    };
    let failed = |source| LabError::Listen {
        address: "127.0.0.1".to_owned(),
        source,
    };
    let held = [
        bind().map_err(failed)?,
        bind().map_err(failed)?,
        bind().map_err(failed)?,
    ];
    Ok(held.map(|(port, _socket)| port))
}
