//! Logs: one JSON object a line, on standard error.

use tracing_subscriber::EnvFilter;

/// Begins logging what `filter` lets through; an unusable filter lets through what is `info`.
pub fn begin(filter: &str) {
    // Said once for every connection that resets streams in a flood, which the log would not survive.
    let filter = format!("h2=error,{filter}");
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_bad| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        // Said with a macro that panics when nobody reads standard error: a full log disk would stop all.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish();
    // Only a test has begun before.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
