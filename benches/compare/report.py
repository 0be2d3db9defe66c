"""What the rounds come to: medians, ratios to the baseline, a table, a JSON file and a plot."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from contestants import BASELINE, CONTESTANTS

Measurement = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """One column of the table."""

    key: str
    title: str
    form: str
    scale: float = 1.0


FIGURES = [
    Figure("images_per_second", "images/s", "{:.0f}"),
    Figure("images_per_cpu_second", "per CPU s", "{:.0f}"),
    Figure("pss_bytes", "peak MB (PSS)", "{:.0f}", 1e-6),
    Figure("rss_bytes", "peak MB (RSS)", "{:.0f}", 1e-6),
    Figure("first_batch_seconds", "first batch s", "{:.2f}"),
]


def medians(rounds: dict[str, list[Measurement]]) -> dict[str, Measurement]:
    """The median of each figure over the rounds, for each contestant."""
    return {
        name: {
            figure.key: statistics.median(one[figure.key] for one in measured) for figure in FIGURES
        }
        for name, measured in rounds.items()
    }


def ratios(of: dict[str, Measurement]) -> dict[str, Measurement]:
    """Each median divided by the baseline's."""
    base = of[BASELINE]
    return {
        name: {key: value / base[key] for key, value in measured.items()}
        for name, measured in of.items()
    }


def table(of: dict[str, Measurement]) -> str:
    """A Markdown table: the median, and in brackets its ratio to the baseline."""
    relative = ratios(of)
    lines = [
        "| loader | " + " | ".join(figure.title for figure in FIGURES) + " |",
        "|---|" + "---:|" * len(FIGURES),
    ]
    for name, measured in of.items():
        cells = [
            f"{figure.form.format(measured[figure.key] * figure.scale)}"
            f" ({relative[name][figure.key]:.2f})"
            for figure in FIGURES
        ]
        lines.append(f"| {CONTESTANTS[name].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(of: dict[str, Measurement], rounds: dict[str, list[Measurement]], path: Path) -> None:
    """Bars of the ratios, one panel a figure, with a dot for each round."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [figure for figure in FIGURES if figure.key != "rss_bytes"]
    relative, base = ratios(of), of[BASELINE]
    names = list(of)[::-1]
    height = 1.2 + 0.45 * len(names)
    figure, panels = pyplot.subplots(1, len(shown), figsize=(4 * len(shown), height), sharey=True)
    for column, panel in zip(shown, panels, strict=True):
        values = [relative[name][column.key] for name in names]
        colours = ["#7a7a7a" if not name.startswith("zenith") else "#2a6fdb" for name in names]
        bars = panel.barh([CONTESTANTS[name].title for name in names], values, color=colours)
        panel.bar_label(bars, labels=[f"{value:.2f}" for value in values], padding=4, fontsize=9)
        for row, name in enumerate(names):
            dots = [one[column.key] / base[column.key] for one in rounds[name]]
            panel.plot(dots, [row] * len(dots), "o", color="black", markersize=2.5)
        panel.axvline(1.0, color="black", linewidth=0.8, linestyle=":")
        better = "more is better" if "images" in column.key else "less is better"
        panel.set_title(f"{column.title}\n({better})", fontsize=10)
        panel.margins(x=0.18)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"ratios to {CONTESTANTS[BASELINE].title}", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, dpi=140)
    pyplot.close(figure)
