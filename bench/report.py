#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""Tables, JSON and plots of what bench/in-guest measured for one kernel."""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
OUT = pathlib.Path("build/bench")
SIDES = {
    "stock-pinned": "pinned, stock",
    "stock-odp": "in-tree ODP",
    "pinned": "pinned, ours",
    "odp": "ODP, ours",
    "none": "no region",
}
# How far the samples of a figure may lie apart before it counts as disturbed.
CALM = {"one": 0.02, "many": 0.15}


def read(path, part, rows):
    """Adds a file's lines to rows: name -> unit, better, part and samples by side.

    A row that fails says so when it has perhaps measured something: its figures are of
    operations that gave wrong data, or did not end well.
    """
    failures = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        side, name, unit, better, value = line.split("\t")
        if better == "failed":
            failures.add((side, name))
            continue
        row = rows.setdefault(name, {"unit": unit, "better": better, "part": part, "sides": {}})
        row["sides"].setdefault(side, {"samples": []})["samples"].append(float(value))
    for side, failed in failures:
        names = [name for name in rows if name == failed or name.startswith(failed + ", ")]
        for name in names or [failed]:
            row = rows.setdefault(name, {"unit": "", "better": "more", "part": part, "sides": {}})
            row["sides"].setdefault(side, {"samples": []})["failed"] = True


def summarize(rows):
    """Medians and spreads, and which rows were disturbed."""
    for row in rows.values():
        for cell in row["sides"].values():
            samples = cell["samples"]
            if not samples:
                continue
            cell["median"] = statistics.median(samples)
            spread = max(samples) - min(samples)
            cell["spread"] = spread / cell["median"] if cell["median"] else 0
            cell["disturbed"] = cell["spread"] > CALM[row["part"]]


def median(rows, name, side):
    return rows.get(name, {}).get("sides", {}).get(side, {}).get("median")


def goals(rows):
    """The goals of the file goals, as row -> (text, ratio, reached)."""
    found = {}
    for line in (HERE / "goals").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, side, other, factor = (part.strip() for part in line.split("|"))
        side_of_other, _, row_of_other = other.partition(": ")
        mine = median(rows, name, side)
        theirs = median(rows, row_of_other or name, side_of_other)
        if not mine or not theirs:
            continue
        ratio = mine / theirs
        more = rows[name]["better"] == "more"
        reached = ratio >= float(factor) if more else ratio <= float(factor)
        sign = "≥" if more else "≤"
        found[name] = (f"{sign} {factor} × {SIDES[side_of_other]}", ratio, reached)
    return found


def show(cell):
    if not cell:
        return "-"
    if "median" not in cell:
        return "**fails**"
    return (f"{cell['median']:.4g}{' ~' if cell['disturbed'] else ''}"
            f"{', **fails**' if cell.get('failed') else ''}")


def table(rows, wanted, other):
    """The rows as lines of Markdown."""
    sides = [side for side in SIDES if any(side in row["sides"] for row in rows.values())]
    head = ["", "unit"] + [SIDES[side] for side in sides] + ["goal", "reached"]
    if other:
        head.append("before")
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for name, row in rows.items():
        text, ratio, reached = wanted.get(name, ("", None, None))
        cells = [name, row["unit"]] + [show(row["sides"].get(side)) for side in sides]
        cells += [text, "" if ratio is None else f"{ratio:.3f}, {'yes' if reached else '**no**'}"]
        if other:
            cells.append(before(row, other.get(name)))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def before(row, other):
    """How our side was in another report, and the change since."""
    now = row["sides"].get("odp", {}).get("median")
    then = (other or {}).get("sides", {}).get("odp", {}).get("median")
    if not now or not then:
        return "-"
    return f"{then:.4g}, {100 * (now / then - 1):+.1f} %"


def speed(row, side):
    """A side's speed beside pinned memory on the stock rxe, 1 being the same; wrong data has none."""
    base = row["sides"].get("stock-pinned", {}).get("median")
    cell = row["sides"].get(side, {})
    mine = cell.get("median")
    if not base or not mine or cell.get("failed"):
        return None
    return mine / base if row["better"] == "more" else base / mine


def plot(rows, title, names, path):
    """Bars for in-tree ODP and ours, one pair for each name."""
    lines, intree = [], False
    for name, label in names.items():
        speeds = [speed(rows[name], side) for side in ("stock-odp", "odp")]
        if speeds[1]:
            intree |= bool(speeds[0])
            lines.append("\t".join([f'"{label}"'] + [f"{s:.4f}" if s else "NaN" for s in speeds]))
    if not lines:
        return
    data = path.with_suffix(".dat")
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    variables = f"data='{data}'; out='{path}'; what='{title}'; intree={int(intree)}"
    subprocess.run(["gnuplot", "-e", variables, str(HERE / "plot.gp")], check=True)


def plots(rows, stem, version):
    passes = {name: name.removeprefix("first pass, ").replace(", ", "\\n", 1)
              for name, row in rows.items()
              if name.startswith("first pass, ") and row["unit"] == "MB/s"}
    warm = {name: name.removeprefix("warm, ").removesuffix(", 16 at once").replace(", ", "\\n", 1)
            for name in rows if name.startswith("warm, ") and name.endswith(", 16 at once")}
    plot(rows, f"First pass over memory, Linux {version}", passes, OUT / f"{stem}-passes.svg")
    plot(rows, f"Warm memory, Linux {version}", warm, OUT / f"{stem}-warm.svg")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--compare", type=pathlib.Path)
    args = parser.parse_args()

    rows = {}
    for part in CALM:
        path = OUT / f"{args.kernel}.{part}.tsv"
        if path.exists():
            read(path, part, rows)
    if not rows:
        sys.exit("Nothing was measured.")
    summarize(rows)
    wanted = goals(rows)
    other = json.loads(args.compare.read_text(encoding="utf-8"))["rows"] if args.compare else None
    report = {
        "kernel": args.version,
        "date": datetime.date.today().isoformat(),
        "quick": args.quick,
        "rows": rows,
    }
    (OUT / f"{args.kernel}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    lines = [f"Linux {args.version}{', rough figures (--quick)' if args.quick else ''}. "
             "~: the samples lie far apart, something disturbed them. Fails: wrong data, or an error.", ""]
    lines += table(rows, wanted, other)
    missed = [name for name, (_, _, reached) in wanted.items() if not reached]
    failed = {}
    for name, row in rows.items():
        for side, cell in row["sides"].items():
            if cell.get("failed"):
                failed.setdefault(side, []).append(name)
    lines += ["", f"Goals reached: {len(wanted) - len(missed)} of {len(wanted)}."]
    for side, names in failed.items():
        lines += ["", f"{SIDES[side]} fails, by wrong data or an error, in {len(names)} rows: {'; '.join(names)}."]
    text = "\n".join(lines) + "\n"
    (OUT / f"{args.kernel}.md").write_text(text, encoding="utf-8")
    plots(rows, args.kernel, args.version)
    print(text, end="")
    # What is not ours may fail: that is what the table shows.
    ours = any(cell.get("failed") for row in rows.values()
               for side, cell in row["sides"].items() if side in ("odp", "pinned", "none"))
    sys.exit(1 if ours else 0)


if __name__ == "__main__":
    main()
