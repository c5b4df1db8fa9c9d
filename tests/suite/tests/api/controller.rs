//! A controller inside the test process, to be stopped or killed.

use std::net::{SocketAddr, TcpListener};

use clap::Parser;
use ferrolb_controller::args::Args;
use ferrolb_controller::error::Error;
use kube::Client;
use libtest_mimic::Failed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::wait;

/// A running controller. Dropping it kills it, as a node failure would.
pub(crate) struct Controller {
    http: SocketAddr,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

impl Controller {
    /// Starts one with a lease of this many seconds.
    pub(crate) fn start(client: Client, lease_seconds: u16) -> Result<Self, Failed> {
        let http = free_address()?;
        let flags = [
            "ferrolb-controller",
            &format!("--lease-seconds={lease_seconds}"),
            &format!("--http-listen={http}"),
            "--probe-listen=127.0.0.1:0",
        ];
        let args = Args::try_parse_from(flags)?;
        let cancel = CancellationToken::new();
        let task = tokio::spawn(ferrolb_controller::run(args, client, cancel.clone()));
        Ok(Self { http, cancel, task })
    }

    /// Ends it at once, with nothing finished or released.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Shuts it down.
    pub(crate) async fn stop(mut self) -> Result<(), Failed> {
        self.cancel.cancel();
        (&mut self.task).await?.map_err(Failed::from)
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) -> Result<(), Failed> {
        wait::until("a ready controller", async || {
            let answer = self.get("/readyz").await?;
            if answer.contains(" 200 ") {
                Ok(())
            } else {
                Err(std::io::Error::other(answer))
            }
        })
        .await
    }

    /// Waits until a metric without labels has this value.
    pub(crate) async fn metric(&self, name: &str, value: i64) -> Result<(), Failed> {
        let line = format!("{name} {value}");
        wait::until(&format!("metric {line}"), async || {
            let metrics = self.get("/metrics").await?;
            let found = metrics.lines().any(|l| l == line);
            if found {
                Ok(())
            } else {
                Err(std::io::Error::other(metrics))
            }
        })
        .await
    }

    /// What `/state` shows.
    pub(crate) async fn state(&self) -> Result<serde_json::Value, Failed> {
        let answer = self.get("/state").await?;
        let body = answer.split_once("\r\n\r\n").ok_or(answer.clone())?.1;
        serde_json::from_str(body).map_err(|error| format!("{error}: {answer}").into())
    }

    async fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.http).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address that was free a moment ago.
fn free_address() -> Result<SocketAddr, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
