//! Requests on loopback whose truth is known: what is wrong with a token is decided when it is made.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey};
use observer_tests::mint::{self, Signer, claims};
use serde_json::json;

/// A service that takes or refuses, by the path.
pub struct Service {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Service {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// `--name ADDR=NAME`.
    pub fn called(&self, name: &str) -> String {
        format!("--name={}={name}", self.address)
    }

    /// A connection, both ends.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.address).unwrap();
        let (server, _) = self.listener.accept().unwrap();
        (client, server)
    }
}

/// Sends a request with a token and answers it.
fn exchange((client, server): &mut (TcpStream, TcpStream), path: &str, token: &str) {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: lab\r\nAuthorization: Bearer {token}\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    head(server);
    let said = match path {
        "/expired" => "The token expired",
        "/early" => "The token is not active yet",
        _ => "",
    };
    let answer = match said {
        "" => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        said => format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\", \
             error_description=\"{said}\"\r\nContent-Length: 0\r\n\r\n"
        ),
    };
    server.write_all(answer.as_bytes()).unwrap();
    head(client);
}

/// Reads to the end of a head.
fn head(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut some = [0; 4096];
        let length = stream.read(&mut some).unwrap();
        assert!(length > 0, "the end inside a head");
        read.extend_from_slice(&some[..length]);
    }
}

/// Makes tokens.
pub struct Tokens(Signer);

impl Tokens {
    pub fn new() -> Self {
        let key = EncodingKey::from_secret(b"a secret of the tests, 32 bytes long");
        Self(Signer::new(Some("lab"), key, Algorithm::HS256))
    }

    /// One that expires in so many seconds, and is good for nothing before `from`.
    pub fn token(&self, exp: i64, from: i64) -> String {
        let now = mint::now();
        let times = json!({"iat": now - 7200, "nbf": now + from, "exp": now + exp});
        self.0.sign(&json!({}), &claims(&times)).unwrap()
    }
}

/// Three services that are asked over and over: `orders` with tokens good, expired and not yet valid,
/// `billing` with some that soon expire.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    pub fn start(orders: Service, billing: Service) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let tokens = Tokens::new();
            let mut to_orders = orders.connect();
            let mut to_billing = billing.connect();
            while !asked.load(Ordering::Relaxed) {
                exchange(&mut to_orders, "/good", &tokens.token(3600, -60));
                exchange(&mut to_orders, "/expired", &tokens.token(-3600, -7200));
                exchange(&mut to_orders, "/early", &tokens.token(3600, 3000));
                exchange(&mut to_billing, "/good", &tokens.token(30, -60));
                thread::sleep(Duration::from_millis(100));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// More services than have series of their own: each is asked once.
pub fn crowd(services: usize) {
    let token = Tokens::new().token(3600, -60);
    for _ in 0..services {
        exchange(&mut Service::new().connect(), "/expired", &token);
    }
}

/// A TLS connection that comes no further than its first message.
pub fn hello() {
    let service = Service::new();
    let mut curl = Command::new("curl")
        .args(["--silent", "--insecure", "--max-time", "10"])
        .arg(format!("https://{}/", service.address))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut server, _) = service.listener.accept().unwrap();
    let mut some = [0; 1024];
    assert!(server.read(&mut some).unwrap() > 0);
    drop(server);
    curl.wait().unwrap();
}
