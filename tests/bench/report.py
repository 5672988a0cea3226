"""The table and the chart of `make bench`, and how they get into docs/."""
import html
import os
import platform
import shutil
import time

from measure import median

BEGIN, END = "<!-- table: written by make bench -->", "<!-- end of table -->"
COLUMNS = ("workload", "wanted", "reached", "", "Postern", "P1", "P2", "disk", "CPU s per 1,000: Postern", "P1", "P2",
           "p50 / p99 ms", "load")
SHOWN = ("Postern", "P1", "P2", "disk")
BAR, ROW, LEFT, WIDTH = 300, 26, 330, 760
MOST = 15  # where bars end: what is a hundred times as fast must not make the others unreadable


def brief(goal, figures):
    """One run in a few words."""
    value = figures.get(goal.figure, figures.get("rate", figures.get("memory", 0)))
    cpu = f", {figures['cpu_per_1000']:.3f} CPU s per 1,000" if "cpu_per_1000" in figures else ""
    waits = f", p50 {figures['p50']:.2f} p99 {figures['p99']:.2f} ms" if "p50" in figures else ""
    return f"{number(value)} {goal.unit}{cpu}{waits}, load {figures['load']:.1f}"


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def table(goals, results):
    """The lines of a Markdown table, a row for each workload that ran."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for goal in goals:
        runs = results[goal.name]
        if not any(runs.values()):
            continue
        reached, enough = goal.judge(runs)
        values = [median(runs.get(who), "rate" if who == "disk" else goal.figure) for who in SHOWN]
        cpus = [median(runs.get(who), "cpu_per_1000") for who in SHOWN[:3]]
        waits = [median(runs.get("Postern"), name) for name in ("p50", "p99")]
        loads = [run["load"] for of_one in runs.values() for run in of_one]
        lines.append("| " + " | ".join((
            goal.name, goal.wanted, reached, "yes" if enough else "**no**",
            *(f"{number(value)} {goal.unit}" if value is not None else "" for value in values),
            *("" if cpu is None else f"{cpu:.2f}" for cpu in cpus),
            " / ".join(number(wait) for wait in waits if wait is not None),
            f"{min(loads):.1f}–{max(loads):.1f}")) + " |")
    return lines


def where():
    """The machine, in a line."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "?")
    return (f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores ({model}), Linux {platform.release()}; "
            "load generator and servers on the same cores.")


def chart(goals, results):
    """An SVG: how often each workload's rate is that of the peers."""
    bars = []
    for goal in goals:
        # Without unlock_cache a log-in is one scrypt by intent, which the peers do not do.
        ours = median(results[goal.name].get("cached") or results[goal.name].get("Postern"), goal.figure)
        for peer in ("P1", "P2"):
            theirs = median(results[goal.name].get(peer), goal.figure)
            if ours and theirs:
                factor = theirs / ours if goal.unit == "ms" else ours / theirs
                bars.append((f"{goal.name}: {peer}", factor, peer))
    if not bars:
        return None
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {ROW * len(bars) + 50}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{ROW * len(bars) + 50}" fill="#fff"/>',
             '<text x="10" y="22" font-size="15">How many times as fast as Postfix with Dovecot '
             '(P1: encrypting, P2: not)</text>']
    for place, (label, factor, peer) in enumerate(bars):
        y, length = 36 + ROW * place, max(2, round(BAR * min(factor, MOST) / MOST))
        colour = "#1f6f8b" if peer == "P1" else "#99a8b2"
        lines += [f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{html.escape(label)}</text>',
                  f'<rect x="{LEFT}" y="{y + 2}" width="{length}" height="{ROW - 8}" fill="{colour}"/>',
                  f'<text x="{LEFT + length + 6}" y="{y + 15}">{factor:.1f}</text>']
    return "\n".join([*lines, "</svg>"]) + "\n"


def write(docs, lines, drawing):
    """Puts the table between its markers in performance.md, and the chart beside it."""
    page = docs / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{where()}\n\n" + "\n".join(lines) + f"\n{END}{after}")
    if drawing:
        (docs / "performance.svg").write_text(drawing)
    print(f"written to {page}")


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
