"""Notebooks: Python files of cells (`# %%`), run from top to bottom, and shown as pages."""

import jupytext
import nbclient
import nbconvert
import nbformat


def run_notebook(path):
    """Run a notebook in an empty folder and make its page.

    Args:
        path: of the notebook, cells of jupytext's percent format.

    Returns:
        The page and its pictures by their addresses.

    Raises:
        nbclient.exceptions.CellExecutionError: when a cell fails.
    """
    import tempfile

    notebook = jupytext.read(path)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    return _page(notebook, path.stem)


def _page(notebook: nbformat.NotebookNode, name):
    exporter = nbconvert.MarkdownExporter()
    text, found = exporter.from_notebook_node(
        notebook, resources={"unique_key": name, "output_files_dir": f"{name}_files"}
    )
    pictures = {f"notebooks/{key}": value for key, value in found["outputs"].items()}
    return {f"notebooks/{name}.md": text, **pictures}
