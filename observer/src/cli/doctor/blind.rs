//! What packets at sockets never show. docs/limitations.md has the same list, longer.

use serde::Serialize;

/// Something that is never seen.
#[derive(Serialize)]
pub(super) struct Blind {
    /// What.
    pub(super) what: &'static str,
    /// Why.
    pub(super) why: &'static str,
}

/// Held to docs/limitations.md by a test.
pub(super) const BLIND: [Blind; 7] = [
    Blind {
        what: "sockmap and sk_msg redirection",
        why: "bytes go from socket to socket without a packet; counted as bypass",
    },
    Blind {
        what: "SMC",
        why: "data goes through shared memory or RDMA without TCP packets, and is not counted",
    },
    Blind {
        what: "IPsec of this host",
        why: "outgoing packets are encrypted before they are seen",
    },
    Blind {
        what: "Multipath TCP",
        why: "a subflow's socket is not the application's",
    },
    Blind {
        what: "HTTP/2",
        why: "connections are recognised and counted; their contents are not read yet",
    },
    Blind {
        what: "HTTP/3",
        why: "it runs over UDP and is encrypted",
    },
    Blind {
        what: "forwarded traffic",
        why: "routers, bridges of virtual machines and mirror ports have no socket here; capture it \
              and use `observer replay`",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_each() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limitations.md");
        let page = std::fs::read_to_string(path).unwrap();
        for blind in BLIND {
            assert!(
                page.contains(&format!("**{}**", blind.what)),
                "{}",
                blind.what
            );
        }
    }
}
