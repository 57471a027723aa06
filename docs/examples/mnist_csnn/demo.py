"""The main job on a real network, with the commands a user would type. Run it with ``make demo``.

A trained SpikingJelly network becomes a NetX file; SpikingJelly, the engine and Lava run it; what stayed the
same is measured. All files go to ``build/demo``.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from encoding import encode

HERE = Path(__file__).resolve().parent
STEPS = 8
DIGITS = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-lava", action="store_true", help="leave out the comparison with Lava")
    without_lava = parser.parse_args().without_lava
    out = Path("build/demo")
    out.mkdir(parents=True, exist_ok=True)
    digits = np.load(HERE / "digits.npz")
    np.save(out / "digits.npy", encode(digits["images"][:DIGITS], STEPS))
    np.save(out / "calibration.npy", encode(digits["calibration"], STEPS))
    model = HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE
    network = [f"{model}/model.py:csnn", "--set", "channels=16", "--weights", f"{model}/weights.pt"]
    start = time.monotonic()

    say(f"1  Import the trained network and check {DIGITS} digits against SpikingJelly, spike by spike")
    code = snnhub("convert", *network, "--input-shape", "1,28,28", "-o", f"{out}/csnn.snn")
    code |= snnhub("verify", *network, "--against", "spikingjelly", "--input", f"{out}/digits.npy")

    say("2  Convert it to a NetX file with Loihi's integers")
    calibrate = ["--calibrate", f"{out}/calibration.npy"]
    code |= snnhub("convert", *network, "--input-shape", "1,28,28", *calibrate, "-o", f"{out}/csnn.net")

    say("3  What did the conversion change? Float against integer, layer by layer")
    code |= snnhub("verify", f"{out}/csnn.snn", f"{out}/csnn.net", "--input", f"{out}/digits.npy")

    if without_lava:
        say("4  Left out: the same file in Lava (run make demo without PEERS=0)")
    else:
        say("4  Does Lava compute the same? Every spike and state of the file that was written")
        code |= snnhub("verify", f"{out}/csnn.net", "--against", "lava", "--input", f"{out}/digits.npy")
    code |= decisions(out, digits["labels"][:DIGITS])
    say(f"{'Proved' if code == 0 else 'FAILED'} in {time.monotonic() - start:.0f} s. Files: {out}")
    return code


def decisions(out: Path, labels: np.ndarray) -> int:
    """Right decisions of the integer network, from the recording that ``snnhub run`` wrote."""
    say("5  Run the file and count the digits it gets right")
    record = out / "recording.npz"
    code = snnhub(
        "run", f"{out}/csnn.net", "--input", f"{out}/digits.npy", "--steps", str(STEPS + 6), "-o", str(record)
    )
    spikes = np.load(record)["output"].sum(axis=0)
    print(f"{int((spikes.argmax(axis=1) == labels).sum())} of {len(labels)} digits right")
    return code


def say(words: str) -> None:
    print(f"\n== {words}", flush=True)


def snnhub(*arguments: str) -> int:
    """Show a command and run it."""
    print("$ snnhub " + " ".join(arguments), flush=True)
    program = shutil.which("snnhub", path=str(Path(sys.executable).parent)) or "snnhub"
    return subprocess.run([program, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
