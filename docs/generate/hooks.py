"""What `make docs` makes of the text: pages from elsewhere, tables, notebooks, formulas, links.

MkDocs calls the functions named `on_...`; nothing here knows what a page says.
"""

import posixpath
import re
from pathlib import Path

from catalogue_tables import GENERATED
from formulas import with_mathml
from mkdocs.structure.files import File
from notebook_pages import run_notebook
from result_tables import with_results

ROOT = Path(__file__).resolve().parents[2]

COPIED = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "benchmarks.md": "benchmarks/README.md",
    "recipes/esc10.md": "recipes/esc10/README.md",
    "recipes/planted.md": "recipes/planted/README.md",
    "recipes/pretrained.md": "recipes/pretrained/README.md",
    "recipes/coswara.md": "recipes/coswara/README.md",
}
"""Pages that are texts of the repository, by their address."""

_FOLDERS = sorted(path.parent.name for path in (ROOT / "daxaudio").glob("*/__init__.py"))

_LINK = re.compile(r"(!?)\[([^\]\n]+)\]\(([^)\s]+?)(#[^)\s]*)?\)")


def on_files(files, config):
    """Add the pages that are no files of `docs/`: copies, the API, notebooks that were run."""
    made = {uri: (ROOT / path).read_text(encoding="utf-8") for uri, path in COPIED.items()}
    made |= {f"api/{folder}.md": _api_page(folder) for folder in _FOLDERS}
    made["api/containers.md"] = "# daxaudio.containers\n\n::: daxaudio.containers\n"
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.py")):
        made |= run_notebook(path)
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown, page, config, files):
    """Put in what is generated, write formulas as MathML, and let links lead to pages."""
    text = re.sub(r"^\[generated (\w+)\]\(\S+\)$", _generate, markdown, flags=re.MULTILINE)
    text = with_mathml(with_results(text, ROOT / "docs" / "results"))
    uri = page.file.src_uri
    here = posixpath.dirname(COPIED.get(uri, f"docs/{uri}"))
    return _LINK.sub(lambda link: _relinked(link, here, posixpath.dirname(uri)), text)


def _generate(match):
    return GENERATED[match[1]]()


def _relinked(link, here, folder):
    """A link between files of the repository as one between pages; of a source file, its text."""
    mark, text, target, anchor = link.groups()
    path = posixpath.normpath(posixpath.join(here, target))
    if ":" in target or not (ROOT / path).exists():
        return link[0]
    pages = {source: uri for uri, source in COPIED.items()}
    if path.startswith("docs/"):
        path = re.sub(r"notebooks/(\w+)\.py$", r"notebooks/\1.md", path.removeprefix("docs/"))
    elif path in pages:
        path = pages[path]
    elif re.fullmatch(r"daxaudio/(\w+)(\.py)?", path):
        path = f"api/{Path(path).stem}.md"
    else:
        return text
    return f"{mark}[{text}]({posixpath.relpath(path, folder or '.')}{anchor or ''})"


def _api_page(folder):
    """The public modules of a folder of the package, each with all that it defines."""
    lines = [f"# daxaudio.{folder}", "", f"::: daxaudio.{folder}", "    options:"]
    lines += ["      members: false", ""]
    for path in sorted((ROOT / "daxaudio" / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            continue
        lines += [f"## {'.'.join(parts[2:])}", "", f"::: {'.'.join(parts)}", ""]
    return "\n".join(lines)
