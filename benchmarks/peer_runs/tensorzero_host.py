"""Starts TensorZero's embedded gateway and prints where it listens. Runs in its environment.

python tensorzero_host.py CONFIGURATION
"""

import json
import signal
import sys


def main() -> None:
    # Here, because only the environment that runs this script has the package.
    from tensorzero.tensorzero import _start_http_gateway  # type: ignore[import-not-found]

    gateway = _start_http_gateway(
        config_file=sys.argv[1],
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    print(json.dumps({"url": gateway.base_url}), flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
