//! Credentials for the API server: static tokens, and kubeconfig files that contain
//! them.

use std::path::Path;

use serde_json::json;

use crate::error::LabError;
use crate::files;

/// One user of the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The user name in Kubernetes, e.g. `system:node:node-1`.
    pub(crate) name: String,
    /// The group, if any.
    pub(crate) group: Option<String>,
    /// The bearer token.
    pub(crate) token: String,
}

impl User {
    /// A user with a new random token.
    pub(crate) fn fresh(name: &str, group: Option<&str>) -> Result<Self, LabError> {
        Ok(Self {
            name: name.to_owned(),
            group: group.map(str::to_owned),
            token: files::random_hex(16)?,
        })
    }

    /// The cluster's administrator.
    pub(crate) fn admin() -> Result<Self, LabError> {
        Self::fresh("admin", Some("system:masters"))
    }

    /// One line of kube-apiserver's `--token-auth-file`: token,user,uid,"groups".
    fn line(&self) -> String {
        let group = self
            .group
            .as_deref()
            .map(|group| format!(",\"{group}\""))
            .unwrap_or_default();
        format!("{},{},{}{group}\n", self.token, self.name, self.name)
    }
}

/// Writes the file for `--token-auth-file`.
pub(crate) fn write_tokens(path: &Path, users: &[User]) -> Result<(), LabError> {
    files::write(path, users.iter().map(User::line).collect::<String>())
}

/// Writes a kubeconfig (as JSON, which is YAML) for one user and one server address.
pub(crate) fn write_kubeconfig(
    path: &Path,
    server: &str,
    ca: &Path,
    user: &User,
) -> Result<(), LabError> {
    files::write_json(
        path,
        &json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user.name}}],
            "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority": ca}}],
            "users": [{"name": user.name, "user": {"token": user.token}}],
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_line_quotes_its_group() {
        let node = User {
            name: "system:node:a".into(),
            group: Some("system:nodes".into()),
            token: "t".into(),
        };
        assert_eq!(
            node.line(),
            "t,system:node:a,system:node:a,\"system:nodes\"\n"
        );
    }

    #[test]
    fn two_users_never_share_a_token() {
        assert_ne!(User::admin().unwrap().token, User::admin().unwrap().token);
    }
}
