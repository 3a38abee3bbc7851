"""Prints docs/plugin-api-python.md: what meridian_plugin exports, by its sources."""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

HEAD = """# API of the Python client

<!-- Made by `npm run gen:python` from src/plugin/python; do not edit it by hand. -->

Everything that `meridian_plugin` exports. [plugin-guide.md](plugin-guide.md#in-python)\
 has a program that runs.
A wrong argument is refused with a TypeError that names it; nothing is sent then. What\
 nobody awaits, such as a handler
that failed, is reported to the logger `meridian_plugin`.
"""
SECTIONS = {
    "Connect": lambda name: name == "connect",
    "The plugin": lambda name: name == "Plugin",
    "Options": lambda name: name in ("DeadLetters", "Window"),
    "Outcomes": lambda name: (
        name.startswith(("Publish", "RequestA", "RequestF")) or name == "RequestOutcome"
    ),
    "Errors": lambda name: name.endswith("Error"),
    "Messages and the rest": lambda name: True,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def text_of(node: ast.stmt | None) -> str | None:
    """The string that a statement is."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return prose(text)
    return None


def prose(text: str) -> str:
    """Markdown with a line for each paragraph and each item of a list."""
    parts: list[str] = []
    for line in inspect.cleandoc(text).split("\n"):
        is_first = not parts or line == "" or parts[-1] == "" or line.startswith("- ")
        parts = (
            [*parts, line] if is_first else [*parts[:-1], f"{parts[-1]} {line.strip()}"]
        )
    return "\n".join(parts)


def documented(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt, str]]:
    """The public names of a body, each with its definition and what is said of it."""
    for node, following in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                name, doc = node.name, prose(ast.get_docstring(node) or "")
            case (
                ast.Assign(targets=[ast.Name(id=name)])
                | ast.AnnAssign(target=ast.Name(id=name))
            ):
                doc = text_of(following) or ""
            case _:
                continue
        if not name.startswith("_"):
            yield name, node, doc


def signature(node: Function) -> str:
    """The first line of a function, with a line for each argument when it is long."""
    arguments = node.args
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    plain = ast.arguments([], arguments.args, None, [], [], None, arguments.defaults)
    each = [part for part in ast.unparse(plain).split(", ") if part not in ("self", "")]
    each += ["*"] if arguments.kwonlyargs else []
    for keyword, default in keywords:
        value = "" if default is None else f" = {ast.unparse(default)}"
        each.append(f"{ast.unparse(keyword)}{value}")
    prefix = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = ast.unparse(node.returns) if node.returns else "None"
    line = f"{prefix} {node.name}({', '.join(each)}) -> {returns}"
    if len(line) <= 88:
        return line
    lines = "".join(f"    {part},\n" for part in each)
    return f"{prefix} {node.name}(\n{lines}) -> {returns}"


def fence(code: str) -> str:
    return f"```python\n{code}\n```"


def described(name: str, node: ast.stmt, doc: str) -> list[str]:
    """The parts of one name's section."""
    if not isinstance(node, ast.ClassDef):
        is_function = isinstance(node, Function)
        code = signature(node) if is_function else ast.unparse(node)
        return [f"### {name}", fence(code), doc]
    rows, methods = [], []
    for member, inner, says in documented(node.body):
        if not says:
            sys.exit(f"{name}.{member} has no docstring")
        if isinstance(inner, Function):
            methods += [f"#### {member}", fence(signature(inner)), says]
        elif isinstance(inner, ast.AnnAssign):
            default = f" = {ast.unparse(inner.value)}" if inner.value else ""
            kind = f"{ast.unparse(inner.annotation)}{default}".replace("|", "\\|")
            rows.append(f"| `{member}` | `{kind}` | {says} |")
    bases = " and ".join(ast.unparse(base) for base in node.bases)
    with_base = f"{doc} Its base is `{bases}`." if bases else doc
    table = ["\n".join(["| member | type | meaning |", "|---|---|---|", *rows])]
    return [f"### {name}", with_base, *(table if rows else []), *methods]


def main() -> None:
    folder = Path(sys.argv[1]) / "meridian_plugin"
    trees = {path.stem: ast.parse(path.read_text()) for path in folder.glob("*.py")}
    found = {
        name: (node, doc)
        for tree in trees.values()
        for name, node, doc in documented(tree.body)
    }
    left = [
        alias.name
        for node in trees["__init__"].body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    parts = [HEAD.strip()]
    for title, holds in SECTIONS.items():
        parts.append(f"## {title}")
        for name in [name for name in left if holds(name)]:
            node, doc = found[name]
            if not doc:
                sys.exit(f"{name} has no docstring")
            parts += described(name, node, doc)
        left = [name for name in left if not holds(name)]
    parts.append("## meridian_plugin.testing")
    for name, node, doc in documented(trees["testing"].body):
        if doc:
            parts += described(name, node, doc)
    print("\n\n".join(part for part in parts if part))


main()
