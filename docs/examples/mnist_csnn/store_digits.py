"""Makes digits.npz: the first 200 test images with labels, and 100 training images for calibration.

    python store_digits.py --data package/data

So the demo and the tests need no download. ``--data`` as for train.py.
"""

import argparse
from pathlib import Path

import numpy as np
from train import read_idx

TEST, CALIBRATION = 200, 100

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder with the four MNIST IDX files")
    data = parser.parse_args().data
    np.savez_compressed(
        "digits.npz",
        images=read_idx(data / "t10k-images-idx3-ubyte")[:TEST],
        labels=read_idx(data / "t10k-labels-idx1-ubyte")[:TEST],
        calibration=read_idx(data / "train-images-idx3-ubyte")[:CALIBRATION],
    )
