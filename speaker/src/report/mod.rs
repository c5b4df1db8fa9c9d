//! What the speaker reports to the cluster: Events and `ServiceL2Status`
//! objects. All of it is pure except `l2_status::writer`, which talks to the API server.

pub mod events;
pub mod l2_status;
pub mod unannounced;
