//! A plan as text, as SQL engines and Polars print theirs; with statistics, what each step cost.

use std::{fmt::Write as _, time::Duration};

use zenith_core::{Engine, Permission, Permissions};

use super::{OperatorStep, Plan};
use crate::{
    options::{Fidelity, RunOptions},
    run::{EpochStats, StageStats},
};

impl Plan {
    /// The plan as text: what runs, as what, on which types, and what was optimised.
    pub fn explain(&self, options: &RunOptions, stats: Option<&EpochStats>) -> String {
        let mut rows = vec![Row::new("source", self.source.describe(), String::new(), String::new())];
        rows.push(Self::row("sample", &self.sampler, String::new()));
        for decoder in &self.decoders {
            let mut note = format!("→ {}", decoder.output);
            let windows: Vec<_> = self.transforms[..self.pushed_windows()]
                .iter()
                .map(|transform| name(&transform.step))
                .collect();
            if !windows.is_empty() {
                let _ = write!(note, "  window of {}", windows.join(", "));
            }
            rows.push(Self::row("decode", &decoder.step, note));
        }
        for transform in &self.transforms {
            let seeded = if transform.effect.seeded { "  seeded" } else { "" };
            rows.push(Self::row("map", &transform.step, format!("→ {}{seeded}", transform.effect.output)));
        }
        let types: Vec<_> = self.stacked_types().iter().map(ToString::to_string).collect();
        let size = match self.batch_bytes() {
            Some(bytes) => format!("  {} a slot", bytes_text(bytes as u64)),
            None => "  sizes differ from sample to sample".to_owned(),
        };
        let last = if self.batch.drop_last { ", last one dropped if short" } else { "" };
        let batch = format!("{} samples{last}", self.batch.size);
        rows.push(Row::new("batch", batch, String::new(), format!("→ {}{size}", types.join(", "))));
        for transform in &self.batch_transforms {
            let outputs: Vec<_> = transform.effect.outputs.iter().map(ToString::to_string).collect();
            rows.push(Self::row("map-batch", &transform.step, format!("→ {}", outputs.join(", "))));
        }
        let mut text = self.title(options);
        table(&mut text, &rows);
        self.optimisations(&mut text);
        if let Some(stats) = stats {
            analysis(&mut text, stats, options);
        }
        text
    }

    fn title(&self, options: &RunOptions) -> String {
        let fidelity = match self.fidelity {
            Fidelity::Exact => "exact",
            Fidelity::Fast => "fast",
        };
        let limit = options.memory_limit.map_or_else(
            || "no memory limit".to_owned(),
            |limit| format!("memory limit {}", bytes_text(limit)),
        );
        let digest: String = self.digest.chars().take("sha256:".len() + 12).collect();
        let workers = match options.num_workers {
            0 => "the caller's thread works".to_owned(),
            1 => "1 worker thread".to_owned(),
            workers => format!("{workers} worker threads"),
        };
        format!(
            "pipeline {digest}  {workers}, {} batches ahead, fidelity {fidelity}, {limit}\n",
            options.prefetch
        )
    }

    fn row(what: &'static str, step: &OperatorStep, mut note: String) -> Row {
        let plugin = step.plugin();
        note.push_str(&permissions(plugin.permissions()));
        let config = if &*step.config == "{}" { String::new() } else { format!(" {}", step.config) };
        Row::new(what, format!("{}{config}", plugin.identity()), plugin.engine().to_string(), note)
    }

    fn optimisations(&self, text: &mut String) {
        let pushed = self.pushed_windows();
        let window = if !self.optimisations.window_push_down {
            "off".to_owned()
        } else if pushed == 0 {
            "nothing to push: the first transform reads its whole input".to_owned()
        } else {
            let names: Vec<_> =
                self.transforms[..pushed].iter().map(|transform| name(&transform.step)).collect();
            format!("the decoder skips what lies outside the window of {}", names.join(", "))
        };
        let reduced =
            match (self.fidelity, self.transforms.iter().find(|transform| !transform.effect.crop_only)) {
                (Fidelity::Fast, Some(transform)) if transform.effect.reducible => {
                    format!(
                        "images are decoded at a reduced scale where {} scales them down",
                        name(&transform.step)
                    )
                }
                (Fidelity::Fast, _) => "nothing to reduce: the first transform needs every pixel".to_owned(),
                (Fidelity::Exact, _) => "off: fidelity is exact".to_owned(),
            };
        let all = self.operators().count();
        let native = self.operators().filter(|step| step.plugin().engine() == Engine::Native).count();
        let _ = writeln!(text, "optimisations");
        for (what, said) in [
            ("window push-down", window),
            ("reduced decoding", reduced),
            ("native twins", format!("{native} of {all} operators")),
        ] {
            let _ = writeln!(text, "  {what:<18}{said}");
        }
    }
}

/// What a plugin is given beyond computing, what that costs, and what it asked for in vain.
fn permissions(permissions: &Permissions) -> String {
    let Permissions { asked: _, given } = permissions;
    let mut note = String::new();
    if !given.keep_determinism() {
        let _ = write!(note, "  not deterministic: given {given}");
    } else if !given.keep_purity() {
        let _ = write!(note, "  depends on what it is given: {given}");
    }
    let refused: Vec<_> = permissions.refused().map(Permission::word).collect();
    if !refused.is_empty() {
        let _ = write!(note, "  asks for {}, not given", refused.join(", "));
    }
    note
}

