#!/usr/bin/env python3
"""Exports LPIPS over VGG-16, with its gradient, to ONNX: the perceptual distance of SFD's second stage.

    python export_lpips_onnx.py vgg16-397923af.pth lpips_weights.pt 32 lpips.onnx
    bdense distill --teacher runs/sfd --nfe 1 --perceptual lpips.onnx
    python export_lpips_onnx.py --check        # the gradient against autograd, with random weights; nothing else is needed

The first file is torchvision's VGG-16; the second holds the five layers' weights, as piq (lpips_weights.pt) or the authors of LPIPS
(vgg.pth) publish them; then the images' side in pixels. Images lie in [-1, 1]; they are resized to 224 x 224 inside. As in SFD's code, pooling is by
means and ImageNet's mean and deviation are applied to the images as they are; --original pools by maxima and scales as LPIPS's authors do.
Inputs 'student' and 'teacher': float32 [N,3,side,side]. Outputs 'loss': float32 [N], and 'gradient': [N,3,side,side], of its sum with
respect to 'student', written out operation by operation, since ONNX Runtime cannot differentiate. Needs torch and onnx.
"""
import sys

import torch
import torch.nn.functional as F

SIDE = 224
BLOCKS = [(64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)]
TINY = 1e-10


def resampling(size):
    """[SIDE,size]: bilinear resizing of a row, as a matrix."""
    return F.interpolate(torch.eye(size)[None, None], size=(SIDE, size), mode="bilinear")[0, 0]


class PerceptualDistance(torch.nn.Module):
    def __init__(self, convolutions, weights, side, original=False):
        super().__init__()
        self.original = original
        mean, deviation = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]) if original else ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1))
        self.register_buffer("rows", resampling(side))
        for i, (w, b) in enumerate(convolutions):
            self.register_buffer(f"w{i}", w)
            self.register_buffer(f"b{i}", b)
        for i, w in enumerate(weights):
            self.register_buffer(f"layer{i}", w.reshape(1, -1, 1, 1))

    def features(self, x):
        """Every layer's input and output, block by block; a block's last output is its feature."""
        x = (self.rows @ x @ self.rows.t() - self.mean) / self.deviation
        blocks, i = [], 0
        for b, widths in enumerate(BLOCKS):
            if b > 0:
                x = F.max_pool2d(x, 2) if self.original else F.avg_pool2d(x, 2)
            outputs = []
            for _ in widths:
                x = F.relu(F.conv2d(x, getattr(self, f"w{i}"), getattr(self, f"b{i}"), padding=1))
                outputs.append(x)
                i += 1
            blocks.append(outputs)
        return blocks

    def distances(self, x, y):
        """[N] for each block: the mean over pixels of sum_c w_c (u_c - v_c)^2, u and v of unit length; and its gradient with respect to x."""
        for i, (f, g) in enumerate(zip(x, y)):
            r, s = f.square().sum(1, keepdim=True).sqrt(), g.square().sum(1, keepdim=True).sqrt()
            difference, w = f / (r + TINY) - g / (s + TINY), getattr(self, f"layer{i}")
            du = 2 * w * difference / (f.shape[2] * f.shape[3])
            # u = f / (r + TINY); where r is 0, so is f.
            df = du / (r + TINY) - f * (du * f).sum(1, keepdim=True) / (r.clamp(min=TINY) * (r + TINY).square())
            yield (w * difference.square()).sum(1).mean((1, 2)), df

    def forward(self, student, teacher):
        blocks = self.features(student)
        layers = list(self.distances([b[-1] for b in blocks], [b[-1] for b in self.features(teacher)]))
        loss = sum(distance for distance, _ in layers)
        i, back = sum(map(len, BLOCKS)), None
        for b in reversed(range(len(BLOCKS))):
            back = layers[b][1] if back is None else layers[b][1] + back
            for output in reversed(blocks[b]):
                i -= 1
                back = F.conv_transpose2d(back * (output > 0).to(back.dtype), getattr(self, f"w{i}"), padding=1)
            if b > 0:
                back = F.interpolate(back, scale_factor=2.0, mode="nearest")
                pooled = blocks[b - 1][-1]
                if self.original:
                    # Maxima that are equal are 0, where ReLU has no gradient anyway.
                    back = back * (pooled == F.interpolate(F.max_pool2d(pooled, 2), scale_factor=2.0, mode="nearest")).to(back.dtype)
                else:
                    back = back / 4
        return loss, self.rows.t() @ (back / self.deviation) @ self.rows


