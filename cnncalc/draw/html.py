"""A scene as a page of its own, without script, that fetches nothing."""

from __future__ import annotations

from cnncalc.draw.scene import Scene
from cnncalc.draw.svg import DARK, LIGHT, escaped, to_svg

#: What a browser may load for the page: nothing but the styles in it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def to_html(scene: Scene) -> str:
    """Return the text of a page with the drawing, which can be scrolled, and is fitted to the paper when printed."""
    style = (
        f"body{{margin:0;background:{LIGHT[0]}}}h1{{position:absolute;clip-path:inset(50%);margin:0}}"
        "main{overflow:auto}svg{display:block;margin:auto}"
        f"@media(prefers-color-scheme:dark){{body{{background:{DARK[0]}}}}}"
        "@media print{main{overflow:visible}svg{max-width:100%;height:auto}}"
    )
    drawing = to_svg(scene, standalone=False)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(scene.title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body>\n<main tabindex="0" aria-label="drawing">\n<h1>{escaped(scene.title)}</h1>\n'
        f"{drawing}</main>\n</body>\n</html>\n"
    )
