//! The standalone API server: starts, keeps its data and port over a restart, and leaves
//! no process behind.

#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::Command;

use ferrolb_lab::apiserver::ApiServer;
use ferrolb_lab::progress::Stderr;
use ferrolb_lab::run;

fn processes_using(dir: &std::path::Path) -> String {
    let out = Command::new("pgrep").arg("-f").arg(dir).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn keeps_its_objects_over_a_restart_and_leaves_no_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = ApiServer::start_with(dir.path(), &Stderr::new()).unwrap();
    run::output(
        server
            .kubectl()
            .args(["create", "configmap", "test", "--from-literal=a=b"]),
    )
    .unwrap();

    server.stop_api();
    let url = server.url();
    assert!(run::output(server.kubectl().args(["get", "configmap", "test"])).is_err());

    server.start_api().unwrap();
    assert_eq!(server.url(), url);
    run::output(server.kubectl().args(["get", "configmap", "test"])).unwrap();

    assert_ne!(processes_using(dir.path()), "");
    drop(server);
    assert_eq!(processes_using(dir.path()), "");
}
