"""The controls that panels are made of, in one look; what they do is left to the views.

Only core controls of ipywidgets, so that JupyterLab, Notebook and VS Code all have them. Text of
tools and users comes in as `Markup`, or as the plain text of an input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets  # type: ignore[import-untyped]
from markupsafe import Markup

from ..display.markup import STYLE

Control = Any
"""A widget; ipywidgets has no types."""

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"

_LOOK = STYLE + Markup("""<style>
.tooi-panel{--jp-widgets-inline-width:100%;padding:0 0 6px}
.tooi-panel .widget-html,.tooi-panel .widget-html-content{height:auto;line-height:1.5;margin:0;
min-width:0;flex:1 1 auto;font:13px/1.5 var(--jp-content-font-family,system-ui,sans-serif)}
.tooi-panel .widget-button{width:auto;min-width:4.5em;flex:0 0 auto}
.tooi-panel .widget-box{overflow:visible;min-width:0}
.tooi-panel .tooi-bar-of-controls{padding:4px 10px;gap:4px 6px;align-items:center}
.tooi-panel .tooi-item{border-top:1px solid var(--line);padding:4px 10px;gap:2px 6px;
align-items:center}
.tooi-panel .tooi-item .tooi-bar-of-controls{padding:0}
.tooi-panel .tooi-fields{padding:2px 10px;gap:4px 14px}
.tooi-panel .tooi-label{color:var(--fg);overflow-wrap:anywhere}
.tooi-panel .tooi-help{color:var(--dim);font-size:12px;overflow-wrap:anywhere}
.tooi-panel .tooi-wrong{color:var(--bad);font-size:12px;overflow-wrap:anywhere}
.tooi-panel .tooi-title{padding:6px 10px 2px;font-weight:600}
.tooi-panel .tooi-argv{display:flex;flex-wrap:wrap;gap:3px}
.tooi-panel.tooi.tooi.tooi .tooi-argv code{border:1px solid var(--line);border-radius:3px;
padding:0 5px;background:var(--bg2)}
.tooi-panel .tooi-plain{gap:4px;align-items:center}
.tooi-panel .widget-accordion,.tooi-panel .jupyter-widget-accordion{margin:4px 10px}
.tooi-panel .tooi{border-width:1px 0;border-radius:0;margin:0}
</style>""")


def frame(*children: Control) -> Control:
    """Return the outermost box of a panel, with the styles of all that is in it."""
    box = ipywidgets.VBox([html(_LOOK), *children])
    box.add_class("tooi")
    box.add_class("tooi-panel")
    return box


def column(*children: Control) -> Control:
    """Return controls one beneath the other."""
    return ipywidgets.VBox(children)


def row(*children: Control, look: str = "tooi-bar-of-controls") -> Control:
    """Return controls side by side, broken where there is no room."""
    box = ipywidgets.HBox(children, layout={"flex_flow": "row wrap"})
    box.add_class(look)
    return box


def grid(*children: Control) -> Control:
    """Return controls in as many columns as there is room for."""
    layout = {"grid_template_columns": "repeat(auto-fill, minmax(min(230px, 100%), 1fr))"}
    box = ipywidgets.GridBox(children, layout=layout)
    box.add_class("tooi-fields")
    return box


def across(*children: Control) -> Control:
    """Return controls one beneath the other, each as wide as there is room."""
    box = column(*children)
    box.add_class("tooi-fields")
    return box


def growing(control: Control) -> Control:
    """Return a control of a row that takes the room that is left."""
    control.layout.flex, control.layout.min_width = "1 1 160px", "100px"
    return control


def folded(title: str, *children: Control, is_open: bool = False) -> Control:
    """Return controls beneath a title that unfolds them."""
    return ipywidgets.Accordion(
        [column(*children)], titles=(title,), selected_index=0 if is_open else None
    )


def unfold(control: Control) -> None:
    """Show what is folded away."""
    control.selected_index = 0


def html(markup: Markup | None = None) -> Control:
    """Return a place for safe HTML."""
    return ipywidgets.HTML(str(markup or ""))


def button(label: str, *, tone: str = "", tooltip: str = "") -> Control:
    """Return a button; `tone` is one of ipywidgets' button styles."""
    return ipywidgets.Button(description=label, button_style=tone, tooltip=tooltip or label)


def text(value: str = "", *, placeholder: str = "", as_typed: bool = False) -> Control:
    """Return a line of text; `as_typed` tells of every key, not only of the end of typing."""
    return ipywidgets.Text(
        value,
        placeholder=placeholder,
        continuous_update=as_typed,
        layout={"width": "auto"},
    )


def lines(value: str = "", *, placeholder: str = "", rows: int = 2) -> Control:
    """Return a text of several lines."""
    return ipywidgets.Textarea(
        value,
        placeholder=placeholder,
        rows=rows,
        continuous_update=False,
        layout={"width": "auto"},
    )


def suggested(value: str = "", *, placeholder: str = "") -> Control:
    """Return a line of text whose ``options`` are suggested."""
    return ipywidgets.Combobox(
        value=value,
        placeholder=placeholder,
        ensure_option=False,
        continuous_update=False,
        layout={"width": "auto"},
    )


def choice(options: Sequence[tuple[str, Any]], value: Any, *, tooltip: str = "") -> Control:
    """Return a choice of one."""
    return ipywidgets.Dropdown(
        options=options,
        value=value,
        tooltip=tooltip,
        layout={"width": "auto", "min_width": "90px", "flex": "0 1 auto"},
    )


def several(options: Sequence[str]) -> Control:
    """Return a choice of any number."""
    return ipywidgets.SelectMultiple(
        options=options, rows=min(len(options), 5), layout={"width": "auto"}
    )


def check(label: str, *, value: bool = False) -> Control:
    """Return a box to tick."""
    return ipywidgets.Checkbox(
        value, description=label, indent=False, layout={"width": "auto", "min_width": "0"}
    )


def upload() -> Control:
    """Return a button that takes files from the browser's machine."""
    return ipywidgets.FileUpload(multiple=True, description="Upload", layout={"width": "auto"})


def labelled(label: str | Markup, control: Control, help_text: str | Markup = "") -> Control:
    """Return a control beneath its label, with a place for help or what is wrong beside it."""
    head = html(Markup('<div class="tooi-label">{}</div>').format(label))
    return column(head, control, html(help_markup(help_text)))


def help_markup(text_of_help: str | Markup) -> Markup:
    """Return what explains a control."""
    if not text_of_help:
        return Markup("")
    return Markup('<div class="tooi-help">{}</div>').format(text_of_help)


def wrong_markup(message: str | Markup) -> Markup:
    """Return what is wrong with a control's value."""
    return Markup('<div class="tooi-wrong">{}</div>').format(message) if message else Markup("")


def set_html(control: Control, markup: Markup) -> None:
    """Change safe HTML, without a message to the front end where it is the same."""
    if control.value != str(markup):
        control.value = str(markup)


def set_bundle(control: Control, bundle: Mapping[str, Any]) -> None:
    """Show the HTML of a display."""
    set_html(control, Markup(bundle["text/html"]))  # noqa: S704 (``display`` escapes)


def show_if(control: Control, *, is_shown: bool) -> None:
    """Show or hide a control."""
    control.layout.display = "" if is_shown else "none"


def on_value(control: Control, react: Callable[[], None]) -> None:
    """Call a function whenever a control has another value."""
    control.observe(lambda change: react(), names="value")


def destroy(control: Control) -> None:
    """Take a control and all within it away from the kernel and the front end."""
    for child in getattr(control, "children", ()):
        destroy(child)
    control.close()
