//! What gives a validator away besides its words.

use super::super::challenge::Challenge;
use super::other;
use crate::exchange::{Field, Response};

/// A sign of one.
#[derive(Debug)]
pub(in crate::verdict) struct Sign {
    /// Whose.
    pub(super) name: &'static str,
    what: What,
    /// Nobody else has it, and nobody passes it on.
    pub(super) certain: bool,
    /// Where this was read.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever reads the table, and for a test")
    )]
    pub(super) source: &'static str,
}

#[derive(Debug)]
enum What {
    /// `Server` begins so, and the answer has no field of this name, which would say that another answered.
    Server(&'static str, Option<&'static str>),
    /// A field of this name, with a value that begins so.
    Named(&'static str, &'static str),
    /// An attribute of a challenge that begins so.
    Attribute(&'static str, &'static str),
    /// The scheme of a challenge.
    Scheme(&'static str),
    /// The realm is the address that was asked for, and the fields are those of the first name.
    RealmIsAddress(&'static str),
    /// Text of a page of errors.
    Page(&'static str),
}

/// What the fields of an answer give away, but for challenges.
pub(in crate::verdict) fn of_fields(response: &Response) -> Option<&'static Sign> {
    let server = response.field(Field::Server).unwrap_or_default();
    SIGNS.iter().find(|sign| match sign.what {
        What::Server(start, without) => {
            begins(server, start) && without.is_none_or(|name| other(response, name).is_none())
        }
        What::Named(name, start) => other(response, name).is_some_and(|value| begins(value, start)),
        _ => false,
    })
}

/// What challenges give away, with what the other fields do.
pub(super) fn of_challenges(
    challenges: &[Challenge],
    field: Option<&'static Sign>,
) -> Option<&'static Sign> {
    let has = |name: &str, start: &str| {
        let mut challenges = challenges.iter();
        challenges.any(|challenge| {
            let value = challenge.attribute(name);
            value.is_some_and(|value| begins(value, start))
        })
    };
    SIGNS.iter().find(|sign| match sign.what {
        What::Attribute(name, start) => has(name, start),
        What::Scheme(scheme) => challenges.iter().any(|own| own.scheme == scheme),
        What::RealmIsAddress(name) => {
            field.is_some_and(|field| field.name == name)
                && (has("realm", "http://") || has("realm", "https://"))
        }
        _ => false,
    })
}

/// What the text of a body gives away.
pub(in crate::verdict) fn of_page(text: &str) -> Option<&'static Sign> {
    SIGNS
        .iter()
        .find(|sign| matches!(sign.what, What::Page(words) if text.contains(words)))
}

impl Sign {
    /// A number that no other has, from 1.
    pub(in crate::verdict) fn number(&self) -> u64 {
        let at = SIGNS.iter().position(|sign| std::ptr::eq(sign, self));
        at.map_or(0, |at| at as u64 + 1)
    }
}

fn begins(text: &str, start: &str) -> bool {
    let head = text.get(..start.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// In order: what is more specific first.
pub(super) static SIGNS: &[Sign] = &[
    Sign {
        name: "Kong",
        what: What::Named("x-kong-response-latency", ""),
        certain: true,
        source: "Kong/kong:kong/runloop/handler.lua (only where Kong itself answers)",
    },
    Sign {
        name: "Envoy",
        what: What::Server("istio-envoy", Some("x-envoy-upstream-service-time")),
        certain: false,
        source: "istio/istio:pilot/pkg/networking/core/listener.go",
    },
    Sign {
        name: "Envoy",
        what: What::Server("envoy", Some("x-envoy-upstream-service-time")),
        certain: false,
        source: "envoyproxy/envoy:source/extensions/filters/network/http_connection_manager/config.cc",
    },
    Sign {
        name: "Envoy jwt_authn",
        what: What::RealmIsAddress("Envoy"),
        certain: true,
        source: "envoyproxy/envoy:source/extensions/filters/http/jwt_authn/filter.cc",
    },
    Sign {
        name: "AWS API Gateway",
        what: What::Named("x-amzn-errortype", ""),
        certain: true,
        source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html",
    },
    Sign {
        name: "AWS API Gateway",
        what: What::Named("apigw-requestid", ""),
        certain: false,
        source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html",
    },
    Sign {
        name: "AWS API Gateway",
        what: What::Named("x-amz-apigw-id", ""),
        certain: false,
        source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html",
    },
    Sign {
        name: "AWS Application Load Balancer",
        what: What::Server("awselb/", None),
        certain: false,
        source: "texts of several clients",
    },
    Sign {
        name: "GCP IAP",
        what: What::Named("x-goog-iap-generated-response", ""),
        certain: false,
        source: "https://cloud.google.com/iap/docs/faq",
    },
    Sign {
        name: "Tyk",
        what: What::Named("x-generator", "tyk.io"),
        certain: false,
        source: "TykTechnologies/tyk:gateway/handler_error.go",
    },
    Sign {
        name: "PostgREST",
        what: What::Server("postgrest/", None),
        certain: true,
        source: "PostgREST/postgrest:src/PostgREST/App.hs",
    },
    Sign {
        name: "APISIX",
        what: What::Server("apisix", None),
        certain: false,
        source: "apache/apisix:apisix/init.lua",
    },
    Sign {
        name: "ASP.NET Core",
        what: What::Server("kestrel", None),
        certain: false,
        source: "dotnet/aspnetcore:src/Servers/Kestrel/Core/src/KestrelServerOptions.cs",
    },
    Sign {
        name: "Spring Security",
        what: What::Attribute(
            "error_uri",
            "https://tools.ietf.org/html/rfc6750#section-3.1",
        ),
        certain: true,
        source: "spring-projects/spring-security:oauth2/oauth2-resource-server/src/main/java/org/springframework/security/oauth2/server/resource/BearerTokenErrors.java",
    },
    Sign {
        name: "gin-jwt",
        what: What::Attribute("realm", "gin jwt"),
        certain: false,
        source: "appleboy/gin-jwt:auth_jwt.go",
    },
    Sign {
        name: "tymon/jwt-auth",
        what: What::Scheme("jwt-auth"),
        certain: false,
        source: "tymondesigns/jwt-auth:src/Http/Middleware/BaseMiddleware.php",
    },
    Sign {
        name: "HAProxy",
        what: What::Page("You need a valid user and password to access this content."),
        certain: false,
        source: "haproxy/haproxy:src/http.c",
    },
    Sign {
        name: "HAProxy",
        what: What::Page("Request forbidden by administrative rules."),
        certain: false,
        source: "haproxy/haproxy:src/http.c",
    },
];