fn name(step: &OperatorStep) -> String {
    step.plugin().identity().name.to_string()
}

struct Row {
    what: &'static str,
    operator: String,
    engine: String,
    note: String,
}

impl Row {
    fn new(what: &'static str, operator: String, engine: String, note: String) -> Self {
        Self { what, operator, engine, note }
    }
}

/// Columns as wide as their widest cell, up to a bound past which a cell pushes its own row only.
fn table(text: &mut String, rows: &[Row]) {
    const WIDEST: usize = 56;
    let width = |cell: fn(&Row) -> &String| {
        rows.iter().map(|row| cell(row).chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or(0)
    };
    let (operator, engine) = (width(|row| &row.operator), width(|row| &row.engine));
    for row in rows {
        let line =
            format!("  {:<10}{:<operator$}  {:<engine$}  {}", row.what, row.operator, row.engine, row.note);
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn analysis(text: &mut String, stats: &EpochStats, options: &RunOptions) {
    let _ = writeln!(
        text,
        "measured over {} samples in {} batches, {} skipped",
        stats.samples, stats.batches, stats.skipped
    );
    let busy: Duration = stats.stages.iter().map(|stage| stage.busy).sum();
    for StageStats { label, calls, busy: time, bytes } in &stats.stages {
        let share = 100.0 * time.as_secs_f64() / busy.as_secs_f64().max(f64::MIN_POSITIVE);
        let mean = time.checked_div(u32::try_from(*calls).unwrap_or(u32::MAX).max(1)).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {label:<48}{calls:>9} calls {:>9} µs each {share:>5.1} %  {:>9} out",
            mean.as_micros(),
            bytes_text(*bytes)
        );
    }
    let _ = writeln!(
        text,
        "  read {}; workers waited {:.2} s for reads",
        bytes_text(stats.encoded_bytes),
        stats.read_wait.as_secs_f64()
    );
    let _ = writeln!(
        text,
        "  slots {}, samples {}, guests {}, peak {}",
        bytes_text(stats.slot_bytes),
        bytes_text(stats.sample_bytes),
        bytes_text(stats.guest_bytes),
        bytes_text(stats.peak_bytes)
    );
    let _ = writeln!(text, "  {}", verdict(stats, busy, options));
}

/// Names the side that starves, from what each waited for.
fn verdict(stats: &EpochStats, busy: Duration, options: &RunOptions) -> String {
    let (caller, workers) = (stats.caller_wait.as_secs_f64(), stats.worker_wait.as_secs_f64());
    let waits =
        format!("the caller waited {caller:.2} s for batches, the workers {workers:.2} s for the caller");
    let per_worker = workers / f64::from(u32::try_from(options.num_workers.max(1)).unwrap_or(u32::MAX));
    if options.num_workers == 0 {
        return format!("{waits}; with num_workers=0 the caller does all the work");
    }
    if caller <= per_worker {
        return format!("{waits}: the loader keeps ahead, the training step is the slower side");
    }
    let slowest = stats.stages.iter().max_by_key(|stage| stage.busy);
    match slowest {
        Some(stage) if stats.read_wait < busy => {
            format!("{waits}: the loader is the slower side, and most of its time goes to {}", stage.label)
        }
        _ => format!("{waits}: the loader is the slower side, and most of its time goes to reading"),
    }
}

/// Bytes for people, in powers of 1000 as disks and networks count.
fn bytes_text(bytes: u64) -> String {
    let mut value = f64::from(u32::try_from(bytes.min(999)).unwrap_or(0));
    let mut unit = "B";
    for (position, name) in (1..).zip(["kB", "MB", "GB", "TB"]) {
        let size = 1000_u64.pow(position);
        if bytes >= size {
            #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
            let scaled = bytes as f64 / size as f64;
            (value, unit) = (scaled, name);
        }
    }
    if unit == "B" || value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use zenith_core::{Grant, Grants};

    use super::{Permission, Permissions, bytes_text, permissions};

    #[test]
    fn a_plugin_that_a_clock_makes_unpredictable_is_marked() {
        let note = |asked: &[Permission], allowed: &[&str]| {
            let allowed: Grants = allowed.iter().map(|text| text.parse::<Grant>().unwrap()).collect();
            permissions(&Permissions::new(asked.to_vec(), &allowed))
        };
        assert_eq!(note(&[], &["clock"]), "");
        assert_eq!(note(&[Permission::Clock], &["clock"]), "  not deterministic: given clock");
        assert_eq!(note(&[Permission::Files], &["files:luts"]), "  depends on what it is given: files:luts");
        assert_eq!(
            note(&[Permission::Files, Permission::Entropy], &["entropy"]),
            "  not deterministic: given entropy  asks for files, not given"
        );
    }

    #[test]
    fn bytes_are_shown_with_the_unit_that_fits() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (38_535_168, "38.5 MB"), (2_000_000_000, "2.0 GB")]
        {
            assert_eq!(bytes_text(bytes), text);
        }
    }
}
