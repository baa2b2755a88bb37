//! How long validators keep the keys of an issuer, by default.

/// A validator and for how many seconds it keeps a key set.
struct Cache {
    name: &'static str,
    seconds: u64,
}

/// Those that do not ask again for a key that they do not know, the shortest first.
const CACHES: &[Cache] = &[
    Cache {
        name: "ESPv2",
        seconds: 300,
    },
    Cache {
        name: "Envoy jwt_authn",
        seconds: 600,
    },
    Cache {
        name: "Istio",
        seconds: 1200,
    },
    Cache {
        name: "Azure API Management",
        seconds: 3600,
    },
    Cache {
        name: "Microsoft.IdentityModel",
        seconds: 43_200,
    },
    Cache {
        name: "lua-resty-openidc",
        seconds: 86_400,
    },
];

/// Those that ask again at once, but not more often than this.
const COOLDOWNS: &[Cache] = &[
    Cache {
        name: "jose (createRemoteJWKSet)",
        seconds: 30,
    },
    Cache {
        name: "Azure API Management or Microsoft.IdentityModel",
        seconds: 300,
    },
    Cache {
        name: "SmallRye JWT",
        seconds: 1800,
    },
];

/// Says which cache it fits that a key was unknown for so long. `validator`: who it was, where that is known.
///
/// A key that appears somewhere within a period is unknown until its end: what was seen is a lower bound.
pub(super) fn fits(seconds: u64, validator: Option<&str>) -> String {
    let lasted = format!("the key was unknown for {seconds} s");
    let is = |cache: &&Cache| {
        validator.is_some_and(|validator| {
            let first = |name: &str| name.split([' ', '.']).next().map(str::to_owned);
            first(validator) == first(cache.name)
        })
    };
    let fitting = |cache: &&Cache| cache.seconds + SLACK >= seconds;
    let own = CACHES.iter().filter(is).find(fitting);
    if let Some(Cache { name, seconds }) = own {
        return format!("{lasted}, which fits the cache of {name} ({seconds} s by default)");
    }
    let Some(first) = CACHES.iter().find(fitting) else {
        return format!("{lasted}, which is longer than any known cache of keys lasts by default");
    };
    let mut fits: Vec<_> = COOLDOWNS.iter().chain(CACHES).filter(fitting).collect();
    fits.sort_by_key(|cache| cache.seconds);
    let near: Vec<_> = fits
        .into_iter()
        .filter(|cache| cache.seconds <= first.seconds)
        .map(|Cache { name, seconds }| format!("{name}, {seconds} s"))
        .collect();
    format!(
        "{lasted}, which fits a cache of that length ({})",
        near.join("; ")
    )
}

/// Until the next request after a cache was filled anew, in seconds.
const SLACK: u64 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_heal_names_the_cache() {
        for (seconds, validator, wanted) in [
            (
                550,
                Some("Envoy jwt_authn"),
                "the cache of Envoy jwt_authn (600 s by default)",
            ),
            (550, None, "(Envoy jwt_authn, 600 s)"),
            (20, None, "(jose (createRemoteJWKSet), 30 s; "),
            (1000, Some("Kong jwt"), "(Istio, 1200 s)"),
            (90_000, None, "longer than any known cache"),
            // Longer than its own: it was set otherwise.
            (
                2000,
                Some("Envoy jwt_authn"),
                "Azure API Management, 3600 s",
            ),
        ] {
            let text = fits(seconds, validator);
            assert!(text.contains(wanted), "{text}");
        }
    }
}
