//! How validators check by default: leeway, order and statuses, each read from its source.

use super::{Leeway, Validator};
use crate::verdict::Cause;
use Cause::{
    AlgNotAllowed as Alg, AudienceMismatch as Audience, ClaimMissing as Claim,
    CredentialsMissing as Missing, HeaderMalformed as Header, IssuerMismatch as Issuer,
    KeyNotFound as Key, KeysUnavailable as Keys, SignatureInvalid as Signature,
    TokenExpired as Expired, TokenIssuedInFuture as Issued, TokenMalformed as Malformed,
    TokenNotYetValid as Early, TokenRevoked as Revoked, TokenTypeWrong as Type,
};

/// The validators behind a name of `rules.tsv`, which may be several: "a; b". `None`: of one of them it is
/// not known how it checks.
pub(in crate::verdict) fn named(name: &str) -> Option<Vec<&'static Validator>> {
    let parts = name.split(';').map(str::trim);
    parts
        .map(|part| {
            VALIDATORS.iter().find(|validator| {
                let mut starts = validator.said_as.iter();
                starts.any(|start| part.starts_with(start))
            })
        })
        .collect()
}

/// The one of this name.
pub(super) fn called(name: &str) -> Option<&'static Validator> {
    VALIDATORS.iter().find(|validator| validator.name == name)
}

const fn leeway(seconds: u16) -> Option<Leeway> {
    Some(Leeway {
        expires: seconds,
        not_before: seconds,
        issued: seconds,
    })
}

/// Every claim that validators look at.
const CLAIMS: &[Cause] = &[Expired, Early, Issued, Issuer, Audience, Claim, Type];

