//! Makes the API server reachable from the root namespace: a process that listens on
//! 127.0.0.1 there and connects from the control plane's namespace. It keeps its port as
//! long as the lab exists.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::{files, netns};

/// Timeout of a connection to the API server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The order for the relay process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The namespace to connect from.
    pub(crate) netns: String,
    /// The API server.
    pub(crate) target: SocketAddr,
    /// The file that stores the port, which is reused after a restart.
    pub(crate) port_file: std::path::PathBuf,
}

/// `lab relay`: serves until killed.
pub fn serve(order: &str) -> Result<(), LabError> {
    let order: Order = serde_json::from_str(order).map_err(|source| LabError::Parse {
        what: "the order for the relay".to_owned(),
        source,
    })?;
    let listener = listen(&order.port_file)?;
    // The listener stays in the namespace in which it was created.
    netns::join(&order.netns)?;
    for connection in listener.incoming().flatten() {
        let target = order.target;
        std::thread::spawn(move || forward(&connection, target));
    }
    Ok(())
}

/// The port of the relay, once it listens.
#[must_use]
pub(crate) fn port(file: &Path) -> Option<u16> {
    files::read(file).ok()?.trim().parse().ok()
}

fn listen(port_file: &Path) -> Result<TcpListener, LabError> {
    let address = format!("127.0.0.1:{}", port(port_file).unwrap_or(0));
    let failed = |source| LabError::Listen {
        address: address.clone(),
        source,
    };
    let listener = TcpListener::bind(&address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?.port();
    files::replace(port_file, bound.to_string())?;
    Ok(listener)
}

/// Forwards one connection until either side closes it. Errors are not reported: the
/// peers see a closed connection.
fn forward(client: &TcpStream, target: SocketAddr) {
    let Ok(server) = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT) else {
        return;
    };
    let _no_delay = client
        .set_nodelay(true)
        .and_then(|()| server.set_nodelay(true));
    std::thread::scope(|scope| {
        scope.spawn(|| one_way(client, &server));
        one_way(&server, client);
    });
}

fn one_way(mut from: &TcpStream, mut to: &TcpStream) {
    if io::copy(&mut from, &mut to).is_err() {
        // After an error both directions are closed, or the other would wait indefinitely.
        let _closed = from.shutdown(Shutdown::Both);
        let _closed = to.shutdown(Shutdown::Both);
    }
    let _closed = to.shutdown(Shutdown::Write);
}
