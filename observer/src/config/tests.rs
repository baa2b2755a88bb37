use std::path::PathBuf;

use super::*;
use crate::engine::Limits;
use crate::filter::{Lists, Pattern, Places};

fn fault(text: &str) -> String {
    parse(text).err().unwrap().to_string()
}

fn config(text: &str) -> Result<Config, error::Fault> {
    parse(text).map(|file| file.config(Path::new("/etc/observer")))
}

fn patterns(written: &[&str]) -> Vec<Pattern> {
    written
        .iter()
        .map(|written| Pattern::new(written).unwrap())
        .collect()
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(config("").unwrap(), Config::default());
    assert_eq!(config("# nothing\n").unwrap(), Config::default());
    let nothing = "[filter.include]\nports = []\n";
    assert_eq!(config(nothing).unwrap(), Config::default());
}

#[test]
fn every_key_is_read() {
    let config = config(include_str!("../../../docs/configuration.toml")).unwrap();
    let file = parse(include_str!("../../../docs/configuration.toml")).unwrap();
    assert_eq!(file.rules, Some(PathBuf::from("/etc/observer/rules.tsv")));
    let names: Vec<_> = config.services.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["orders", "edge", "ledger", "mail"]);
    assert_eq!(
        config.rules.include,
        Lists {
            places: Places {
                ports: vec![80, 8080],
                networks: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
                cgroups: vec![PathBuf::from("/system.slice")],
            },
            processes: patterns(&["nginx", "python3*"]),
            executables: patterns(&["/usr/sbin/nginx", "/opt/*/bin/*"]),
            services: patterns(&["orders", "edge"]),
            paths: patterns(&["/api"]),
        }
    );
    assert_eq!(
        config.rules.exclude,
        Lists {
            places: Places {
                ports: vec![9464],
                networks: vec!["169.254.169.254".parse().unwrap()],
                cgroups: vec![PathBuf::from("/system.slice/backup.service")],
            },
            processes: patterns(&["curl"]),
            executables: patterns(&["/usr/lib/nagios/**"]),
            services: patterns(&["mail"]),
            paths: patterns(&["/health", "/api/*/ping"]),
        }
    );
    let orders = Expectation {
        issuer: vec!["https://issuer.example".to_owned()],
        audience: vec!["orders".to_owned(), "https://orders.example".to_owned()],
    };
    assert_eq!(config.expectations, [("orders".to_owned(), orders)]);
    let Fixed {
        key_sets,
        secrets,
        claims,
        carriers,
        fingerprint_key,
        bounds,
    } = config.fixed;
    assert_eq!(
        key_sets,
        [
            "https://issuer.example=/etc/observer/issuer.jwks.json",
            "https://login.example=https://login.example/oauth2/jwks",
        ]
    );
    assert_eq!(
        secrets,
        ["https://legacy.example=/etc/observer/legacy.secret"]
    );
    assert_eq!(claims, ["roles"]);
    assert_eq!(carriers, ["cookie:session_jwt", "field:x-session"]);
    let key = Path::new("/etc/observer/fingerprint.key");
    assert_eq!(fingerprint_key.as_deref(), Some(key));
    assert_eq!(bounds.threads, std::num::NonZeroUsize::new(2));
    assert_eq!(bounds.ring_size, Some(32 << 20));
}

#[test]
fn key_sets_are_files_urls_or_discovered() {
    let text = "[[jwks]]\nissuer = \"a\"\nfile = \"a.json\"\n\
                [[jwks]]\nissuer = \"b\"\nurl = \"https://b.example/jwks\"\n\
                [[jwks]]\nissuer = \"https://c.example\"\n";
    let key_sets = config(text).unwrap().fixed.key_sets;
    assert!(key_sets[0].ends_with("a.json"), "{key_sets:?}");
    assert_eq!(
        key_sets[1..],
        ["b=https://b.example/jwks", "https://c.example"]
    );
}

#[test]
fn limits_take_the_place_of_the_usual() {
    let bounds = |text: &str| config(text).unwrap().fixed.bounds;
    // What the example writes is what holds without it.
    let documented = include_str!("../../../docs/configuration.toml");
    let (usual, example) = (
        Limits::default(),
        bounds(documented).over(Limits::default()),
    );
    assert_eq!(format!("{usual:?}"), format!("{example:?}"));
    let text = "[limits]\nconnections = 512\nheld = \"1MiB\"\nheld_per_direction = \"16KiB\"\n\
                exchange_timeout = \"5s\"\n";
    let limits = bounds(text).over(Limits::of_captures());
    let wanted = Limits {
        connections: 512,
        held: 1 << 20,
        held_per_direction: 16 << 10,
        exchange_timeout: std::time::Duration::from_secs(5),
        ..Limits::of_captures()
    };
    assert_eq!(format!("{limits:?}"), format!("{wanted:?}"));
}

#[test]
fn what_is_expected_of_one_service_is_put_together() {
    let text = "[[expect]]\nservice = \"a\"\niss = [\"i\"]\n\
                [[expect]]\nservice = \"a\"\naud = [\"b\"]\n";
    let both = Expectation {
        issuer: vec!["i".to_owned()],
        audience: vec!["b".to_owned()],
    };
    assert_eq!(config(text).unwrap().expectations, [("a".to_owned(), both)]);
}

