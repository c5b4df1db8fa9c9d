//! The lab's certificates: one CA, the two certificates of the API server, and the key
//! that signs service account tokens. Writes files.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::error::LabError;
use crate::files;

/// The certificate files of a control plane.
#[derive(Debug, Clone)]
pub(crate) struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// The files in `dir`, whether they exist or not.
    #[must_use]
    pub(crate) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
        }
    }

    /// Creates all files; `names` are the addresses and host names of the API server.
    pub(crate) fn create(dir: &Path, names: &[&str]) -> Result<Self, LabError> {
        let pki = Self::at(dir);
        let authority = authority()?;
        files::write(&pki.ca(), authority.0)?;
        let issuer = authority.1;
        let server = leaf(
            "kube-apiserver",
            None,
            names,
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        pki.sign("apiserver", &server, &issuer)?;
        let client = leaf(
            "kube-apiserver-kubelet-client",
            Some("system:masters"),
            &[],
            ExtendedKeyUsagePurpose::ClientAuth,
        )?;
        pki.sign("kubelet-client", &client, &issuer)?;
        let tokens = key("service account tokens")?;
        files::write(&pki.key("tokens"), tokens.serialize_pem())?;
        files::write(&pki.tokens_public(), tokens.public_key_pem())?;
        Ok(pki)
    }

    /// The CA certificate.
    #[must_use]
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// The certificate `name`.
    #[must_use]
    pub(crate) fn cert(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.crt"))
    }

    /// The private key `name`.
    #[must_use]
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.key"))
    }

    /// The public key for service account tokens.
    #[must_use]
    pub(crate) fn tokens_public(&self) -> PathBuf {
        self.dir.join("tokens.pub")
    }

    fn sign(
        &self,
        name: &str,
        params: &CertificateParams,
        issuer: &Issuer<'_, KeyPair>,
    ) -> Result<(), LabError> {
        let key = key(name)?;
        let certificate = params.signed_by(&key, issuer).map_err(failed(name))?;
        files::write(&self.key(name), key.serialize_pem())?;
        files::write(&self.cert(name), certificate.pem())
    }
}

fn failed(subject: &str) -> impl FnOnce(rcgen::Error) -> LabError {
    let subject = subject.to_owned();
    move |source| LabError::Certificate { subject, source }
}

fn key(subject: &str) -> Result<KeyPair, LabError> {
    KeyPair::generate().map_err(failed(subject))
}

/// The CA certificate as PEM, and its issuer.
fn authority() -> Result<(String, Issuer<'static, KeyPair>), LabError> {
    let subject = "ferrolb-lab-ca";
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.distinguished_name.push(DnType::CommonName, subject);
    let key = key(subject)?;
    let certificate = params.self_signed(&key).map_err(failed(subject))?;
    Ok((certificate.pem(), Issuer::new(params, key)))
}

fn leaf(
    common_name: &str,
    organization: Option<&str>,
    names: &[&str],
    usage: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, LabError> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(failed(common_name))?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        params
            .distinguished_name
            .push(DnType::OrganizationName, organization);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_every_file_that_the_control_plane_needs() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::create(dir.path(), &["127.0.0.1", "kubernetes.default.svc"]).unwrap();
        for file in [
            pki.ca(),
            pki.cert("apiserver"),
            pki.key("apiserver"),
            pki.key("kubelet-client"),
            pki.key("tokens"),
            pki.tokens_public(),
        ] {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("-----BEGIN"), "{}", file.display());
        }
    }
}
