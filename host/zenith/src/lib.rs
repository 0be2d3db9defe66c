//! The facade and the zenith command: one place that knows every part.
