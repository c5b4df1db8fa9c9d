//! The lab: a real Kubernetes cluster on one machine, without a container engine. One
//! network namespace is the LAN, one holds the control plane, one is the client, and
//! each node is a tree of namespaces with containerd, kubelet and kube-proxy in it.
//!
//! The program `lab` is a thin command line around this library; the test suites use
//! the same functions, mostly through [`lab::Lab`]. This file only declares the modules.

pub mod apiserver;
mod cgroup;
mod cgroup_records;
pub mod child;
mod components;
mod control_plane;
mod credentials;
pub mod demo;
pub mod dirs;
mod down;
mod env_file;
pub mod error;
mod faults;
mod ferrolb;
pub mod files;
mod flags;
pub mod interrupt;
pub mod lab;
mod lan;
mod logs;
pub mod netns;
pub mod node;
pub mod observe;
mod options;
mod pki;
pub mod plan;
pub mod probe;
mod procs;
pub mod progress;
pub mod relay;
pub mod run;
pub mod spawn;
pub mod status;
pub mod tools;
mod up;
pub mod wait;

pub use error::LabError;