#[test]
fn what_differs_for_a_restart_is_named() {
    let fixed = |text: &str| config(text).unwrap().fixed;
    let usual = Fixed::default();
    assert!(
        usual
            .differences(&fixed("[filter.include]\nports = [1]\n"))
            .is_empty()
    );
    let text = "show_claims = [\"a\"]\ncarriers = [\"off\"]\nfingerprint_key = \"k\"\n[[jwks]]\nissuer = \"i\"\n\
                file = \"f\"\n[limits]\nthreads = 1\n";
    assert_eq!(
        usual.differences(&fixed(text)),
        [
            "jwks",
            "show_claims",
            "carriers",
            "fingerprint_key",
            "limits"
        ]
    );
}

#[test]
fn the_schema_is_the_one_that_is_published() {
    let published = include_str!("../../../docs/configuration.schema.json");
    assert!(
        schema() == published,
        "write it anew: observer config schema > docs/configuration.schema.json"
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    assert_eq!(
        fault("[filter.include]\n\nprots = [80]\n"),
        "line 3: there is no key \"prots\" here; did you mean \"ports\"?"
    );
    assert_eq!(
        fault("[filter]\nexlude = {}\n"),
        "line 2: there is no key \"exlude\" here; did you mean \"exclude\"?"
    );
    assert_eq!(
        fault("[[service]]\nname = \"a\"\nadress = \"10.0.0.1:80\"\n"),
        "line 3: there is no key \"adress\" here; did you mean \"address\"?"
    );
    assert_eq!(
        fault("colour = true\n"),
        "line 1: there is no key \"colour\" here; there are rules, show_claims, carriers, fingerprint_key, \
         service, expect, jwks, hmac_secret, filter, limits"
    );
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    for (text, line, words) in [
        ("[filter.include]\nports = [80, 99999]\n", 2, "99999"),
        (
            "[filter.exclude]\naddresses = [\"10.0.0.0/33\"]\n",
            2,
            "10.0.0.0/8",
        ),
        ("[filter.exclude]\npaths = [\"\"]\n", 2, "empty"),
        ("[filter.exclude]\npaths = \"/a\"\n", 2, "a list"),
        (
            "[filter.exclude]\ncgroups = [\"a.service\"]\n",
            2,
            "/system.slice/",
        ),
        (
            "[filter.exclude]\ncgroups = [\"/a/../b\"]\n",
            2,
            "/system.slice/",
        ),
        (
            "[filter.exclude]\ncgroups = [\"/sys/fs/cgroup/a\"]\n",
            2,
            "/proc/PID/cgroup",
        ),
        ("\n[[service]]\nname = \"a\"\n", 2, "say which"),
        ("[[service]]\naddress = \":80\"\n", 1, "name"),
        ("[[service]]\nname = \"\"\nunit = \"a\"\n", 1, "printable"),
        (
            "[[service]]\nname = \"a\"\naddress = \"10.0.0.1\"\n",
            3,
            "10.0.0.1:8080",
        ),
        ("[[expect]]\nservice = \"a\"\n", 1, "iss or aud"),
        ("[[jwks]]\nissuer = \"a\"\n", 1, "file or url"),
        ("[[jwks]]\nissuer = \"a\"\nurl = \"keys\"\n", 1, "https://"),
        (
            "[[jwks]]\nissuer = \"a\"\nurl = \"https://b\"\nfile = \"c\"\n",
            1,
            "leave one out",
        ),
        ("[[hmac_secret]]\nissuer = \"a\"\n", 1, "file"),
        ("[[jwks]]\nissuer = \"a\"\nfile = \"a=b\"\n", 3, "without ="),
        ("[limits]\nthreads = 0\n", 2, "1 to 256"),
        ("[limits]\nring_size = \"3MiB\"\n", 2, "power of two"),
        ("[limits]\nheld = \"1KiB\"\n", 2, "1048576"),
        ("[limits]\nheld = 4096\n", 2, "string"),
        ("[limits]\nexchange_timeout = \"2h\"\n", 2, "3600 seconds"),
        ("[filter\n", 1, ""),
    ] {
        let fault = fault(text);
        assert!(
            fault.starts_with(&format!("line {line}: ")),
            "{text}: {fault}"
        );
        assert!(fault.contains(words), "{text}: {fault}");
    }
}

#[test]
fn a_list_and_a_file_have_an_end() {
    let ports = vec!["1"; crate::filter::MAX_ENTRIES + 1].join(",");
    assert!(fault(&format!("[filter.include]\nports = [{ports}]\n")).contains("at most 1024"));
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(MAX_FILE + 1).unwrap();
    let error = Config::read(file.path()).unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::read(Path::new("/nonexistent.toml")).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("/nonexistent.toml") && error.contains("No such file"),
        "{error}"
    );
}

#[test]
fn rules_are_read_from_where_the_configuration_lies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("observer.toml");
    std::fs::write(&file, "rules = \"own.tsv\"\n").unwrap();
    let missing = Config::read(&file).unwrap_err().to_string();
    assert!(missing.contains("own.tsv"), "{missing}");
    let rules = folder.path().join("own.tsv");
    std::fs::write(&rules, "ledger\tbody\thas\tE17\ttoken_gone\n").unwrap();
    let wrong = Config::read(&file).unwrap_err().to_string();
    assert!(wrong.contains("line 1: "), "{wrong}");
    std::fs::write(&rules, "ledger\tbody\thas\tE17\ttoken_revoked\n").unwrap();
    assert_eq!(
        Config::read(&file).unwrap().words,
        Words::read(&rules).unwrap()
    );
}
