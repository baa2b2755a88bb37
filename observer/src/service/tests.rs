use super::*;
use crate::event::sample;
use crate::filter::Pattern;

fn connection(side: Side) -> Connection {
    Connection {
        side,
        unix: None,
        ..sample::exchange().connection
    }
}

fn handled(pid: u32, name: &str, process: Option<Process>) -> Handling {
    Handling {
        pid,
        tid: pid,
        name: name.to_owned(),
        process: process.map(Arc::new),
        ..sample::exchange().handled.unwrap()
    }
}

fn runs(executable: &str, workload: Option<&str>) -> Option<Process> {
    Some(Process {
        executable: Some(executable.to_owned()),
        workload: workload.map(str::to_owned),
        ..Process::default()
    })
}

fn at_server(services: &mut Services, handled: &Handling) -> String {
    services
        .name(&connection(Side::Server), Some(handled))
        .to_string()
}

#[test]
fn a_given_name_wins() {
    let server = connection(Side::Server);
    let mut services = Services::new([(server.server, "orders".to_owned())]);
    services.configure(vec![Naming::by_address(server.server, "other")]);
    let process = handled(1, "python3", runs("/usr/bin/python3", Some("web")));
    assert_eq!(at_server(&mut services, &process), "orders");
    assert_eq!(&*services.name(&connection(Side::Wire), None), "orders");
}

#[test]
fn a_client_learns_the_name_from_the_server() {
    let mut services = Services::new([]);
    let client = connection(Side::Client);
    let curl = handled(9, "curl", None);
    assert_eq!(&*services.name(&client, Some(&curl)), "10.0.0.1:8080");
    let server = connection(Side::Server);
    let nginx = handled(2, "nginx", None);
    assert_eq!(&*services.name(&server, Some(&nginx)), "nginx:8080");
    assert_eq!(&*services.name(&client, Some(&curl)), "nginx:8080");
    assert_eq!(&*services.name(&server, None), "nginx:8080");
    let caddy = handled(3, "caddy", None);
    assert_eq!(&*services.name(&server, Some(&caddy)), "caddy:8080");
}

#[test]
fn the_configuration_wins_over_the_workload_and_that_over_the_process() {
    let mut services = Services::new([]);
    let process = handled(4, "nginx", runs("/usr/sbin/nginx", Some("web")));
    assert_eq!(at_server(&mut services, &process), "web");
    let naming = Naming {
        name: "edge".into(),
        address: None,
        executable: Some(Pattern::new("nginx").unwrap()),
        container: None,
        unit: None,
    };
    services.configure(vec![naming]);
    assert_eq!(at_server(&mut services, &process), "edge");
    // What was named before is named anew.
    assert_eq!(&*services.name(&connection(Side::Client), None), "edge");
    services.configure(Vec::new());
    let process = handled(4, "nginx", runs("/usr/sbin/nginx", None));
    assert_eq!(at_server(&mut services, &process), "nginx:8080");
}

#[test]
fn a_name_stays_the_same_over_a_restart() {
    for (workload, before) in [(None, "worker-"), (None, "worker"), (Some("web"), "")] {
        let names = [4121, 97_000].map(|pid| {
            let name = format!("{before}{pid}");
            let process = handled(pid, &name, runs("/opt/orders/serve", workload));
            at_server(&mut Services::new([]), &process)
        });
        let [before, after] = &names;
        assert_eq!(before, after);
        assert_eq!(before, workload.unwrap_or("serve:8080"));
    }
}

#[test]
fn workers_of_one_service_share_its_name() {
    let mut services = Services::new([]);
    let connection = connection(Side::Server);
    let names = [4, 5, 4].map(|pid| {
        let mut process = handled(pid, "nginx", runs("/usr/sbin/nginx", None));
        let known = Arc::make_mut(process.process.as_mut().unwrap());
        known.started = Some(crate::time::Timestamp::from_seconds(i64::from(pid)));
        services.name(&connection, Some(&process))
    });
    // It is not made anew for each.
    assert!(names.iter().all(|name| Arc::ptr_eq(name, &names[0])));
}

#[test]
fn a_name_of_digits_that_are_no_process_stays() {
    let mut services = Services::new([]);
    let process = handled(3, "python3", runs("/usr/bin/python3.13", None));
    assert_eq!(at_server(&mut services, &process), "python3:8080");
}

#[test]
fn a_process_that_ended_early_gets_the_name_of_those_like_it() {
    let mut services = Services::new([]);
    let whole = handled(4, "cgi", runs("/usr/bin/cgi", Some("web")));
    assert_eq!(at_server(&mut services, &whole), "web");
    assert_eq!(at_server(&mut services, &handled(5, "cgi", None)), "web");
    let other = handled(6, "other", None);
    assert_eq!(at_server(&mut services, &other), "other:8080");
}

#[test]
fn of_whom_nothing_is_known_is_called_by_the_address() {
    let mut services = Services::new([]);
    let nobody = handled(5, "", None);
    assert_eq!(at_server(&mut services, &nobody), "10.0.0.1:8080");
}

#[test]
fn a_service_is_meant_with_and_without_its_port() {
    assert!(is_meant("nginx:8080", "nginx:8080"));
    assert!(is_meant("nginx:8080", "nginx"));
    assert!(is_meant("orders", "orders"));
    assert!(is_meant("[::1]:80", "[::1]"));
    assert!(!is_meant("nginx:8080", "nginx:80"));
    assert!(!is_meant("nginx:8080", "ngin"));
}
