"""A real training on CPU: two moons, a small network, exact resume. Crashes once, for real, where a marker file says so."""

import argparse
import ctypes
import glob
import json
import math
import os

import torch

args = argparse.ArgumentParser()
args.add_argument("--steps", type=int, default=60)
args.add_argument("--batch-size", type=int, default=64)
args.add_argument("--resume")
args = args.parse_args()

torch.manual_seed(7)
torch.set_num_threads(1)
count = 1024
angle = torch.rand(count) * math.pi
side = torch.randint(0, 2, (count,)).float()
points = torch.stack([torch.cos(angle) * (1 - 2 * side) + side, torch.sin(angle) * (1 - 2 * side) + side / 2], 1)
points = points + 0.1 * torch.randn_like(points)

model = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_of = torch.nn.BCEWithLogitsLoss()
step = 0
if args.resume:
    state = torch.load(args.resume)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    step = state["step"]
    print(f"resumed from {args.resume} at step {step}", flush=True)

os.makedirs("ckpt", exist_ok=True)
os.makedirs("out", exist_ok=True)
while step < args.steps:
    pick = torch.randint(0, count, (args.batch_size,))
    optimizer.zero_grad()
    loss = loss_of(model(points[pick]).squeeze(1), side[pick])
    loss.backward()
    optimizer.step()
    step += 1
    print(f"step {step}/{args.steps} loss {loss.item():.6f}", flush=True)
    if step % 10 == 0:
        path = f"ckpt/step-{step:06d}.pt"
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), "step": step}
        torch.save(state, path + ".tmp")
        os.replace(path + ".tmp", path)
        for old in sorted(glob.glob("ckpt/step-*.pt"))[:-3]:
            os.remove(old)
    if step == 33 and os.path.exists("crash-once"):
        os.remove("crash-once")
        ctypes.string_at(0)

with torch.no_grad():
    final = loss_of(model(points).squeeze(1), side).item()
torch.save(model.state_dict(), "out/model.pt")
with open("out/metrics.json", "w") as file:
    json.dump({"steps": step, "loss": final}, file)
print(f"done: loss {final:.6f}", flush=True)
