"""Fuzzes every decoder: coverage-guided with atheris, or a fixed number of inputs with --smoke.

    python benchmarks/fuzz.py --seconds 60
    python benchmarks/fuzz.py --seconds 600 --only openai_chat.stream
    python benchmarks/fuzz.py --list

The targets and what they promise are in tests/property/decoding.py. An input that breaks a
promise is kept in the folder that --keep names and printed in full.
"""

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMOKE_INPUTS = 150
"""Inputs for each target with --smoke: about two seconds for all."""
LONGEST_INPUT = 4096
SECONDS_AN_INPUT = 5
"""An input that takes longer is reported as a hang."""
MEGABYTES = 1024
PIECES = (b"\n\n", b"\r", b"{", b"[", b'"', b"\\ud800", b"null", b"1e999", b"-1", b"\x00", b"\xff")


def load() -> tuple[Mapping[str, Callable[[bytes], None]], Callable[[str], tuple[bytes, ...]]]:
    """The targets and their seeds; what is imported here is what atheris watches."""
    sys.path.insert(0, str(ROOT))
    from tests.property import decoding, seeds  # imported under atheris' eyes, when asked for

    return decoding.targets(), seeds.seeds


def mutate(seed: bytes, chance: random.Random) -> bytes:
    """A few random edits: a byte changed, a span dropped, doubled, or replaced by a piece."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        place = chance.randint(0, len(data))
        length = min(len(data) - place, int(chance.expovariate(0.1)))
        edit = chance.randrange(4)
        if edit == 0:
            data[place : place + 1] = bytes((chance.randrange(256),))
        elif edit == 1:
            del data[place : place + length]
        elif edit == 2:
            data[place:place] = data[place : place + length]
        else:
            data[place : place + length] = chance.choice(PIECES)
    return bytes(data)


def smoke() -> int:
    """A fixed number of seeded inputs for each target: that it runs, and holds."""
    targets, seeds = load()
    for name, check in targets.items():
        chance = random.Random(name)
        for seed in seeds(name):
            check(seed)
        for _ in range(SMOKE_INPUTS):
            check(mutate(chance.choice(seeds(name)), chance))
    print(f"{len(targets)} targets, {SMOKE_INPUTS} inputs and the seeds each: no promise broken")
    return 0


def explore(name: str, seconds: int, keep: Path) -> None:
    """Fuzzes one target in this process. libFuzzer ends the process itself."""
    import atheris  # type: ignore[import-untyped]  # only here: not everywhere installable

    with atheris.instrument_imports(include=["portico"]):
        targets, seeds = load()
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(name)):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = [
            sys.argv[0],
            corpus,
            f"-max_total_time={seconds}",
            f"-timeout={SECONDS_AN_INPUT}",
            f"-rss_limit_mb={MEGABYTES}",
            f"-max_len={LONGEST_INPUT}",
            f"-artifact_prefix={keep}/{name}-",
            "-print_final_stats=1",
            "-verbosity=0",
        ]
        atheris.Setup(options, targets[name])
        atheris.Fuzz()


def run(name: str, seconds: int, keep: Path) -> bool:
    """One target in a process of its own. False: a promise was broken."""
    command = [sys.executable, __file__, "--one", name, "--seconds", str(seconds)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--keep", str(keep)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    executed = next(
        (line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line), "?"
    )
    held = done.returncode == 0
    word = "held" if held else "BROKEN"
    print(f"{name}: {word}, {executed} inputs in {time.monotonic() - began:.0f} s", flush=True)
    if not held:
        print(said)
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--only", action="append", metavar="TARGET", help="may be repeated")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--smoke", action="store_true", help="a fixed number of inputs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        return smoke()
    if options.one:
        explore(options.one, options.seconds, options.keep)
        return 0
    known = list(load()[0])
    if options.list:
        print("\n".join(known))
        return 0
    if unknown := set(options.only or ()) - set(known):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; --list names them")
    if importlib.util.find_spec("atheris") is None:
        print("skipped: atheris is not installed (pip install atheris); --smoke runs without it")
        return 0
    chosen = options.only or known
    broken = [name for name in chosen if not run(name, options.seconds, options.keep)]
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
