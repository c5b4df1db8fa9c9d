//! The reconciler against a model of the API server.

mod announced;
mod cases;
mod conflicts;
mod nodes;
mod pools;
mod random;
mod server;
mod sharing;
