/** `init`: a commented spec to start from. It is parsed by a test, so it cannot go stale. */
export const SPEC_TEMPLATE = `# vastsit-tui experiment. Check it with: vastsit-tui offers experiment.yaml
name: my-finetune                # a-z, 0-9 and dashes; the run's id and part of the instance's label
image: vastai/pytorch            # any image that Vast can start with SSH

hardware:                        # hard fit: an offer that misses one of these is out
  gpu: [RTX 4090, RTX 3090]      # Vast's names, with spaces; leave out for any
  num_gpus: 1
  gpu_ram_gb: 20
  cpu_ram_gb: 16
  disk_gb: 40                    # cannot grow later
  reliability: 0.97
  cuda: 12.1
  max_usd_per_hour: 0.60         # all-in: GPU + disk + the traffic below
  traffic_gb: {down: 10, up: 2}

market: on-demand                # or {bid: 0.25}: cheaper, can be interrupted, wants checkpoints

upload: [train.py, requirements.txt]        # files and folders beside this spec
setup: pip install -r requirements.txt      # once an instance
run: python train.py --batch-size {batch_size} --grad-accum {grad_accum} --workers {workers} --out ckpt

env:
  WANDB_MODE: offline
  # HF_TOKEN: {secret: HF_TOKEN} # taken from your environment, sent over stdin, shown nowhere

progress: {format: auto}         # or a regex with named groups: step, total, loss, lr, epoch
rate: learn                      # or {min: 1.5} in steps per second
objective: {metric: loss, direction: min}
early_stop: {min_steps: 500, patience: 5, min_delta: 0.001}   # no judgement on metrics before min_steps

knobs:                           # what a conservative reduction may change, and how far
  batch_size: {value: 32, floor: 4, keeps: grad_accum, answers: [gpu_oom]}
  grad_accum: {value: 1, floor: 1, answers: []}
  workers: {value: 4, floor: 0, answers: [host_oom_killed, shm_dataloader], ceiling: 16, speeds: [data]}   # may also grow, when data holds the GPU back

checkpoints:
  path: ckpt/**                  # below the run's directory on the instance
  resume: python train.py --batch-size {batch_size} --grad-accum {grad_accum} --workers {workers} --out ckpt --resume {checkpoint}
  keep: 2
artifacts: [out/**]              # brought home to results/<run>/ and hashed at both ends

kill: {hours: 12, dollars: 6}    # whichever comes first ends the run; results come home first
teardown: {idle_grace: 2m, on_done: destroy, stopped_grace: 1d}   # on_done: destroy | stop | keep
complexity: simple               # simple | moderate | complex: how bold an optimisation may be
`;
