//! The log's lines, on their way to whoever shows them: Python's `logging`, or standard error. What is
//! worth a line is decided where it is written; how it looks, by who listens.

use std::{fmt, io::Write};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    metadata::LevelFilter,
    span,
    subscriber::{self, Interest},
};

/// How much a line matters; a greater level matters less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The operation failed.
    Error,
    /// Something is off, but the operation goes on.
    Warn,
    /// Worth telling a user.
    Info,
    /// Worth telling a plugin's author.
    Debug,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        })
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The plugin that wrote it, as in `acme:sepia@0.1.0`; `None` where the host did.
    pub plugin: Option<String>,
    /// What a person calls the sample at hand.
    pub sample: Option<String>,
    /// The sample's index in its source.
    pub index: Option<u64>,
    /// Whether it is of use only at once, as one that says that something will take long.
    pub urgent: bool,
    /// What it says.
    pub message: String,
}

impl fmt::Display for Line {
    /// Who wrote it and on which sample, then what it says; not the level.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(plugin) = &self.plugin {
            write!(f, "`{plugin}`")?;
            if let (Some(sample), Some(index)) = (&self.sample, self.index) {
                write!(f, " on `{sample}` (sample {index})")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

/// Who shows lines. It is called on any thread, worker threads among them, and must not keep them.
pub trait Listener: Send + Sync + 'static {
    /// Whether lines of this level are shown. Where they are not, they are not even put together.
    fn wants(&self, level: Level) -> bool;

    /// Takes a line.
    fn take(&self, line: Line);
}

/// Sends the log's lines to a listener from now on, for as long as the process lives. False where
/// somebody listens already: then nothing changes.
pub fn listen(listener: impl Listener) -> bool {
    subscriber::set_global_default(Lines(listener)).is_ok()
}

/// A listener that writes to standard error, as in `warning: …`.
#[derive(Clone, Copy, Debug)]
pub struct StandardError {
    /// The least level that is written.
    pub level: Level,
}

impl Listener for StandardError {
    fn wants(&self, level: Level) -> bool {
        level <= self.level
    }

    fn take(&self, line: Line) {
        // A reader that went away is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{}: {line}", line.level);
    }
}

/// The face that `tracing` sees. Spans are not followed: lines carry what matters themselves.
struct Lines<L>(L);

/// The level of a line, where it is one of ours.
fn level(metadata: &Metadata<'_>) -> Option<Level> {
    // Not `is_event`: a mere question, as `tracing::enabled!` asks it, is neither an event nor a span.
    let ours = !metadata.is_span() && metadata.target().starts_with("zenith");
    let level = match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => return None,
    };
    ours.then_some(level)
}

impl<L: Listener> Subscriber for Lines<L> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // What the listener wants may change.
        if level(metadata).is_some() { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        level(metadata).is_some_and(|level| self.0.wants(level))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if let Some(level) = level(event.metadata()) {
            let mut line = Line {
                level,
                plugin: None,
                sample: None,
                index: None,
                urgent: false,
                message: String::new(),
            };
            event.record(&mut line);
            self.0.take(line);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "plugin" => self.plugin = Some(value.to_owned()),
            "sample" => self.sample = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "index" {
            self.index = Some(value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "urgent" {
            self.urgent = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Line>>>);

    impl Listener for Kept {
        fn wants(&self, level: Level) -> bool {
            level <= Level::Info
        }

        fn take(&self, line: Line) {
            self.0.lock().unwrap().push(line);
        }
    }

    fn lines(write: impl FnOnce()) -> Vec<Line> {
        let kept = Kept::default();
        subscriber::with_default(Lines(kept.clone()), write);
        kept.0.lock().unwrap().clone()
    }

    #[test]
    fn a_guests_line_arrives_with_plugin_and_sample() {
        let lines = lines(|| {
            let (plugin, sample, index) = ("acme:sepia@0.1.0", Some("cat/a.jpg".to_owned()), Some(7_u64));
            tracing::warn!(target: "zenith::guest", plugin, sample, index, "it is {}", "dark");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].to_string(), "`acme:sepia@0.1.0` on `cat/a.jpg` (sample 7): it is dark");
    }

    #[test]
    fn a_line_outside_of_any_sample_has_none() {
        let lines = lines(|| {
            let plugin = "acme:sepia@0.1.0";
            let (sample, index) = (None::<String>, None::<u64>);
            tracing::error!(target: "zenith::guest", plugin, sample, index, "no");
            tracing::info!(target: "zenith_plugin::cache", "made anew");
        });
        let texts: Vec<_> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["`acme:sepia@0.1.0`: no", "made anew"]);
    }

    #[test]
    fn a_line_can_say_that_it_does_not_wait() {
        let lines = lines(|| {
            tracing::warn!(target: "zenith_plugin::host", urgent = true, "this takes half a minute");
            tracing::warn!(target: "zenith_plugin::host", "it is done");
        });
        assert_eq!(lines.iter().map(|line| line.urgent).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn whoever_asks_before_writing_is_told_what_is_wanted() {
        let mut answers = Vec::new();
        lines(|| {
            answers.push(tracing::enabled!(target: "zenith::guest", tracing::Level::INFO));
            answers.push(tracing::enabled!(target: "zenith::guest", tracing::Level::DEBUG));
        });
        assert_eq!(answers, [true, false]);
    }

    #[test]
    fn what_the_listener_does_not_want_and_what_is_not_ours_is_left_out() {
        let lines = lines(|| {
            tracing::debug!(target: "zenith::guest", "a detail");
            tracing::error!(target: "another_library", "its business");
            let _span = tracing::error_span!("a span").entered();
        });
        assert_eq!(lines, []);
    }
}
