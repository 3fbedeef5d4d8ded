#!/usr/bin/env python3
"""Turns a pickle of EDM or SFD (key 'ema' or 'model'), or a PyTorch file of tensors by name (.pt: guided-diffusion, unet.cu), into a
safetensors file that `bdense` loads as it is.

    python edm_to_safetensors.py model_100000.pt out.safetensors
    git clone https://github.com/NVlabs/edm; PYTHONPATH=edm python edm_to_safetensors.py edm-cifar10-32x32-uncond-vp.pkl out.safetensors

The pickle needs the repository that wrote it on PYTHONPATH (torch_utils, dnnlib), and unpickling runs its code: use files that you
trust. Names and layouts stay as they are. Needs torch and safetensors.
"""
import pickle
import sys
import zipfile

import torch
from safetensors.torch import save_file


def main(source, target):
    if zipfile.is_zipfile(source):
        # A file of torch.save; tensors are all that is taken from it.
        state = {name: tensor.to(torch.float32).contiguous() for name, tensor in torch.load(source, map_location="cpu", weights_only=True).items()}
        save_file(state, target)
        print(f"{target}: {len(state)} tensors")
        return
    with open(source, "rb") as f:
        data = pickle.load(f)
    network = data.get("ema", data.get("model")) if isinstance(data, dict) else data
    if network is None:
        sys.exit(f"{source}: neither 'ema' nor 'model' in it, only {', '.join(data)}")
    state = {name: tensor.detach().to("cpu", torch.float32).contiguous().clone() for name, tensor in network.state_dict().items()}
    save_file(state, target)
    print(f"{target}: {len(state)} tensors, {sum(t.numel() for t in network.parameters()):,} parameters")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
