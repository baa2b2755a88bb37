//! The stories. What observer must find of each was written down before it was played.

use std::net::Ipv4Addr;

use observer_tests::mint::now;
use serde_json::json;

use super::plays::{
    drift, dropped, elsewhere, failing, healthy, loops, outage, purged, race, revoked, rotated,
    several, tenant,
};
use super::stage::{Part, Role, Stage, wait};

/// A story.
pub struct Story {
    pub name: &'static str,
    pub roles: &'static [Role],
    pub play: fn(&Stage<'_>) -> Result<(), String>,
    /// The conditions that hold, each with the service that it is about.
    pub truth: &'static [(&'static str, &'static str)],
}

const fn service(name: &'static str, settings: &'static [(&'static str, &'static str)]) -> Role {
    Role {
        name,
        part: Part::Service,
        settings,
    }
}

const fn edge(name: &'static str, field: &'static str) -> Role {
    Role {
        name,
        part: Part::Edge(1, field),
        settings: &[],
    }
}

/// How often something is done that is told when it was done three times.
const TIMES: usize = 7;
/// It asks for the key set again after so many milliseconds, and at once where a key is not in it.
const QUICK: &[(&str, &str)] = &[("LAB_KEEPS", "3000"), ("LAB_WAITS", "0")];
/// A clock that is ten minutes ahead, by libfaketime.
const AHEAD: &[(&str, &str)] = &[
    ("LD_PRELOAD", FAKETIME),
    ("FAKETIME", "+600s"),
    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
];
/// One that is ten minutes behind.
const BEHIND: &[(&str, &str)] = &[
    ("LD_PRELOAD", FAKETIME),
    ("FAKETIME", "-600s"),
    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
];
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

pub const STORIES: &[Story] = &[
    Story {
        name: "healthy",
        roles: &[service("healthy-a", QUICK), service("healthy-b", QUICK)],
        play: healthy,
        truth: &[],
    },
    Story {
        name: "revoked",
        roles: &[service("revoked", &[("LAB_DETAILS", "off")])],
        play: revoked,
        truth: &[("token_revoked_inferred", "revoked")],
    },
    Story {
        name: "rotated",
        roles: &[
            service("late", &[("LAB_KEEPS", "15000"), ("LAB_WAITS", "600000")]),
            service("prompt", QUICK),
        ],
        play: rotated,
        truth: &[("key_rotation_validator_stale", "late")],
    },
    Story {
        name: "dropped",
        roles: &[service("dropped-a", QUICK), service("dropped-b", QUICK)],
        play: dropped,
        truth: &[
            ("key_rotation_token_stale", "dropped-a"),
            ("key_rotation_token_stale", "dropped-b"),
        ],
    },
    Story {
        name: "purged",
        roles: &[service("purged-a", QUICK), service("purged-b", QUICK)],
        play: purged,
        truth: &[
            ("key_compromise_or_purge", "purged-a"),
            ("key_compromise_or_purge", "purged-b"),
        ],
    },
    Story {
        name: "outage",
        roles: &[service("outage", QUICK)],
        play: outage,
        truth: &[("issuer_key_outage", "outage")],
    },
    Story {
        name: "ahead",
        roles: &[service("ahead", AHEAD)],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || {
                stage.ask(0, &stage.token(0, &json!({"exp": now() + 300}))?, false)
            })
        },
        truth: &[("clock_skew_validator_ahead", "ahead")],
    },
    Story {
        name: "behind",
        roles: &[service("behind", BEHIND), service("punctual", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || {
                let token = stage.token(0, &json!({}))?;
                stage.ask(1, &token, true)?;
                stage.ask(0, &token, false)
            })
        },
        truth: &[("clock_skew_validator_behind", "behind")],
    },
    Story {
        name: "early",
        roles: &[service("early-a", &[]), service("early-b", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || {
                let ahead = now() + 120;
                let token = stage.token(0, &json!({"iat": ahead, "nbf": ahead}))?;
                stage.ask(0, &token, false)?;
                stage.ask(1, &token, false)
            })
        },
        truth: &[
            ("clock_skew_issuer_ahead", "early-a"),
            ("clock_skew_issuer_ahead", "early-b"),
        ],
    },
    Story {
        name: "stripped",
        roles: &[edge("strips", "\"\""), service("stripped", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || stage.ask(0, &stage.token(0, &json!({}))?, false))
        },
        truth: &[("header_stripped_between_hops", "stripped")],
    },
    Story {
        name: "altered",
        roles: &[
            edge("alters", "\"Bearer $http_authorization\""),
            service("altered", &[]),
        ],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || stage.ask(0, &stage.token(0, &json!({}))?, false))
        },
        truth: &[("header_altered_between_hops", "altered")],
    },
    Story {
        name: "refresh",
        roles: &[service("refresh", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            stage.ask(0, &stage.token(0, &json!({}))?, true)?;
            let refresh = json!({"typ": "Refresh", "aud": stage.name_of_issuer(), "scope": null});
            several(TIMES, || stage.ask(0, &stage.token(0, &refresh)?, false))
        },
        truth: &[("refresh_token_used_as_access", "refresh")],
    },
    Story {
        name: "identity",
        roles: &[service("identity", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            stage.ask(0, &stage.token(0, &json!({}))?, true)?;
            let id = json!({"aud": "client-7", "nonce": "n-0S6", "at_hash": "77Qm", "scope": null});
            several(TIMES, || stage.ask(0, &stage.token(0, &id)?, false))
        },
        truth: &[("id_token_used_as_access", "identity")],
    },
    Story {
        name: "truncated",
        roles: &[service("truncated", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || {
                let token = stage.token(0, &json!({"roles": "r".repeat(300)}))?;
                stage.ask(0, token.get(..400).unwrap_or_default(), false)
            })
        },
        truth: &[("token_truncated", "truncated")],
    },
    Story {
        name: "environment",
        roles: &[service("environment", &[])],
        play: |stage| elsewhere(stage, "https://environment.dev.lab.test"),
        truth: &[("wrong_environment", "environment")],
    },
    Story {
        name: "tenant",
        roles: &[service(
            "tenant",
            &[("LAB_ISSUER", "https://tenant.lab.test/7f3a/v2.0")],
        )],
        play: tenant,
        truth: &[("wrong_tenant", "tenant")],
    },
    Story {
        name: "drift",
        roles: &[service("drift", &[])],
        play: drift,
        truth: &[("validator_config_drift", "drift")],
    },
    Story {
        name: "twins",
        roles: &[
            service("twins", &[]),
            service("twins", &[("LAB_AUDIENCE", "lab-test")]),
        ],
        play: |stage| {
            stage.publish(&[0])?;
            several(TIMES, || {
                let token = stage.token(0, &json!({}))?;
                stage.ask(0, &token, true)?;
                stage.ask(1, &token, false)
            })
        },
        truth: &[("replicas_disagree", "twins")],
    },
    Story {
        name: "stale",
        roles: &[service("stale", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            let old = stage.token(
                0,
                &json!({"exp": now() - 60, "iat": now() - 3660, "nbf": now() - 3660}),
            )?;
            // For more than a minute.
            for time in 0..9 {
                if time > 0 {
                    wait(9.0);
                }
                stage.ask(0, &stage.token(0, &json!({}))?, true)?;
                stage.ask(0, &old, false)?;
            }
            Ok(())
        },
        truth: &[("stale_client_cache", "stale")],
    },
    Story {
        name: "loop",
        roles: &[service("loop", &[("LAB_AUDIENCE", "loop")])],
        play: loops,
        truth: &[("refresh_loop", "loop")],
    },
    Story {
        name: "race",
        roles: &[service("race", &[])],
        play: race,
        truth: &[("refresh_race", "issuer")],
    },
    Story {
        name: "many",
        roles: &[service("many", &[])],
        play: |stage| {
            stage.publish(&[0])?;
            let token = stage.token(0, &json!({}))?;
            for last in 1..=20 {
                let [a, b, c, _] = stage.client.octets();
                if !stage.tries(Ipv4Addr::new(a, b, c, last), 0, &token)? {
                    return Err("a good token was refused".to_owned());
                }
            }
            Ok(())
        },
        truth: &[("token_from_many_clients", "many")],
    },
    Story {
        name: "failing",
        roles: &[service("failing", &[])],
        play: failing,
        truth: &[("client_failing", "failing")],
    },
];
