//! The certificates of `SSL_CERT_FILE`, which are trusted besides the well-known authorities.

use std::{ffi::OsString, io, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use crate::{files, text};

/// The file of `SSL_CERT_FILE`, as it was read.
#[derive(Debug, Clone)]
pub struct CertificateFile {
    pub path: PathBuf,
    /// Its certificates, or why there are none.
    pub certificates: Result<Vec<CertificateDer<'static>>, String>,
}

impl CertificateFile {
    /// Reads the file that the environment names, if it names one.
    pub fn find(env: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let path = PathBuf::from(env("SSL_CERT_FILE").filter(|path| !path.is_empty())?);
        let certificates = read(&path);
        Some(Self { path, certificates })
    }

    /// What a reader should know about it when a certificate was refused.
    pub fn remark(&self) -> String {
        let path = self.path.display();
        match &self.certificates {
            Ok(_) => format!("SSL_CERT_FILE {path} does not vouch for it"),
            Err(why) => format!("SSL_CERT_FILE {path} {why}"),
        }
    }

    /// Returns settings that trust its certificates, even one that is the server's own; `None` if it has none.
    pub fn to_tls_config(&self) -> Option<ClientConfig> {
        let own = self.certificates.as_ref().ok()?.clone();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        roots.add_parsable_certificates(own.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let authorities =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().ok()?;
        let verifier = Arc::new(OwnCertificateVerifier { authorities, own });
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Some(config)
    }
}

fn read(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let cannot = |error: io::Error| format!("cannot be read: {}", text::error_words(&error));
    let bytes = files::read(path).map_err(cannot)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).collect();
    if certificates.is_empty() { Err("contains no certificate".into()) } else { Ok(certificates) }
}

/// Accepts what the authorities vouch for, and the very certificates of the file.
#[derive(Debug)]
struct OwnCertificateVerifier {
    authorities: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for OwnCertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError;
        let result = self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result {
            // An authority's certificate may not be a server's, unless the user trusts exactly this one.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_) | CertificateError::UnknownIssuer))
                if self.own.iter().any(|own| own == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
