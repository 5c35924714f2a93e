"""The run as a picture and a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.soak.crew import Life
from tests.soak.watch import Sample

_WIDE, _HIGH, _LEFT, _TOP = 860, 300, 60, 30
_COLOURS = ("#1b6", "#07c", "#c50", "#a3c", "#c03", "#887", "#0aa", "#760", "#555")


def svg(lives: Sequence[Life], samples: Sequence[Sample]) -> str:
    """Memory of every life, a colour for each kind of process, over the minutes; and messages handed over, dotted."""
    end = max([1.0, *(at for life in lives for at, _ in life.rss)])
    most = max([1.0, *(mb for life in lives for _, mb in life.rss)]) * 1.1
    names = list(dict.fromkeys(life.name for life in lives))
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}

    def line(points: Sequence[tuple[float, float]], top: float, style: str) -> str:
        at = " ".join(f"{_LEFT + x / end * _WIDE:.1f},{_TOP + _HIGH - y / top * _HIGH:.1f}" for x, y in points)
        return f'<polyline points="{at}" fill="none" {style}/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDE + 130}" height="{_TOP + _HIGH + 40}"'
        ' font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="16">Memory of each process in MB (a gap: it was killed). Dotted: messages handed'
        f" over, {samples[-1].handed_over if samples else 0} at the end.</text>",
    ]
    for share in (0.0, 0.5, 1.0):
        y = _TOP + _HIGH - share * _HIGH
        parts.append(f'<path d="M{_LEFT} {y}h{_WIDE}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{share * most:.0f}</text>')
    parts += [line(life.rss, most, f'stroke="{colours[life.name]}"') for life in lives if life.rss]
    if samples:
        handed = [(sample.seconds, float(sample.handed_over)) for sample in samples]
        parts.append(line(handed, max(handed[-1][1], 1.0), 'stroke="#999" stroke-dasharray="2 4"'))
    for place, name in enumerate(names):
        y = _TOP + 14 * place + 10
        parts.append(f'<text x="{_LEFT + _WIDE + 12}" y="{y}" fill="{colours[name]}">{escape(name)}</text>')
    parts.append(f'<text x="{_LEFT + _WIDE}" y="{_TOP + _HIGH + 16}" text-anchor="end">{end / 60:.0f} min</text></svg>')
    return "\n".join(parts)
