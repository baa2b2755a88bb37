//! The story as it was captured once: what is shown where kernel programs may not be loaded.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::Value;

use super::Error;

/// A capture of the story with tcpdump. Its tokens are of keys that were made for it and forgotten.
pub const CAPTURE: &[u8] = include_bytes!("../../assets/demo.pcap");

/// What there is to know of the capture.
#[derive(Debug, Deserialize)]
pub struct Recorded {
    /// Where the services listened, with their names.
    pub services: BTreeMap<SocketAddr, String>,
    /// The key set of the issuer.
    pub jwks: Value,
}

impl Recorded {
    /// Reads what was recorded beside the capture.
    ///
    /// # Errors
    /// When the program was built with a broken file.
    pub fn read() -> Result<Self, Error> {
        serde_json::from_str(include_str!("../../assets/demo.json"))
            .map_err(|error| Error::Keys(format!("the recorded key set: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_names_its_services() {
        let recorded = Recorded::read().unwrap();
        let mut names: Vec<_> = recorded.services.values().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["edge", "legacy"]);
    }
}
