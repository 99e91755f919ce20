"""Builds an overlay with kustomize, and holds each resource against its schema, strictly.

`python deploy/kubernetes/check.py [overlay]` needs Go: kustomize, kubeconform and the schemas (Kubernetes', those of
CloudNativePG and of KEDA) are Go modules, pinned here. Strimzi's are not: name the CRD files of its release with --crd,
else its resources are reported as not checked.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parent
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0"
KUBERNETES = "k8s.io/kubernetes@v1.34.2"
CRDS = ("github.com/cloudnative-pg/cloudnative-pg@v1.27.1", "github.com/kedacore/keda/v2@v2.18.1")
Json = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overlay", nargs="?", type=Path, default=FOLDER / "overlays" / "complete")
    parser.add_argument("--tools", type=Path, default=FOLDER.parents[1] / ".local" / "kubernetes-tools")
    parser.add_argument("--crd", type=Path, nargs="*", default=[], help="files with CustomResourceDefinitions")
    asked = parser.parse_args()
    tools: Path = asked.tools.resolve()
    for module in (KUSTOMIZE, KUBECONFORM):
        _install(module, tools)
    built = _run([tools / "kustomize", "build", asked.overlay], capture=True)
    wanted = {_file(one["apiVersion"], one["kind"]) for one in yaml.safe_load_all(built)}
    specification = json.loads((_downloaded(KUBERNETES) / "api" / "openapi-spec" / "swagger.json").read_text())
    files = [path for module in CRDS for path in (_downloaded(module) / "config" / "crd" / "bases").glob("*.yaml")]
    found = _of_kubernetes(specification, wanted)
    for path in [*files, *asked.crd]:
        found |= _of_definitions(path, wanted)
    schemas = tools / "schemas"
    schemas.mkdir(parents=True, exist_ok=True)
    for name, schema in found.items():
        (schemas / name).write_text(json.dumps(schema))
    if missing := sorted(wanted - found.keys()):
        print(f"not checked, for want of a schema (--crd): {', '.join(missing)}")
    location = f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    options = ["-strict", "-summary", "-ignore-missing-schemas", "-schema-location", location]
    command = [f"{tools}/kubeconform", *options, "-"]
    return subprocess.run(command, input=built, text=True, check=False).returncode  # noqa: S603


def _of_kubernetes(specification: Json, wanted: set[str]) -> dict[str, Json]:
    """file -> schema of each wanted kind, with what it refers to."""
    definitions: Mapping[str, Json] = specification["definitions"]
    found = {}
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            api_version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
            if (file := _file(api_version, kind["kind"])) in wanted:
                needed = {needed: _strict(definitions[needed]) for needed in _reached(name, definitions)}
                found[file] = {"$ref": f"#/definitions/{name}", "definitions": needed}
    return found


def _reached(name: str, definitions: Mapping[str, Json]) -> set[str]:
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        if (one := waiting.pop()) not in reached:
            reached.add(one)
            waiting += re.findall(r'"#/definitions/([^"]+)"', json.dumps(definitions[one]))
    return reached


def _of_definitions(path: Path, wanted: set[str]) -> dict[str, Json]:
    """file -> schema of each wanted kind among the CustomResourceDefinitions of a file."""
    found = {}
    for definition in yaml.safe_load_all(path.read_text()):
        if not definition or definition.get("kind") != "CustomResourceDefinition":
            continue
        spec = definition["spec"]
        for version in spec["versions"]:
            file = _file(f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            if file in wanted:
                schema = _strict(version["schema"]["openAPIV3Schema"])
                names = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
                schema["properties"] |= names
                found[file] = schema
    return found


def _strict(schema: Any) -> Any:
    """The same schema, but what it does not name is not allowed; and an integer or text is what it says."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    made = {key: _strict(value) for key, value in schema.items() if key != "format"}
    is_closed = isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema
    if is_closed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def _file(api_version: str, kind: str) -> str:
    """As kubeconform names it."""
    group, _, version = api_version.rpartition("/")
    return "-".join([kind, *([group.partition(".")[0]] if group else []), version]).lower() + ".json"


def _install(module: str, tools: Path) -> None:
    name = re.sub(r"/v\d+$", "", module.partition("@")[0]).rpartition("/")[2]
    if not (tools / name).exists():
        tools.mkdir(parents=True, exist_ok=True)
        print(f"building {name}…", file=sys.stderr)
        _run(["go", "install", module], env={**os.environ, "GOBIN": str(tools)})


def _downloaded(module: str) -> Path:
    return Path(json.loads(_run(["go", "mod", "download", "-json", module], capture=True))["Dir"])


def _run(command: list[str | Path], *, capture: bool = False, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE if capture else None, text=True, env=env, check=False
    )
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout or ""


if __name__ == "__main__":
    sys.exit(main())
