//! The reconciler against a model of the API server.

mod cases;
mod random;
mod server;
mod sharing;
