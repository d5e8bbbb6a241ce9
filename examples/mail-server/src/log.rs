//! Logs: by `tracing`, to standard error. Secrets and message bodies never go in.

use tracing::level_filters::LevelFilter;

use crate::cli::LogFormat;

/// Starts logging for the whole process; a second call does nothing.
pub(crate) fn start(level: LevelFilter, format: LogFormat) {
    // A log that nobody reads any more is lost. The library would complain of that with `eprintln!`, which panics then, and with it
    // each connection that has something to log.
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .log_internal_errors(false);
    // The first subscriber stays: tests start several servers in one process.
    let _ = match format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            builder.with_ansi(colours).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
