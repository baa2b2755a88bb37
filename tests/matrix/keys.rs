//! The keys: made by OpenSSL at start, and laid where the validators find their public halves.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm as Alg, EncodingKey};
use observer_tests::mint::{ISSUER, Signer};
use tempfile::TempDir;

use crate::catalogue::Algorithm;

/// The `kid` of the RSA key.
pub const RS256_KID: &str = "lab-rs256";
const ES256_KID: &str = "lab-es256";
/// A `kid` that no key set has.
const UNKNOWN_KID: &str = "retired-2019";

/// All keys.
pub struct Keys {
    folder: TempDir,
    rs256: Signers,
    es256: Signers,
    hs256: Signers,
    /// Signs with what everybody knows, as an attacker would: the public RSA key as an HMAC secret.
    pub confused: Signer,
    /// Another HMAC than the validators take, by their own secret.
    pub hs512: Signer,
}

/// A key of an issuer, with its public half. Its file has the private half as PKCS #8.
///
/// # Errors
/// When openssl cannot make it.
pub fn pair(file: &Path, kid: &str) -> Result<(Signer, Jwk), String> {
    let key = ec(file)?;
    let public = public_half(&key, Alg::ES256, kid)?;
    Ok((Signer::new(Some(kid), key, Alg::ES256), public))
}

/// Who signs by one algorithm.
pub struct Signers {
    /// The issuer.
    pub issuer: Signer,
    /// Somebody else who uses the issuer's `kid`.
    pub stranger: Signer,
    /// Somebody else with a `kid` of their own. Of secrets there is none: they have no `kid` here.
    pub unknown: Option<Signer>,
}

impl Keys {
    /// Makes them.
    ///
    /// # Errors
    /// When openssl cannot.
    pub fn make() -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| format!("a folder for keys: {error}"))?;
        let path = folder.path().to_owned();
        // Servers give up being root before they read.
        fs::set_permissions(&path, Permissions::from_mode(0o755))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let at = |name: &str| path.join(name);
        let rsa = rsa(&at("rs256.key"))?;
        let ec = ec(&at("es256.key"))?;
        for (key, public) in [("rs256.key", "rs256.pem"), ("es256.key", "es256.pem")] {
            let (key, public) = (text(&at(key)), text(&at(public)));
            openssl(&["pkey", "-pubout", "-in", &key, "-out", &public])?;
        }
        let (key, certificate) = (text(&at("rs256.key")), text(&at("rs256.crt")));
        let request = ["req", "-x509", "-days", "2", "-subj", "/CN=issuer.lab.test"];
        openssl(&[&request[..], &["-key", &key, "-out", &certificate]].concat())?;
        let secrets = (secret()?, secret()?);
        write(&at("secret"), &secrets.0)?;
        write(&at("answer"), "fine\n")?;
        let public = fs::read(at("rs256.pem")).map_err(|error| error.to_string())?;
        let keys = Self {
            rs256: Signers::of(Alg::RS256, RS256_KID, &rsa, || self::rsa(&at("other.key")))?,
            es256: Signers::of(Alg::ES256, ES256_KID, &ec, || self::ec(&at("other.key")))?,
            hs256: Signers {
                issuer: by_secret(&secrets.0, Alg::HS256),
                stranger: by_secret(&secrets.1, Alg::HS256),
                unknown: None,
            },
            confused: Signer::new(
                Some(RS256_KID),
                EncodingKey::from_secret(&public),
                Alg::HS256,
            ),
            hs512: by_secret(&secrets.0, Alg::HS512),
            folder,
        };
        let es256 = public_half(&ec, Alg::ES256, ES256_KID)?;
        let json = |error: serde_json::Error| error.to_string();
        let jwk = serde_json::to_string(&es256).map_err(json)?;
        write(&keys.path().join("es256.jwk"), &jwk)?;
        let set = JwkSet {
            keys: vec![public_half(&rsa, Alg::RS256, RS256_KID)?, es256],
        };
        let set = serde_json::to_string(&set).map_err(json)?;
        write(&keys.path().join("jwks.json"), &set)?;
        Ok(keys)
    }

    /// The folder with the public keys.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Who signs by an algorithm.
    pub fn of(&self, algorithm: Algorithm) -> &Signers {
        match algorithm {
            Algorithm::Es256 => &self.es256,
            Algorithm::Hs256 => &self.hs256,
            Algorithm::Rs256 => &self.rs256,
        }
    }

    /// `ISSUER=FILE`, for `--jwks`.
    pub fn jwks(&self) -> String {
        format!("{ISSUER}={}", self.path().join("jwks.json").display())
    }
}

impl Signers {
    fn of(
        algorithm: Alg,
        kid: &str,
        key: &EncodingKey,
        another: impl Fn() -> Result<EncodingKey, String>,
    ) -> Result<Self, String> {
        Ok(Self {
            issuer: Signer::new(Some(kid), key.clone(), algorithm),
            stranger: Signer::new(Some(kid), another()?, algorithm),
            unknown: Some(Signer::new(Some(UNKNOWN_KID), another()?, algorithm)),
        })
    }
}

fn by_secret(secret: &str, algorithm: Alg) -> Signer {
    Signer::new(None, EncodingKey::from_secret(secret.as_bytes()), algorithm)
}

fn public_half(key: &EncodingKey, algorithm: Alg, kid: &str) -> Result<Jwk, String> {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).map_err(|error| error.to_string())?;
    jwk.common.key_id = Some(kid.to_owned());
    Ok(jwk)
}

fn rsa(file: &Path) -> Result<EncodingKey, String> {
    let make = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    private(file, &make, &["rsa", "-traditional"]).map(|der| EncodingKey::from_rsa_der(&der))
}

fn ec(file: &Path) -> Result<EncodingKey, String> {
    let make = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    private(file, &make, &["pkcs8", "-topk8", "-nocrypt"]).map(|der| EncodingKey::from_ec_der(&der))
}

/// Makes a private key, and gives it as what signs here takes it.
fn private(file: &Path, make: &[&str], convert: &[&str]) -> Result<Vec<u8>, String> {
    let (pem, der) = (text(file), text(&file.with_extension("der")));
    openssl(&[&["genpkey", "-out", &pem], make].concat())?;
    openssl(&[convert, &["-in", &pem, "-outform", "DER", "-out", &der]].concat())?;
    fs::read(&der).map_err(|error| format!("{der}: {error}"))
}

fn secret() -> Result<String, String> {
    let output = Command::new("openssl")
        .args(["rand", "-hex", "32"])
        .output()
        .map_err(|error| format!("openssl: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn openssl(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("openssl: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("openssl {arguments:?}: {}", why.trim()))
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
