//! Nothing lives here: the suites are in `tests/`, one folder each. `layers`
//! reads the source, `wire` needs network namespaces, `api` a real API server,
//! `lab` the whole cluster.