def convolutions(state):
    """VGG-16's, in order, from torchvision's state_dict or that of its 'features'."""
    names = sorted({int(name.removeprefix("features.").split(".")[0]) for name in state if name.endswith(".weight") and not name.startswith("classifier")})
    prefix = "features." if any(name.startswith("features.") for name in state) else ""
    found = [(state[f"{prefix}{n}.weight"].float(), state[f"{prefix}{n}.bias"].float()) for n in names]
    widths = [width for block in BLOCKS for width in block]
    if [w.shape[0] for w, _ in found] != widths or any(w.shape[2:] != (3, 3) for w, _ in found):
        sys.exit(f"not VGG-16: {len(found)} convolutions of {[w.shape[0] for w, _ in found]} channels, expected {widths}")
    return found


def layer_weights(data):
    """Five tensors of 64, 128, 256, 512, 512 numbers: piq's list, or LPIPS's own lin0 .. lin4."""
    tensors = [data[f"lin{i}.model.1.weight"] for i in range(5)] if isinstance(data, dict) else list(data)
    if [t.numel() for t in tensors] != [block[-1] for block in BLOCKS]:
        sys.exit(f"not LPIPS's weights: {[t.numel() for t in tensors]} numbers, expected {[block[-1] for block in BLOCKS]}")
    return [t.float() for t in tensors]


def random_network(side, original, seed=1):
    """Of VGG-16's shape, each layer of unit gain."""
    generator, inputs, layers = torch.Generator().manual_seed(seed), 3, []
    for width in (w for block in BLOCKS for w in block):
        layers.append((torch.randn(width, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5, 0.1 * torch.randn(width, generator=generator)))
        inputs = width
    return PerceptualDistance(layers, [torch.rand(block[-1], generator=generator) for block in BLOCKS], side, original).eval()


def check():
    for original in (False, True):
        network = random_network(32, original).double()
        x, y = (torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(s), dtype=torch.float64) / 2 for s in (2, 3))
        x.requires_grad_(True)
        loss, gradient = network(x, y)
        expected, = torch.autograd.grad(loss.sum(), x)
        error = ((gradient - expected).abs().max() / expected.abs().max()).item()
        print(f"{'maxima' if original else 'means'}: loss {loss.detach().tolist()}, gradient off by {error:.1e} of its largest")
        if not error < 1e-9 or not (loss > 0).all():
            sys.exit("the gradient is not that of the loss")


def export(network, side, target):
    example = (torch.zeros(2, 3, side, side), torch.ones(2, 3, side, side))
    with torch.no_grad():
        torch.onnx.export(network, example, target, input_names=["student", "teacher"], output_names=["loss", "gradient"],
                          dynamic_axes={name: {0: "n"} for name in ("student", "teacher", "loss", "gradient")}, opset_version=17, dynamo=False)
    print(f"{target}: images of 3 x {side} x {side}")


def main(arguments):
    original = "--original" in arguments
    arguments = [a for a in arguments if a != "--original"]
    if arguments == ["--check"]:
        return check()
    if len(arguments) != 4 or not arguments[2].isdigit():
        sys.exit(__doc__)
    vgg, weights, side, target = arguments
    vgg, weights = (torch.load(path, map_location="cpu", weights_only=True) for path in (vgg, weights))
    export(PerceptualDistance(convolutions(vgg), layer_weights(weights), int(side), original).eval(), int(side), target)


if __name__ == "__main__":
    main(sys.argv[1:])
