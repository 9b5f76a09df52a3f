//! The baseline: the same runtime and accept loop, and one constant JSON response. The benchmark
//! compares the cost of an authenticated request with it.

use axum::Json;
use axum::routing::get;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:5001".to_owned());
    let body =
        || async { Json(serde_json::json!({"meta": {"code": 200}, "response": {"user": {}}})) };
    let app = axum::Router::new().route("/login", get(body));
    axum::serve(tokio::net::TcpListener::bind(address).await?, app).await?;
    Ok(())
}
