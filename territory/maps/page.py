"""The page around the map: folium's frame, with every script and style inside it."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import folium
from branca.element import Element, Figure
from folium.template import Template

_SHARED = ("strings.js", "scene.js", "ground.js", "elements.js", "frame.js")


@dataclass(frozen=True)
class Kind:
    """What a kind of page is made of: its frame, its styles and its scripts."""

    frame: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


KINDS = {
    "territories": Kind("page.html", ("page.css",), (*_SHARED, "panel.js", "card.js", "search.js", "page.js")),
    "days": Kind(
        "days.html",
        ("page.css", "days.css"),
        (*_SHARED, "days-strings.js", "days-layer.js", "days-panel.js", "days-page.js"),
    ),
}


@dataclass(frozen=True)
class TileSource:
    """An online base map: its address, its hosts for the page's policy, and what folium.TileLayer asks for."""

    address: str
    hosts: str
    attribution: str
    max_zoom: int
    subdomains: str = "abc"


TILE_SOURCES = {
    "osm": TileSource(
        address="https://tile.openstreetmap.org/{z}/{x}/{y}.png",
        hosts="https://tile.openstreetmap.org",
        attribution='&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> contributors',
        max_zoom=19,
    ),
    "amap": TileSource(
        address="https://webrd0{s}.is.autonavi.com/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",
        hosts="https://*.is.autonavi.com",
        attribution="&copy; AutoNavi",
        max_zoom=18,
        subdomains="1234",
    ),
}


class Verbatim(Element):
    """Text that goes into the page as it is.

    branca reads what its macros render as a template a second time: a customer called ``{{ 7*7 }}`` would be
    computed. Nothing that holds data or foreign scripts may pass through a macro.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text

    def render(self, **kwargs: object) -> str:
        """The text."""
        return self.text


class TerritoryMap(folium.Map):
    """A folium map whose script ends by opening our page on it."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <main class="stage"><div class="folium-map" id={{ this.get_name()|tojson }}></div></main>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.map(
                {{ this.get_name()|tojson }},
                {center: {{ this.location|tojson }}, crs: L.CRS.{{ this.crs }}, ...{{ this.options|tojavascript }}}
            );
            openTerritoryPage({{ this.get_name() }});
        {% endmacro %}
        """
    )


def build_page(scene: dict[str, Any], *, tiles: str | None, kind: str = "territories") -> folium.Map:
    """A folium map that shows `scene` (see `payload.describe_plan`, `days.describe_days`) and carries all it needs."""
    made_of = KINDS[kind]
    page = TerritoryMap(
        location=[0, 0], tiles=None, zoom_start=2, zoom_control=False, zoom_snap=0.25, attribution_control=bool(tiles)
    )
    page.default_js, page.default_css = [], []  # folium would load them from other hosts
    page._id = "territories"  # folium's ids are random; the same plan must give the same bytes
    figure = page.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("folium.Map no longer stands in a branca Figure")
    if tiles:
        source = TILE_SOURCES[tiles]
        layer = folium.TileLayer(
            source.address,
            attr=source.attribution,
            max_zoom=source.max_zoom,
            subdomains=source.subdomains,
            control=False,
        )
        layer._id = tiles
        layer.add_to(page)
    styles = "\n".join(_resource(name) for name in made_of.styles)
    _add(figure.header, "head", _head(tiles))
    _add(figure.header, "styles", f"<style>\n{_leaflet_css()}\n{styles}</style>")
    _add(figure.header, "leaflet", f"<script>\n{_leaflet_js()}\n</script>")
    _add(figure.html, "frame", _resource(made_of.frame))
    _add(figure.html, "scene", f'<script type="application/json" id="scene">{_as_json(scene)}</script>')
    _add(figure.html, "scripts", f"<script>\n{_page_js(made_of.scripts)}\n</script>")
    return page


def leaflet_files() -> dict[str, str]:
    """Leaflet's script and style for a page that is not folium's; file name -> text, with its images inside."""
    return {"leaflet.js": _leaflet_js(), "leaflet.css": _leaflet_css()}


def drawing_modules() -> dict[str, str]:
    """What draws `payload.describe_plan` and `days.describe_days` on a Leaflet map, for pages of others.

    ES modules, file name -> text.
    """
    return {
        "elements.js": f"{_resource('elements.js')}\nexport {{ element, shortened, placed }};\n",
        "ground.js": 'import { shortened } from "./elements.js";\n'
        + _resource("scene.js")
        + _resource("ground.js")
        + _resource("days-layer.js")
        + "\nexport { DaysLayer, DaysScene, GroundLayer, Scene, territoryColour };\n",
    }


def _add(parent: Element, name: str, text: str) -> None:
    child = Verbatim(text)
    child._id = name
    parent.add_child(child, name=name)


def _head(tiles: str | None) -> str:
    """Title, viewport, and a policy under which the browser itself refuses every foreign request."""
    hosts = f" {TILE_SOURCES[tiles].hosts}" if tiles else ""
    policy = (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        f"img-src data: blob:{hosts}; base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            "<title>Territories</title>",
        ]
    )


def _as_json(scene: dict[str, Any]) -> str:
    """JSON that can stand inside a script element: no character in it can end the element or a line."""
    text = json.dumps(scene, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def _page_js(scripts: tuple[str, ...]) -> str:
    body = "\n".join(_resource(name) for name in scripts)
    return f'const openTerritoryPage = (() => {{\n"use strict";\n{body}\nreturn openPage;\n}})();'


@cache
def _leaflet_js() -> str:
    text = (_leaflet_folder() / "leaflet.js").read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=\S+", "", text).strip()


@cache
def _leaflet_css() -> str:
    folder = _leaflet_folder()
    text = (folder / "leaflet.css").read_text(encoding="utf-8")
    return re.sub(r"url\((images/[\w.-]+\.png)\)", lambda found: f"url({_data_url(folder / found[1])})", text)


def _data_url(image: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(image.read_bytes()).decode()


def _leaflet_folder() -> Path:
    from xstatic.pkg import leaflet

    return Path(leaflet.BASE_DIR)


@cache
def _resource(name: str) -> str:
    return resources.files("territory.maps").joinpath(name).read_text(encoding="utf-8")
