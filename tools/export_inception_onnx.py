#!/usr/bin/env python3
"""Exports the Inception network of FID to ONNX, for the metrics that take features from a file.

    PYTHONPATH=edm python export_inception_onnx.py inception-2015-12-05.pkl inception.onnx

The pickle is NVIDIA's TorchScript port of the TensorFlow graph (stylegan3's metrics); with it come EDM's reference statistics. Input
'images': uint8 [N,3,H,W], 0 to 255, any size, resized inside; output 'features': float32 [N,2048]. Needs torch and onnx. The pickle
is code: use a file that you trust.
"""
import pickle
import sys

import torch


class Features(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images, return_features=True)


def main(source, target):
    with open(source, "rb") as f:
        network = Features(pickle.load(f).eval().cpu())
    example = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        expected = network(example)
        torch.onnx.export(torch.jit.trace(network, example), example, target, input_names=["images"], output_names=["features"],
                          dynamic_axes={"images": {0: "n", 2: "h", 3: "w"}, "features": {0: "n"}}, opset_version=17, dynamo=False)
    print(f"{target}: {tuple(expected.shape)} features")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
