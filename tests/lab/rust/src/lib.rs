//! What both services have.

use axum::Router;
use axum::handler::Handler;
use axum::routing::get;

/// An environment variable that the lab sets.
///
/// # Panics
/// Without it.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A file of the lab's folder of keys.
///
/// # Panics
/// When it is not there.
pub fn key_file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", setting("LAB_KEYS"))).expect("a key file")
}

/// Serves these handlers until the process ends.
pub async fn serve<T: 'static, U: 'static>(
    orders: impl Handler<T, ()>,
    reports: impl Handler<U, ()>,
) {
    let app = Router::new()
        .route("/orders/{name}", get(orders))
        .route("/reports/{name}", get(reports));
    let address = format!("127.0.0.1:{}", setting("LAB_PORT"));
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .expect("a port");
    axum::serve(listener, app).await.expect("serving");
}
