"""Does the server keep to its own description? Schemathesis asks all that /openapi.json describes, odd things too, and
holds the answers against it: no 5xx but a 503 that sends away, and none that is not described.

python -m venv fuzz && fuzz/bin/pip install schemathesis
python benchmarks/api_fuzz.py --schemathesis fuzz/bin/schemathesis

It is no dependency of this package: it needs some forty others."""

import argparse
import shutil
import subprocess
import sys

from server import serving

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "use_after_free"),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--schemathesis", default="schemathesis", help="the program")
    options.add_argument("--examples", type=int, default=50, help="requests of each kind to each operation")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    if not (program := shutil.which(given.schemathesis)):
        raise SystemExit(f"{given.schemathesis} is missing: pip install schemathesis, in an environment of its own")
    with serving() as (address, _):
        command = [program, "run", f"{address}/openapi.json", "--checks", ",".join(CHECKS)]
        command += ["--max-examples", str(given.examples), "--seed", str(given.seed), "--request-timeout", "30"]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