pub(super) static VALIDATORS: &[Validator] = &[
    Validator {
        name: "Envoy jwt_authn",
        said_as: &["Envoy jwt_authn"],
        tells: true,
        leeway: leeway(60),
        order: &[
            &[Missing, Header],
            &[Malformed, Alg],
            &[Issuer],
            &[Early, Expired],
            &[Audience],
            &[Keys, Key],
            &[Signature],
        ],
        statuses: &[(403, &[Audience])],
        source: "google/jwt_verify_lib:src/verify.cc, envoyproxy/envoy:api/envoy/extensions/filters/http/jwt_authn/v3/config.proto",
    },
    Validator {
        name: "Kong jwt",
        said_as: &["Kong jwt plugin"],
        tells: true,
        leeway: leeway(0),
        order: &[
            &[Missing, Header],
            &[Malformed],
            &[Issuer],
            &[Alg],
            &[Signature],
            &[Expired, Early, Claim],
        ],
        statuses: &[],
        source: "Kong/kong:kong/plugins/jwt/handler.lua",
    },
    // What its version 2 says others say too.
    Validator {
        name: "ASP.NET Core JwtBearer 2",
        said_as: &["ASP.NET Core JwtBearer (2.x)"],
        tells: false,
        leeway: leeway(300),
        order: &[],
        statuses: &[],
        source: "dotnet/aspnetcore:src/Security/Authentication/JwtBearer/src/JwtBearerHandler.cs",
    },
    Validator {
        name: "ASP.NET Core JwtBearer",
        said_as: &["ASP.NET Core JwtBearer", "Microsoft.IdentityModel"],
        tells: true,
        leeway: leeway(300),
        order: &[
            &[Missing],
            &[Malformed],
            &[Key, Alg, Signature],
            &[Expired, Early],
            &[Audience],
            &[Issuer],
            &[Type],
        ],
        statuses: &[],
        source: "AzureAD/azure-activedirectory-identitymodel-extensions-for-dotnet:src/Microsoft.IdentityModel.Tokens/TokenValidationParameters.cs",
    },
    Validator {
        name: "Spring Security",
        said_as: &[
            "Spring Security resource server",
            "Nimbus JOSE+JWT / Spring",
        ],
        tells: true,
        leeway: leeway(60),
        order: &[
            &[Missing, Header],
            &[Malformed],
            &[Alg, Key],
            &[Signature],
            CLAIMS,
        ],
        statuses: &[],
        source: "spring-projects/spring-security:oauth2/oauth2-jose/src/main/java/org/springframework/security/oauth2/jwt/JwtTimestampValidator.java",
    },
    Validator {
        name: "PostgREST",
        said_as: &["PostgREST"],
        tells: true,
        leeway: leeway(30),
        order: &[
            &[Missing, Header],
            &[Malformed],
            &[Alg, Key, Signature],
            &[Expired],
            &[Early],
            &[Issued],
            &[Audience],
        ],
        statuses: &[],
        source: "PostgREST/postgrest:src/library/PostgREST/Auth/Jwt.hs",
    },
    Validator {
        name: "jsonwebtoken (Node)",
        said_as: &["jsonwebtoken (Node)"],
        tells: false,
        leeway: leeway(0),
        order: &[
            &[Missing],
            &[Malformed],
            &[Key, Keys],
            &[Alg],
            &[Signature],
            &[Early],
            &[Expired],
            &[Audience],
            &[Issuer],
        ],
        statuses: &[],
        source: "auth0/node-jsonwebtoken:verify.js",
    },
    Validator {
        name: "golang-jwt",
        said_as: &["golang-jwt v5"],
        tells: false,
        leeway: leeway(0),
        order: &[&[Malformed], &[Alg], &[Key, Keys], &[Signature], CLAIMS],
        statuses: &[],
        source: "golang-jwt/jwt:parser.go",
    },
    Validator {
        name: "PyJWT",
        said_as: &["PyJWT"],
        tells: false,
        leeway: leeway(0),
        order: &[
            &[Malformed],
            &[Alg],
            &[Key, Keys, Signature],
            &[Claim],
            &[Issued],
            &[Early],
            &[Expired],
            &[Issuer],
            &[Audience],
        ],
        statuses: &[],
        source: "jpadilla/pyjwt:jwt/api_jwt.py",
    },
    Validator {
        name: "DRF simplejwt",
        said_as: &["DRF simplejwt"],
        tells: false,
        leeway: leeway(0),
        order: &[
            &[Missing, Header],
            &[Malformed, Alg, Key, Signature],
            &[Expired],
            &[Type, Claim],
            &[Revoked],
        ],
        statuses: &[],
        source: "jazzband/djangorestframework-simplejwt:rest_framework_simplejwt/tokens.py",
    },
    Validator {
        name: "Flask-JWT-Extended",
        said_as: &["Flask-JWT-Extended"],
        tells: true,
        leeway: leeway(0),
        order: &[
            &[Missing, Header],
            &[Malformed, Alg, Key, Signature],
            &[Claim, Issued, Early, Expired, Issuer, Audience],
            &[Type],
            &[Revoked],
        ],
        statuses: &[
            (401, &[Missing, Header, Expired, Revoked]),
            (
                422,
                &[
                    Malformed, Alg, Key, Signature, Claim, Issued, Early, Issuer, Audience, Type,
                ],
            ),
        ],
        source: "vimalloc/flask-jwt-extended:flask_jwt_extended/default_callbacks.py",
    },
    Validator {
        name: "jjwt",
        said_as: &["jjwt"],
        tells: false,
        leeway: leeway(0),
        order: &[
            &[Missing, Malformed],
            &[Alg],
            &[Key],
            &[Signature],
            &[Expired],
            &[Early],
            &[Claim, Issuer, Audience],
        ],
        statuses: &[],
        source: "jwtk/jjwt:impl/src/main/java/io/jsonwebtoken/impl/DefaultJwtParser.java",
    },
    Validator {
        name: "java-jwt",
        said_as: &["Auth0 java-jwt"],
        tells: false,
        leeway: leeway(0),
        order: &[&[Malformed], &[Alg], &[Signature], CLAIMS],
        statuses: &[],
        source: "auth0/java-jwt:lib/src/main/java/com/auth0/jwt/JWTVerifier.java",
    },
    Validator {
        name: "php-jwt",
        said_as: &["firebase/php-jwt"],
        tells: false,
        leeway: leeway(0),
        order: &[
            &[Malformed],
            &[Alg],
            &[Key],
            &[Signature],
            &[Early],
            &[Issued],
            &[Expired],
        ],
        statuses: &[],
        source: "firebase/php-jwt:src/JWT.php",
    },
    Validator {
        name: "JWT Framework",
        said_as: &["JWT Framework (web-token)"],
        tells: false,
        leeway: leeway(0),
        order: &[&[Malformed], &[Alg], &[Key, Signature], CLAIMS],
        statuses: &[],
        source: "web-token/jwt-framework:src/Easy/Validate.php",
    },
    Validator {
        name: "ruby-jwt",
        said_as: &["ruby-jwt"],
        tells: false,
        leeway: leeway(0),
        order: &[&[Missing, Malformed], &[Alg, Key, Keys, Signature], CLAIMS],
        statuses: &[],
        source: "jwt/ruby-jwt:lib/jwt/decode.rb",
    },
    Validator {
        name: "jsonwebtoken (Rust)",
        said_as: &["jsonwebtoken (Rust)"],
        tells: false,
        leeway: leeway(60),
        order: &[
            &[Malformed],
            &[Alg],
            &[Signature],
            &[Claim],
            &[Expired],
            &[Early],
            &[Issuer],
            &[Audience],
        ],
        statuses: &[],
        source: "Keats/jsonwebtoken:src/validation.rs",
    },
    Validator {
        name: "jose (panva)",
        said_as: &["jose (panva"],
        tells: false,
        leeway: leeway(0),
        order: &[&[Malformed], &[Alg, Key, Keys], &[Signature], CLAIMS],
        statuses: &[],
        source: "panva/jose:src/lib/jwt_claims_set.ts",
    },
    Validator {
        name: "fastify-jwt",
        said_as: &["@fastify/jwt"],
        tells: false,
        leeway: leeway(0),
        order: &[],
        statuses: &[],
        source: "fastify/fastify-jwt:jwt.js",
    },
    Validator {
        name: "go-oidc",
        said_as: &["go-oidc"],
        tells: false,
        leeway: Some(Leeway {
            expires: 0,
            not_before: 300,
            issued: 300,
        }),
        order: &[
            &[Malformed],
            &[Issuer],
            &[Audience],
            &[Expired],
            &[Early],
            &[Alg, Key, Keys, Signature],
        ],
        statuses: &[],
        source: "coreos/go-oidc:oidc/verify.go",
    },
    Validator {
        name: "lua-resty-openidc",
        said_as: &["lua-resty-openidc"],
        tells: false,
        leeway: leeway(120),
        // Its introspection says "JWT expired" too, of an answer that it remembered.
        order: &[],
        statuses: &[],
        source: "zmartzone/lua-resty-openidc:lib/resty/openidc.lua",
    },
    Validator {
        name: "Azure API Management",
        said_as: &["Azure API Management validate-jwt"],
        tells: false,
        leeway: leeway(0),
        order: &[],
        statuses: &[],
        source: "MicrosoftDocs/azure-docs:articles/api-management/validate-jwt-policy.md",
    },
    Validator {
        name: "Supabase Auth",
        said_as: &["Supabase Auth (GoTrue)"],
        tells: true,
        leeway: None,
        order: &[],
        statuses: &[(
            403,
            &[
                Malformed, Alg, Key, Signature, Expired, Early, Issued, Claim,
            ],
        )],
        source: "supabase/auth:internal/api/auth.go",
    },
];
