#!/usr/bin/env python3
"""PyTorch's side of the comparison: times the rows of DIR/rows.json, which `gpu` wrote, and leaves DIR/torch.json for `join`.

The same values (a hash of index and seed), the same weights, the same shapes; channels_last; cudnn.benchmark on; TF32 or bf16 as the
row says. Every row runs eagerly and once more as a CUDA graph, so that PyTorch's launch overhead is not taken for the other side's
speed; compositions also under torch.compile, each compiled for its one shape. Times are CUDA events around samples of one or more
runs, inputs in turn; after them each variant runs once more from the starting values, and its results are kept for comparison.

usage: torch_peer.py DIR [--device cuda|cpu] [--filter TEXT] [--weights DIR] [--no-compile] [--budget SECONDS]
"""

import argparse
import ctypes
import datetime
import json
import math
import os
import struct
import sys
import threading
import time

import torch
import torch.nn.functional as F

SEED = 0  # of this run, from rows.json

if not hasattr(F, "scaled_dot_product_attention"):  # before PyTorch 2: good for a rehearsal, not for a comparison
    F.scaled_dot_product_attention = lambda q, k, v: (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v


# --- values -----------------------------------------------------------------------------------------------------------------------

def draw(shape, seed, scale=1.0, offset=0.0, device="cpu"):
    """scale * u + offset with u in [-1, 1), a hash of (index, this run's seed, seed): HashedValues.cs has the same function."""
    n, mask = math.prod(shape), 0xFFFFFFFF
    h = torch.arange(n, dtype=torch.int64, device=device)
    h = (h * 0x9E3779B9 + ((7919 * SEED + seed) * 0x85EBCA6B & mask)) & mask
    h = h ^ (h >> 16)
    h = (h * 0x7FEB352D) & mask
    h = h ^ (h >> 15)
    h = (h * 0x846CA68B) & mask
    h = h ^ (h >> 16)
    u = (h >> 8).to(torch.float32) / 8388608 - 1
    return (u * scale + offset).reshape(shape)


def sample(t):
    """Up to 1,024 elements, evenly spread."""
    flat = t.detach().reshape(-1)
    count = min(1024, flat.numel())
    at = torch.div(torch.arange(count, dtype=torch.int64, device=flat.device) * flat.numel(), count, rounding_mode="floor")
    return [float(v) for v in flat[at].float().cpu()]


def bytes_of(t):
    return t.numel() * t.element_size()


def nchw(t):
    """[N,H,W,C] as PyTorch sees it: [N,C,H,W] in channels_last memory."""
    return t.permute(0, 3, 1, 2)


def nhwc(t):
    return t.permute(0, 2, 3, 1).contiguous()


# --- kernels ----------------------------------------------------------------------------------------------------------------------
# Each maker takes (dims, seed, device, dtype) and gives (run, outputs, bytes of this set); run() queues the work once, and run.restore(),
# where there is one, puts back what runs change in place. Where torch.compile has something to gain, run.forward is the function to be
# compiled, once for all sets, and run.bind(f) does what run does with f in its place.

def convolution(kind):
    def make(d, seed, device, dtype):
        n, size, c, k, r = d["n"], d["size"], d["c"], d["k"], d["r"]
        pad = r // 2
        w = nchw(draw((k, r, r, c), 2, math.sqrt(3 / (c * r * r)), device=device)).to(dtype)
        x = nchw(draw((n, size, size, c), seed + 1, device=device)).to(dtype)
        bias = draw((k,), 3, device=device).to(dtype)
        if kind == "conv-forward":
            return (lambda: {"y": F.conv2d(x, w, bias, padding=pad)}), lambda o: {"y": nhwc(o["y"])}, bytes_of(x) + n * size * size * k * x.element_size()
        dy = nchw(draw((n, size, size, k), seed + 4, device=device)).to(dtype)
        mask = [kind == "conv-dgrad", kind == "conv-wgrad", kind == "conv-wgrad"]

        def run():
            dx, dw, db = torch.ops.aten.convolution_backward(dy, x, w, [k], [1, 1], [pad, pad], [1, 1], False, [0, 0], 1, mask)
            return {"dx": dx} if kind == "conv-dgrad" else {"dw": dw, "dbias": db}

        return run, lambda o: {name: nhwc(t) if t.dim() == 4 else t for name, t in o.items()}, bytes_of(x) + bytes_of(dy)
    return make


def gemm(d, seed, device, dtype):
    m, n, k = d["m"], d["n"], d["k"]
    a = draw((m, k), seed + 1, device=device).to(dtype)
    b = draw((k, n), seed + 2, math.sqrt(3 / k), device=device).to(dtype)
    return (lambda: {"c": a @ b}), lambda o: o, bytes_of(a) + bytes_of(b) + m * n * a.element_size()


def attention(backward):
    def make(d, seed, device, dtype):
        n, t, heads, size = d["n"], d["tokens"], d["heads"], d["headSize"]
        packed = draw((n, t, 3, heads, size), seed + 1, 2.0, device=device).to(dtype)
        q, k, v = (x.contiguous() for x in packed.permute(2, 0, 3, 1, 4).unbind(0))
        back = lambda x: x.permute(0, 2, 1, 3).reshape(n, t, heads * size)
        if not backward:
            return (lambda: {"y": F.scaled_dot_product_attention(q, k, v)}), lambda o: {"y": back(o["y"])}, 4 * bytes_of(q)
        dy = draw((n, t, heads, size), seed + 2, device=device).to(dtype).permute(0, 2, 1, 3)
        leaves = [x.requires_grad_() for x in (q, k, v)]

        def run():
            y = F.scaled_dot_product_attention(*leaves)
            return {"y": y, "d": torch.autograd.grad(y, leaves, dy)}

        return run, lambda o: {"y": back(o["y"]), "dqkv": torch.cat([back(g) for g in o["d"]], -1)}, 8 * bytes_of(q)
    return make


def copy(d, seed, device, dtype):
    x = draw((d["length"],), seed + 1, device=device)
    y = torch.empty_like(x)

    def run():
        return {"y": y.copy_(x)}

    run.restore = lambda: y.fill_(math.nan)
    return run, lambda o: o, 2 * bytes_of(x)


def bound(forward, bind):
    run = bind(forward)
    run.forward, run.bind = forward, bind
    return run


def groupnorm(backward):
    def make(d, seed, device, dtype):
        n, size, c = d["n"], d["size"], d["c"]
        x = nchw(draw((n, size, size, c), seed + 1, device=device))
        gamma, beta = draw((c,), 2, 0.5, 1.0, device=device), draw((c,), 3, device=device)
        forward = lambda x, gamma, beta: F.silu(F.group_norm(x, d["groups"], gamma, beta, 1e-5))
        if not backward:
            return bound(forward, lambda f: lambda: {"y": f(x, gamma, beta)}), lambda o: {"y": nhwc(o["y"])}, 2 * bytes_of(x)
        dy = nchw(draw((n, size, size, c), seed + 4, device=device))
        leaves = [t.requires_grad_() for t in (x, gamma, beta)]

        def bind(f):
            def run():
                y = f(*leaves)
                dx, dgamma, dbeta = torch.autograd.grad(y, leaves, dy)
                return {"y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta}
            return run

        return bound(forward, bind), lambda o: {k: nhwc(v) if v.dim() == 4 else v for k, v in o.items()}, 4 * bytes_of(x)
    return make


def trajectory_loss(d, seed, device, dtype):
    n, e, c, k = d["n"], d["size"] ** 2 * d["c"], d["c"], d["k"]
    pixels = d["size"] ** 2
    weight = 1 / (n * e)
    x0 = draw((n, pixels, c), seed + 1, device=device).permute(0, 2, 1).reshape(n, 1, e)
    heads = draw((n, pixels, k, c), seed + 2, device=device).permute(0, 2, 3, 1).reshape(n, k, e).contiguous().requires_grad_()
    targets = draw((k, n, pixels, c), seed + 3, device=device).permute(1, 0, 3, 2).reshape(n, k, e).contiguous()
    skip, weights = draw((n, k, 1), 4, device=device), draw((n, k, 1), 5, weight, 1.5 * weight, device=device)
    chained = torch.tril(draw((n, k, k), 6, device=device))

    def forward(chained, heads, skip, x0, targets, weights):
        states = torch.addcmul(torch.bmm(chained, heads), skip, x0)
        sums = (states - targets).square().sum(-1, keepdim=True)
        return (weights * sums).sum(), sums

    def bind(f):
        def run():
            loss, sums = f(chained, heads, skip, x0, targets, weights)
            return {"losses": torch.cat([loss.reshape(1), sums.sum(0).reshape(-1)]), "dheads": torch.autograd.grad(loss, heads)[0]}
        return run

    return bound(forward, bind), lambda o: {"losses": o["losses"], "dheads": o["dheads"].view(n, k, c, pixels).permute(0, 3, 1, 2).contiguous()}, (1 + 3 * k) * 4 * n * e


def solver_step(d, seed, device, dtype):
    terms = [draw((d["length"],), seed + j, device=device) for j in range(d["terms"])]
    factors = [float(f) for f in draw((d["terms"],), 7)]

    def forward(*terms):
        y = factors[0] * terms[0]
        for f, x in zip(factors[1:], terms[1:]):
            y = y.add(x, alpha=f)
        return y

    return bound(forward, lambda f: lambda: {"y": f(*terms)}), lambda o: o, (d["terms"] + 1) * bytes_of(terms[0])


def forget(optimizer):
    """The optimizer as before its first step, in the same memory."""
    for state in optimizer.state.values():
        for t in state.values():
            if torch.is_tensor(t):
                t.zero_()


def adam(d, seed, device, dtype):
    shape = (d["length"],)
    p = torch.nn.Parameter(draw(shape, seed + 1, device=device))
    ema, g = p.detach().clone(), draw(shape, seed + 2, device=device)
    fused = device != "cpu"
    optimizer = torch.optim.Adam([p], lr=1e-3, fused=fused, foreach=None if fused else True, capturable=fused)

    def run():
        p.grad = g
        clip_grad_norm([p])
        optimizer.step()
        ema.lerp_(p.detach(), 1 - 0.999)
        state = optimizer.state[p]
        return {"p": p, "ema": ema, "m": state["exp_avg"], "v": state["exp_avg_sq"]}

    def restore():
        with torch.no_grad():
            for t in (p, ema):
                t.copy_(draw(shape, seed + 1, device=device))
            g.copy_(draw(shape, seed + 2, device=device))
            forget(optimizer)

    run.restore = restore
    return run, lambda o: o, 9 * 4 * d["length"]


KINDS = {
    "conv-forward": convolution("conv-forward"), "conv-dgrad": convolution("conv-dgrad"), "conv-wgrad": convolution("conv-wgrad"),
    "gemm": gemm, "attention": attention(False), "attention-backward": attention(True), "copy": copy,
    "groupnorm-silu": groupnorm(False), "groupnorm-silu-backward": groupnorm(True), "trajectory-loss": trajectory_loss,
    "solver-step": solver_step, "adam-ema": adam,
}


# --- networks ---------------------------------------------------------------------------------------------------------------------

def load_safetensors(path):
    with open(path, "rb") as f:
        length = struct.unpack("<Q", f.read(8))[0]
        header, data = json.loads(f.read(length)), bytearray(f.read())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin).reshape(entry["shape"]).clone()
    return tensors


class UNet(torch.nn.Module):
    """EDM's DDPM++ (SongUNet) and ADM (DhariwalUNet) and guided-diffusion's UNetModel for a configuration, parameters by the originals' names."""

    def __init__(self, config, tensors):
        super().__init__()
        self.c, self.adm = config, config["family"] == "adm"
        self.names = {}
        for name, value in tensors.items():
            if not name.endswith("resample_filter"):
                self.names[name] = name.replace(".", "__")
                value = value[..., None] if value.dim() == 3 else value  # guided-diffusion's 1x1 convolutions over a sequence of pixels
                value = value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
                self.register_parameter(self.names[name], torch.nn.Parameter(value))

    def value(self, name):
        return getattr(self, self.names[name])

    def conv(self, name, x):
        w = self.value(name + ".weight")
        return F.conv2d(x, w, self.value(name + ".bias"), padding=w.shape[-1] // 2)

    def linear(self, name, x):
        return F.linear(x, self.value(name + ".weight"), self.value(name + ".bias"))

    def features(self, noise, period, exponents):
        angles = noise[:, None] * torch.pow(float(period), -exponents)
        return angles.cos(), angles.sin()

    def norm(self, name, x):
        groups = self.c["groups"] or min(32, x.shape[1] // 4)
        return F.group_norm(x, groups, self.value(name + ".weight"), self.value(name + ".bias"), self.c["epsilon"])

    def block(self, name, x, emb, down=False, up=False):
        def resample(t):
            return F.avg_pool2d(t, 2) if down else F.interpolate(t, scale_factor=2, mode="nearest") if up else t

        h = self.conv(name + ".conv0", resample(F.silu(self.norm(name + ".norm0", x))))
        affine = self.linear(name + ".affine", emb)[:, :, None, None]
        if self.adm:
            scale, shift = affine.chunk(2, 1)
            h = F.silu(torch.addcmul(shift, self.norm(name + ".norm1", h), scale + 1))
        else:
            h = F.silu(self.norm(name + ".norm1", h + affine))
        h = self.conv(name + ".conv1", F.dropout(h, self.c["dropout"], self.training))
        skip = resample(x)
        if name + ".skip.weight" in self.names:
            skip = self.conv(name + ".skip", skip)
        x = (h + skip) * self.c["skipScale"]
        if name + ".qkv.weight" in self.names:
            n, c, height, width = x.shape
            heads = c // self.c["channelsPerHead"] if self.c["channelsPerHead"] else 1
            # The rows of EDM's projection are head, then channel, then q, k or v.
            q, k, v = self.conv(name + ".qkv", self.norm(name + ".norm2", x)).reshape(n, heads, c // heads, 3, height * width).permute(3, 0, 1, 4, 2).unbind(0)
            a = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(n, c, height, width).contiguous(memory_format=torch.channels_last)
            x = (self.conv(name + ".proj", a) + x) * self.c["skipScale"]
        return x

    def forward(self, x, noise):
        return self.guided(x, noise) if self.c["family"] == "guided" else self.edm(x, noise)

    def guided_block(self, name, x, emb, resample=lambda t: t):
        h = self.conv(name + ".in_layers.2", resample(F.silu(self.norm(name + ".in_layers.0", x))))
        p = self.linear(name + ".emb_layers.1", emb)[:, :, None, None]
        if self.c.get("adaptiveScale"):
            scale, shift = p.chunk(2, 1)
            h = torch.addcmul(shift, self.norm(name + ".out_layers.0", h), scale + 1)
        else:
            h = self.norm(name + ".out_layers.0", h + p)
        h = self.conv(name + ".out_layers.3", F.dropout(F.silu(h), self.c["dropout"], self.training))
        skip = resample(x)
        return h + (self.conv(name + ".skip_connection", skip) if name + ".skip_connection.weight" in self.names else skip)

    def guided_attention(self, name, x):
        n, c, height, width = x.shape
        size = self.c["channelsPerHead"] or c
        qkv = self.conv(name + ".qkv", self.norm(name + ".norm", x)).permute(0, 2, 3, 1)
        if self.c.get("qkvByHead"):
            q, k, v = qkv.reshape(n, height * width, c // size, 3, size).permute(3, 0, 2, 1, 4).unbind(0)
        else:
            q, k, v = qkv.reshape(n, height * width, 3, c // size, size).permute(2, 0, 3, 1, 4).unbind(0)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, height, width, c).permute(0, 3, 1, 2)
        return x + self.conv(name + ".proj_out", a)

    def guided(self, x, noise):
        c, half = self.c, self.c["modelChannels"] // 2
        exponents = torch.arange(half, dtype=torch.float32, device=x.device) / half
        emb = torch.cat(self.features(noise, c.get("embeddingPeriod") or 10000, exponents), 1)
        emb = F.silu(self.linear("time_embed.2", F.silu(self.linear("time_embed.0", emb))))
        levels, blocks, kind = len(c["channelMultipliers"]), c["blocksPerLevel"], c.get("resampler", "plain")

        def down(t):
            return F.avg_pool2d(t, 2)

        def up(t):
            return F.interpolate(t, scale_factor=2, mode="nearest")

        def stage(at, t):
            t = self.guided_block(at + ".0", t, emb)
            return self.guided_attention(at + ".1", t) if at + ".1.norm.weight" in self.names else t

        h = self.conv("input_blocks.0.0", x)
        skips = [h]
        for level in range(levels):
            for _ in range(blocks):
                h = stage(f"input_blocks.{len(skips)}", h)
                skips.append(h)
            if level < levels - 1:
                at = f"input_blocks.{len(skips)}.0"
                if kind == "block":
                    h = self.guided_block(at, h, emb, down)
                elif kind == "convolution":
                    h = F.conv2d(h, self.value(at + ".op.weight"), self.value(at + ".op.bias"), stride=2, padding=1)
                else:
                    h = down(h)
                skips.append(h)
        h = self.guided_block("middle_block.2", stage("middle_block", h), emb)
        entries = len(skips)
        for level in reversed(range(levels)):
            for i in range(blocks + 1):
                at = f"output_blocks.{entries - len(skips)}"
                h = stage(at, torch.cat([h, skips.pop()], 1))
                if level and i == blocks:
                    last = at + (".2" if at + ".1.norm.weight" in self.names else ".1")
                    h = self.guided_block(last, h, emb, up) if kind == "block" else self.conv(last + ".conv", up(h)) if kind == "convolution" else up(h)
        return self.conv("out.2", F.silu(self.norm("out.0", h)))

    def edm(self, x, noise):
        c, half = self.c, self.c["modelChannels"] // 2
        exponents = torch.arange(half, dtype=torch.float32, device=x.device) / (half if self.adm else max(1, half - 1))
        cos, sin = self.features(noise, 10000, exponents)
        emb = torch.cat([cos, sin] if self.adm else [sin, cos], 1)
        emb = F.silu(self.linear("model.map_layer1", F.silu(self.linear("model.map_layer0", emb))))
        top, levels = c["resolution"], len(c["channelMultipliers"])
        h = self.conv(f"model.enc.{top}x{top}_conv", x)
        skips = [h]
        for level in range(levels):
            size = top >> level
            if level:
                h = self.block(f"model.enc.{size}x{size}_down", h, emb, down=True)
                skips.append(h)
            for i in range(c["blocksPerLevel"]):
                h = self.block(f"model.enc.{size}x{size}_block{i}", h, emb)
                skips.append(h)
        for level in reversed(range(levels)):
            at = f"model.dec.{top >> level}x{top >> level}"
            if level == levels - 1:
                h = self.block(at + "_in1", self.block(at + "_in0", h, emb), emb)
            else:
                h = self.block(at + "_up", h, emb, up=True)
            for i in range(c["blocksPerLevel"] + 1):
                h = self.block(f"{at}_block{i}", torch.cat([h, skips.pop()], 1), emb)
        norm, head = ("model.out_norm", "model.out_conv") if self.adm else (f"model.dec.{top}x{top}_aux_norm", f"model.dec.{top}x{top}_aux_conv")
        return self.conv(head, F.silu(self.norm(norm, h)))


def clip_grad_norm(params):
    try:
        return torch.nn.utils.clip_grad_norm_(params, 1.0, foreach=True)
    except TypeError:  # before PyTorch 2
        return torch.nn.utils.clip_grad_norm_(params, 1.0)


def lerp(averages, values):
    try:
        torch._foreach_lerp_(averages, values, 1 - 0.999)
    except AttributeError:  # before PyTorch 2
        for a, v in zip(averages, values):
            a.lerp_(v, 1 - 0.999)


class NetworkRow:
    """A network with its inputs: `step()` is one training step or one evaluation."""

    def __init__(self, row, folder, device):
        config, batch = row["network"], row["dims"]["batch"]
        size, channels = config["resolution"], config["imageChannels"]
        self.device, self.training = device, row["kind"] == "training-step"
        self.net = UNet(config, load_safetensors(os.path.join(folder, row["weights"]))).to(device)
        self.forward = self.net
        self.x = nchw(draw((batch, size, size, channels), 1, device=device))
        self.noise = draw((batch,), 2, device=device)
        self.dropout = config["dropout"]
        heads = (batch, size, size, channels * config["branches"])
        self.target, self.scale = nchw(draw(heads, 3, device=device)), 1 / math.prod(heads)
        self.autocast = row["precision"] == "bf16"
        self.params = list(self.net.parameters())
        if self.training:
            on_gpu = device != "cpu"
            self.optimizer = torch.optim.Adam(self.params, lr=1e-4, fused=on_gpu, foreach=None if on_gpu else True, capturable=on_gpu)
            self.ema = [p.detach().clone() for p in self.params]
            self.start = [p.detach().cpu().clone() for p in self.params]

    def evaluate(self, forward=None):
        self.net.eval()
        with torch.no_grad(), torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
            return (forward or self.net)(self.x, self.noise).float()

    def step(self):
        if not self.training:
            return self.evaluate(self.forward)
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
            y = self.forward(self.x, self.noise)
        y.backward(((y.detach().float() - self.target) * self.scale).to(y.dtype))
        self.norm = clip_grad_norm(self.params)
        self.optimizer.step()
        lerp(self.ema, [p.detach() for p in self.params])
        return self.norm

    def restore(self):
        """Parameters, averages and the optimizer as at the start."""
        with torch.no_grad():
            for p, e, s in zip(self.params, self.ema, self.start):
                p.copy_(s)
                e.copy_(s)
            forget(self.optimizer)

    def outputs(self, run):
        """Of a run that follows the timed ones: F, of training from an evaluation before the update; and where no dropout makes it another
        one, the squared norm of the first gradient."""
        if not self.training:
            return {"F": sample(nhwc(run()))}
        self.restore()
        results = {"F": sample(nhwc(self.evaluate()))}
        norm = run()
        if self.dropout == 0:
            results["|g|^2"] = [float(norm) ** 2]
        return results


# --- timing -----------------------------------------------------------------------------------------------------------------------

class Nvml:
    """The driver's own library; clocks are unknown where it is missing. CUDA's first device is found by its bus address: the two count devices
    differently, and CUDA_VISIBLE_DEVICES is CUDA's alone."""

    def __init__(self):
        self.device, self.seen, self.thread = None, [], None
        try:
            cuda, self.lib = ctypes.CDLL("libcuda.so.1"), ctypes.CDLL("libnvidia-ml.so.1")
            handle, bus = ctypes.c_void_p(), ctypes.create_string_buffer(64)
            if (cuda.cuInit(0) == 0 and cuda.cuDeviceGetPCIBusId(bus, 64, 0) == 0 and self.lib.nvmlInit_v2() == 0
                    and self.lib.nvmlDeviceGetHandleByPciBusId_v2(bus, ctypes.byref(handle)) == 0):
                self.device = handle
        except OSError:
            pass

    def start(self):
        """Reads the clock a hundred times a second until stop()."""
        self.seen = []
        if self.device:
            self.done = threading.Event()
            self.thread = threading.Thread(target=self.watch, daemon=True)
            self.thread.start()

    def watch(self):
        clock = ctypes.c_uint()
        while True:
            if self.lib.nvmlDeviceGetClockInfo(self.device, 1, ctypes.byref(clock)) == 0:
                self.seen.append(clock.value)
            if self.done.wait(0.01):
                return

    def stop(self):
        """Least, median and most, in MHz; empty if unknown."""
        if self.thread:
            self.done.set()
            self.thread.join()
            self.thread = None
        seen = sorted(self.seen)
        return [seen[0], seen[len(seen) // 2], seen[-1]] if seen else []

    def driver(self):
        text = ctypes.create_string_buffer(80)
        return text.value.decode() if self.device and self.lib.nvmlSystemGetDriverVersion(text, 80) == 0 else "unknown"


def mark(device):
    if device == "cpu":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def between(a, b):
    if isinstance(a, float):
        return 1000 * (b - a)
    b.synchronize()
    return a.elapsed_time(b)


def measure(run, device, timer):
    """Milliseconds a run, one figure a sample; run(i) queues run number i. As GpuTimer.cs, whose numbers stand in rows.json."""
    samples, shortest, warm_up = timer["samples"], timer["sampleMilliseconds"], timer["warmUpMilliseconds"]
    i, spent, once = 0, 0.0, math.inf
    while i < 3 or spent < warm_up:
        a = mark(device)
        run(i)
        ms = between(a, mark(device))
        spent += ms
        if i >= 2:
            once = min(once, ms)
        i += 1
    runs = min(200, max(1, math.ceil(shortest / max(once, 1e-4))))
    if samples * once * runs > 1000 * timer["seconds"]:
        samples = min(samples, timer["enough"])
    marks = [mark(device)]
    for _ in range(samples):
        for _ in range(runs):
            run(i)
            i += 1
        marks.append(mark(device))
    return [between(a, b) / runs for a, b in zip(marks, marks[1:])]


def host(run, device):
    """Milliseconds of the host for a run, the device idle before: median of seven."""
    samples = []
    for i in range(7):
        if device != "cpu":
            torch.cuda.synchronize()
        start = time.perf_counter()
        run(i)
        samples.append(1000 * (time.perf_counter() - start))
    return quantile(samples, 0.5)


def quantile(values, q):
    values = sorted(values)
    at = q * (len(values) - 1)
    low = int(at)
    return values[low] + (at - low) * (values[low + 1] - values[low]) if low + 1 < len(values) else values[low]


def captured(run):
    """run as a CUDA graph, after three runs on a side stream as PyTorch asks for."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = run()
    return graph, kept


def compiled(f):
    """f under torch.compile, for the one shape that it has."""
    return torch.compile(f, dynamic=False)


class Session:
    def __init__(self, weights, device, timer, compile_, budget):
        self.weights, self.device, self.timer, self.compile = weights, device, timer, compile_ and hasattr(torch, "compile")
        self.nvml, self.results, self.end = Nvml(), [], time.monotonic() + budget

    def time(self, row, variant, run, outputs, network=False):
        """outputs() gives the results of one run more, from the starting values."""
        self.nvml.start()
        samples = measure(run, self.device, self.timer)
        clock = self.nvml.stop()
        host_ms = host(run, self.device) if network else None
        peak = torch.cuda.max_memory_allocated() if network and self.device != "cpu" else None
        self.results.append({
            "name": row["name"], "variant": variant, "milliseconds": quantile(samples, 0.5), "p10": quantile(samples, 0.1), "p90": quantile(samples, 0.9),
            "samples": len(samples), "peakBytes": peak, "clock": clock, "hostMilliseconds": host_ms, "outputs": outputs(), "note": None})
        print(f"{row['name']:<58} {variant:<8} {self.results[-1]['milliseconds']:10.4f} ms", flush=True)

    def failed(self, row, variant, error):
        note = str(error).strip().split("\n")[0] or type(error).__name__
        self.results.append({"name": row["name"], "variant": variant, "milliseconds": None, "p10": None, "p90": None, "samples": 0, "peakBytes": None,
                             "clock": [], "hostMilliseconds": None, "outputs": None, "note": note})
        print(f"{row['name']:<58} {variant:<8} {note}", flush=True)

    def fresh(self):
        """Nothing compiled for another row (torch.compile gives up after some shapes), nothing cached, the peak at zero."""
        if hasattr(torch, "_dynamo"):
            torch._dynamo.reset()
        if self.device != "cpu":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def row(self, row, inputs):
        tf32 = row["precision"] == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        self.fresh()
        if row.get("network"):
            self.network(row)
        else:
            self.kernel(row, inputs)

    def kernel(self, row, inputs):
        sets, total = [], 0
        while len(sets) < inputs["mostSets"] and total < inputs["setsBytes"]:
            run, outputs, size = KINDS[row["kind"]](row["dims"], 16 * len(sets), self.device, torch.bfloat16 if row["precision"] == "bf16" else torch.float32)
            sets.append(run)
            if len(sets) == 1:
                shape = outputs
            total += size

        def results(run, kept=None):
            if hasattr(sets[0], "restore"):
                sets[0].restore()
            for t in (kept or {}).values():
                for each in t if isinstance(t, tuple) else (t,):
                    if not hasattr(sets[0], "restore"):
                        each.detach().fill_(math.nan)  # a graph writes where it wrote before: what it leaves out shows
            made = run()
            return {name: sample(t) for name, t in shape(kept or made).items()}

        self.time(row, "eager", lambda i: sets[i % len(sets)](), lambda: results(sets[0]))
        if self.device != "cpu":
            try:
                graphs = [captured(run) for run in sets]
                self.time(row, "graph", lambda i: graphs[i % len(graphs)][0].replay(), lambda: results(graphs[0][0].replay, graphs[0][1]))
            except Exception as error:
                self.failed(row, "graph", error)
        if self.compile and hasattr(sets[0], "bind"):
            try:
                forward = compiled(sets[0].forward)
                fast = [run.bind(forward) for run in sets]
                self.time(row, "compile", lambda i: fast[i % len(fast)](), lambda: results(fast[0]))
            except Exception as error:
                self.failed(row, "compile", error)

    def network(self, row):
        variants = ["eager"] + ([] if self.device == "cpu" else ["graph"]) + (["compile"] if self.compile else [])
        for variant in variants:
            if time.monotonic() > self.end:
                self.failed(row, variant, "the time given was spent")
                continue
            try:
                self.fresh()
                work = NetworkRow(row, self.weights, self.device)
                if variant == "graph":
                    graph, kept = captured(work.step)

                    def replay():
                        graph.replay()
                        return kept

                    run = replay
                else:
                    if variant == "compile":
                        work.forward = compiled(work.net)
                    run = work.step
                self.time(row, variant, lambda i: run(), lambda: work.outputs(run), network=True)
            except Exception as error:
                self.failed(row, variant, error)
            work = run = graph = kept = None


def main():
    global SEED
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--filter", default="")
    parser.add_argument("--weights", metavar="DIR", help="folder of the networks' values; by default DIR itself")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--budget", type=float, default=math.inf, metavar="SECONDS", help="after which no further row or variant is begun")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch_peer.py: PyTorch finds no CUDA device; --device cpu runs the rows on the CPU")
    try:
        with open(os.path.join(args.folder, "rows.json"), encoding="utf-8") as f:
            run = json.load(f)
        rows = [r for r in run["rows"] if r["peer"] and args.filter.lower() in r["name"].lower()]
        SEED = run["inputs"]["seed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"torch_peer.py: {os.path.join(args.folder, 'rows.json')}: {error}; the benchmark verb gpu writes it")
    torch.backends.cudnn.benchmark = True
    session = Session(args.weights or args.folder, args.device, run["timer"], args.compile, args.budget)
    machine = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%MZ"),
        "device": torch.cuda.get_device_name() if args.device == "cuda" else f"cpu, {torch.get_num_threads()} threads", "driver": session.nvml.driver(),
        "pytorch": torch.__version__, "cuda": torch.version.cuda or "none", "cudnn": str(torch.backends.cudnn.version()),
        "command": " ".join(["torch_peer.py"] + sys.argv[1:])}
    for row in rows:
        if time.monotonic() > session.end:
            session.failed(row, "eager", "the time given was spent")
            continue
        try:
            session.row(row, run["inputs"])
        except Exception as error:
            session.failed(row, "eager", error)
        write(args.folder, machine, session.results)
    write(args.folder, machine, session.results)


def write(folder, machine, results):
    path = os.path.join(folder, "torch.json")
    with open(path + ".part", "w", encoding="utf-8") as f:
        json.dump({"machine": machine, "rows": results}, f)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
