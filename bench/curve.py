"""A curve as SVG: a few lines over sizes that grow by a factor, for a page or a note."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 70, 170, 40, 50
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7a4988", "#8a6d1d")


def svg(title: str, sizes: str, values: str, lines: Mapping[str, Points]) -> str:
    """The sizes run along the bottom on a logarithmic scale, the values from nothing upwards."""
    everything = [point for points in lines.values() for point in points]
    xs = sorted({x for x, _ in everything})
    top = max((y for _, y in everything), default=1.0) or 1.0
    parts = [_text(WIDTH / 2, 22, title, "middle", 15), _text(LEFT, HEIGHT - 10, f"{sizes}; {values}", "start", 11)]
    parts += [_text(_x(x, xs), HEIGHT - BOTTOM + 18, f"{x:,g}", "middle", 11) for x in xs]
    parts += [_level(top * quarter / 4, top) for quarter in range(5)]
    for (name, points), colour in zip(lines.items(), COLOURS * len(lines), strict=False):
        parts += _line(name, [(_x(x, xs), _y(y, top)) for x, y in points], colour)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>"]) + "\n"


def _x(value: float, xs: Sequence[float]) -> float:
    span = math.log(xs[-1] / xs[0]) if xs[-1] > xs[0] else 0.0
    share = math.log(value / xs[0]) / span if span else 0.5
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _level(value: float, top: float) -> str:
    y = _y(value, top)
    rule = f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
    return rule + _text(LEFT - 8, y + 4, f"{value:,.3g}", "end", 11)


def _line(name: str, at: Points, colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
    label = [_text(at[-1][0] + 8, at[-1][1] + 4, name, "start", 11, colour)] if at else []
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots, *label]


def _text(x: float, y: float, words: str, anchor: str, size: int, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
