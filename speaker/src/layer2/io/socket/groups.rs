//! Membership in IPv6 multicast groups, by UDP sockets that are not bound and
//! receive nothing. The kernel programs the network card for the group and
//! reports it to snooping switches (MLD, RFC 3810). Needs no privilege.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv6Addr;

use socket2::{Domain, Socket, Type};

/// The kernel limits the memory for memberships per socket; this many fit easily.
const PER_SOCKET: usize = 64;

/// A group on a link, by the link's kernel index.
pub(in crate::layer2::io) type Membership = (u32, Ipv6Addr);

/// Groups that have been joined.
#[derive(Debug, Default)]
pub(in crate::layer2::io) struct Joined {
    sockets: Vec<Socket>,
    /// Each with its index in `sockets`.
    memberships: BTreeMap<Membership, usize>,
}

impl Joined {
    /// The memberships held.
    pub(in crate::layer2::io) fn iter(&self) -> impl Iterator<Item = &Membership> {
        self.memberships.keys()
    }

    /// Whether the group was joined.
    pub(in crate::layer2::io) fn contains(&self, membership: &Membership) -> bool {
        self.memberships.contains_key(membership)
    }

    /// Joins a group on a link.
    pub(in crate::layer2::io) fn join(&mut self, (link, group): Membership) -> io::Result<()> {
        let index = self.index()?;
        if let Some(socket) = self.sockets.get(index) {
            socket.join_multicast_v6(&group, link)?;
            self.memberships.insert((link, group), index);
        }
        Ok(())
    }

    /// Leaves a group; one on a link that is gone has been left already.
    pub(in crate::layer2::io) fn leave(&mut self, membership: &Membership) {
        let index = self.memberships.remove(membership);
        if let Some(socket) = index.and_then(|index| self.sockets.get(index)) {
            let (link, group) = membership;
            let _ = socket.leave_multicast_v6(group, *link);
        }
    }

    /// A socket with room, opened if there is none.
    fn index(&mut self) -> io::Result<usize> {
        let mut used = vec![0; self.sockets.len()];
        for index in self.memberships.values() {
            if let Some(count) = used.get_mut(*index) {
                *count += 1;
            }
        }
        if let Some(index) = used.iter().position(|count| *count < PER_SOCKET) {
            return Ok(index);
        }
        let socket = Socket::new(Domain::IPV6, Type::DGRAM.cloexec(), None)?;
        self.sockets.push(socket);
        Ok(self.sockets.len() - 1)
    }
}
