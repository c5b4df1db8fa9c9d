//! Flags that both programs take. Each has an environment fallback, so that a
//! manifest can set it either way.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

/// Flags common to the controller and the speaker.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// Namespace of FerroLB's ConfigMap, Secret, Lease and pods.
    #[arg(long, env = "FERROLB_NAMESPACE", default_value = "ferrolb-system")]
    pub namespace: String,

    /// Address and port of the listener for /metrics, /livez, /readyz and /state.
    #[arg(long, env = "FERROLB_HTTP_LISTEN", default_value = "[::]:9617")]
    pub http_listen: SocketAddr,

    /// Address and port of the listener for the kubelet's probes, /livez and /readyz.
    /// On loopback no other host can fill it.
    #[arg(long, env = "FERROLB_PROBE_LISTEN", default_value = "127.0.0.1:9619")]
    pub probe_listen: SocketAddr,

    /// Request this page from the program that runs already, print the response, and
    /// exit with 0 if it is 200: for `exec` probes.
    #[arg(long, value_enum, value_name = "PAGE")]
    pub probe: Option<Probe>,

    /// Log filter: a level, or directives such as `info,ferrolb_speaker=debug`.
    // The client logs every refused connection; the watches log once per outage.
    #[arg(
        long,
        env = "FERROLB_LOG",
        default_value = "info,kube_client::client::builder=off"
    )]
    pub log: String,

    /// Log output format.
    #[arg(long, env = "FERROLB_LOG_FORMAT", value_enum, default_value_t = LogFormat::Plain)]
    pub log_format: LogFormat,
}

/// A page of the running program, to be requested by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Probe {
    /// Whether the program responds.
    Livez,
    /// Whether it is ready.
    Readyz,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One readable line per event.
    Plain,
    /// One JSON object per event.
    Json,
}
