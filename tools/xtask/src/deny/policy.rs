//! `deny.toml` and the packages that are held to it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use spdx::Expression;

/// The tables of `deny.toml` that are checked.
#[derive(Debug, Deserialize)]
pub(super) struct Policy {
    pub(super) graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
pub(super) struct Graph {
    pub(super) targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    registries: Vec<String>,
}

/// The output of `cargo metadata`, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
}

/// A package that is compiled.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// Absent for packages of this workspace.
    source: Option<String>,
}

impl Metadata {
    /// The packages that the target needs, by their id.
    pub(super) fn resolved(self) -> BTreeMap<String, Package> {
        let needed: BTreeSet<String> = self.resolve.nodes.into_iter().map(|node| node.id).collect();
        let packages = self.packages.into_iter();
        let needed = packages.filter(|package| needed.contains(&package.id));
        needed
            .map(|package| (package.id.clone(), package))
            .collect()
    }
}

impl Policy {
    /// How a package violates the policy.
    pub(super) fn problems(&self, package: &Package) -> Vec<String> {
        let problems = [
            self.license_problem(package),
            self.ban_problem(package),
            self.source_problem(package),
        ];
        let name = format!("{} {}", package.name, package.version);
        let found = problems.into_iter().flatten();
        found.map(|problem| format!("{name}: {problem}")).collect()
    }

    /// Allowed licences that no package needs.
    pub(super) fn unused<'a>(
        &self,
        packages: impl Iterator<Item = &'a Package>,
    ) -> BTreeSet<String> {
        let mut unused = self.licenses.allow.clone();
        for expression in packages.filter_map(expression) {
            for requirement in expression.requirements() {
                unused.remove(&requirement.req.to_string());
            }
        }
        unused
    }

    fn license_problem(&self, package: &Package) -> Option<String> {
        let license = package.license.as_deref().unwrap_or("none");
        let Some(expression) = expression(package) else {
            return Some(format!("license {license} is not an SPDX expression"));
        };
        let allowed = expression.evaluate(|it| self.licenses.allow.contains(&it.to_string()));
        (!allowed).then(|| format!("license {license} is not allowed"))
    }

    fn ban_problem(&self, package: &Package) -> Option<String> {
        let ban = self.bans.deny.iter().find(|ban| ban.name == package.name)?;
        Some(format!("is banned: {}", ban.reason))
    }

    fn source_problem(&self, package: &Package) -> Option<String> {
        let source = package.source.as_deref()?;
        let registry = source.strip_prefix("registry+").unwrap_or_default();
        let allowed = self.sources.registries.iter().any(|it| it == registry);
        (!allowed).then(|| format!("source {source} is not allowed"))
    }
}

/// A package's licence; older packages write `/` for OR.
fn expression(package: &Package) -> Option<Expression> {
    let license = package.license.as_deref()?.replace('/', " OR ");
    Expression::parse(&license).ok()
}
