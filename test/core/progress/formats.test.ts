import { describe, expect, it } from 'vitest';
import { readLog, type ProgressReading } from '../../../src/core/progress/index.ts';

/** Each in the framework's own format, with numbers of ours. */
const FORMATS: readonly [name: string, log: string, expected: Partial<ProgressReading>][] = [
  [
    'HF Trainer: bars, then a metrics dict, then an evaluation bar',
    "  4%|▍         | 40/1000 [00:20<08:00,  2.00it/s]\n{'loss': 1.25, 'grad_norm': 0.8, 'learning_rate': 4.8e-05, 'epoch': 0.4}\n\r  4%|▍         | 41/1000 [00:21<08:01,  1.99it/s]\r  0%|          | 0/63 [00:00<?, ?it/s]\r 50%|█████     | 32/63 [00:02<00:02, 12.5it/s]",
    { step: 41, total_steps: 1000, epoch: 0.4, loss: 1.25, learning_rate: 4.8e-5, rate: { value: 1.99, unit: 'it/s' }, steps_per_s: 1.99, eta_s: 481, activity: 'evaluating' },
  ],
  [
    'HF Trainer: evaluation results',
    "100%|██████████| 500/500 [10:00<00:00,  1.20s/it]{'eval_loss': 0.75, 'eval_accuracy': 0.81, 'eval_runtime': 12.5, 'eval_samples_per_second': 80.0, 'epoch': 1.0}",
    { step: 500, total_steps: 500, epoch: 1, eval: { eval_loss: 0.75, eval_accuracy: 0.81 }, rate: { value: 1.2, unit: 's/it' } },
  ],
  ['HF Trainer: numbers as strings', "{'loss': '0.9321', 'grad_norm': '1.2', 'learning_rate': '1e-05', 'epoch': '0.12'}", { loss: 0.9321, learning_rate: 1e-5, epoch: 0.12 }],
  ['TRL DPO', "{'loss': 0.69, 'learning_rate': 5e-07, 'rewards/chosen': 0.01, 'rewards/rejected': -0.02, 'rewards/accuracies': 0.55, 'logps/chosen': -120.5, 'epoch': 0.05}", { loss: 0.69, learning_rate: 5e-7, epoch: 0.05, eval: null }],
  ['TRL GRPO: zero loss', "{'loss': 0.0, 'grad_norm': 0.3, 'learning_rate': 1e-06, 'reward': 1.25, 'reward_std': 0.4, 'completion_length': 210.5, 'kl': 0.0, 'epoch': 0.01}", { loss: 0, epoch: 0.01, diverged: false }],
  ['nanoGPT', 'step 2000: train loss 2.1034, val loss 2.2011\niter 2000: loss 2.0899, time 5120.33ms, mfu 31.20%\niter 2010: loss 2.1177, time 131.25ms, mfu 32.01%\n', { step: 2010, loss: 2.1177, rate: { value: 131.25, unit: 'ms/iter' }, eval: { 'val loss': 2.2011 } }],
  ['llm.c', 'step   74/1000 | loss 5.104722 (+1.20z)| norm 1.2345 (-0.3z)| lr 6.00e-05 | 251.30 ms | 48.2% bf16 MFU | 260500 tok/s', { step: 74, total_steps: 1000, loss: 5.104722, learning_rate: 6e-5, rate: { value: 260500, unit: 'tok/s' } }],
  ['Lightning: tqdm', 'Epoch 3:  45%|████▌     | 450/1000 [01:00<01:13,  7.50it/s, v_num=2, train_loss=0.412]\rValidation DataLoader 0:  10%|█         | 5/50 [00:00<00:03, 14.0it/s]', { step: 450, total_steps: 1000, epoch: 3, loss: 0.412, rate: { value: 7.5, unit: 'it/s' }, activity: 'evaluating' }],
  ['Lightning: postfix with validation', 'Epoch 7: 100%|██████████| 88/88 [00:09<00:00,  9.10it/s, loss=0.21, v_num=0, val_loss=0.33, val_acc=0.9]', { step: 88, total_steps: 88, epoch: 7, loss: 0.21, eval: { val_loss: 0.33, val_acc: 0.9 } }],
  ['Lightning: rich', 'Epoch 1/9 ━━━━━━━━━━━━━━━━ 120/400 0:00:10 • 0:00:24 11.9it/s v_num: 1.000 train_loss: 0.77', { step: 120, total_steps: 400, epoch: 1, loss: 0.77, rate: { value: 11.9, unit: 'it/s' } }],
  ['diffusers', 'Steps:  12%|█▏        | 120/1000 [02:00<14:40,  1.00s/it, loss=0.0312, lr=1e-5]', { step: 120, total_steps: 1000, loss: 0.0312, learning_rate: 1e-5, rate: { value: 1, unit: 's/it' } }],
  ['kohya', 'epoch 2/10\nsteps:  25%|██▌       | 400/1600 [08:10<24:30,  1.23s/it, avr_loss=0.0912]', { step: 400, total_steps: 1600, epoch: 2, loss: 0.0912 }],
  ['torchtune', '1|25|Loss: 1.7312:   3%|▎         | 25/808 [00:40<20:50,  1.60s/it]', { step: 25, total_steps: 808, epoch: 1, loss: 1.7312 }],
  ['axolotl / Unsloth: table of a notebook', 'Step\tTraining Loss\tValidation Loss\n10\t1.912300\t1.800100\n20\t1.512000\t1.611200\n', { step: 20, loss: 1.512, eval: { 'Validation Loss': 1.6112 } }],
  ['Megatron-LM', ' iteration      300/  100000 | consumed samples:        76800 | elapsed time per iteration (ms): 1520.5 | throughput per GPU (TFLOP/s/GPU): 310.2 | learning rate: 4.500E-06 | global batch size:   256 | lm loss: 8.120000E+00 | loss scale: 1.0 | grad norm: 2.113 | number of skipped iterations:   0 | number of nan iterations:   0 |', { step: 300, total_steps: 100000, loss: 8.12, learning_rate: 4.5e-6, rate: { value: 1520.5, unit: 'ms/iter' }, diverged: false }],
  ['Megatron-LM: validation', ' iteration      300/  1000 | elapsed time per iteration (ms): 1520.5 | lm loss: 8.12E+00 |\n validation loss at iteration 300 | lm loss value: 8.0021E+00 | lm loss PPL: 2.98E+03 | \n', { step: 300, loss: 8.12 }],
  ['DeepSpeed', '[2026-01-02 03:04:05,678] [INFO] [logging.py:96:log_dist] [Rank 0] step=120, skipped=3, lr=[2e-05, 2e-05], mom=[(0.9, 0.95)]\n[2026-01-02 03:04:05,679] [INFO] [timer.py:260:stop] epoch=0/micro_step=240/global_step=120, RunningAvgSamplesPerSec=12.5, CurrSamplesPerSec=12.75, MemAllocated=8.1GB, MaxMemAllocated=20.2GB', { step: 120, learning_rate: 2e-5, epoch: 0 }],
  ['fairseq: json', '2026-01-02 03:04:05 | INFO | train_inner | {"epoch": 2, "update": 1.35, "loss": "7.411", "nll_loss": "6.9", "ppl": "119.4", "wps": "51200.5", "ups": "3.25", "num_updates": "4800", "lr": "0.0003", "gnorm": "1.1", "train_wall": "30", "wall": "1500"}', { step: 4800, epoch: 2, loss: 7.411, learning_rate: 3e-4 }],
  ['fairseq: simple', '2026-01-02 03:04:05 | INFO | train_inner | epoch 003:    200 / 1500 loss=6.52, nll_loss=5.9, ppl=59.7, wps=50000, ups=3.1, wpb=16000, bsz=512, num_updates=3200, lr=0.0004, gnorm=1.0', { epoch: 3, loss: 6.52 }],
  ['mmengine', '01/02 03:04:05 - mmengine - INFO - Epoch(train)  [2][ 150/1833]  lr: 2.0000e-02  eta: 5:10:20  time: 0.4312  data_time: 0.0102  memory: 5001  loss: 0.8123  loss_cls: 0.4  loss_bbox: 0.4', { step: 150, total_steps: 1833, epoch: 2, loss: 0.8123, learning_rate: 0.02, rate: { value: 0.4312, unit: 's/it' }, eta_s: 18620 }],
  ['mmengine: validation leaves the training step', '01/02 03:04:05 - mmengine - INFO - Epoch(train)  [2][1800/1833]  lr: 2.0e-02  eta: 5:10:20  time: 0.43  loss: 0.81\n01/02 03:05:05 - mmengine - INFO - Epoch(val)  [2][ 50/625]    eta: 0:00:30  time: 0.05  data_time: 0.001  memory: 900\n', { step: 1800, total_steps: 1833, epoch: 2, activity: 'evaluating' }],
  ['mmseg: by iteration', '2026-01-02 03:04:05,678 - mmseg - INFO - Iter [4500/80000]\tlr: 9.5e-03, eta: 8:00:10, time: 0.381, data_time: 0.01, memory: 8000, decode.loss_ce: 0.42, decode.acc_seg: 85.1, loss: 0.42', { step: 4500, total_steps: 80000, loss: 0.42 }],
  ['detectron2', '[01/02 03:04:05 d2.utils.events]:  eta: 1:20:30  iter: 1219  total_loss: 0.934  loss_cls: 0.31  loss_box_reg: 0.4  loss_rpn_cls: 0.1  time: 0.2511  last_time: 0.2400  data_time: 0.005  last_data_time: 0.004   lr: 0.02  max_mem: 3100M', { step: 1219, loss: 0.934, learning_rate: 0.02, rate: { value: 0.2511, unit: 's/it' }, eta_s: 4830 }],
  ['timm', 'Train: 12 [ 450/1251 ( 36%)]  Loss: 3.912 (4.05)  Time: 0.251s, 1020.25/s  (0.260s,  985.10/s)  LR: 9.900e-04  Data: 0.010 (0.012)', { step: 450, total_steps: 1251, epoch: 12, loss: 3.912, learning_rate: 9.9e-4, rate: { value: 1020.25, unit: 'samples/s' } }],
  ['timm: test lines are no progress', 'Train: 12 [1250/1251 (100%)]  Loss: 3.9 (4.0)  Time: 0.25s, 1020.25/s (0.26s, 985/s)  LR: 9.9e-04\nTest: [  10/97]  Time: 0.120 (0.2)  Loss:  1.30 (1.2)  Acc@1: 71.0 (72.0)  Acc@5: 90.1 (91.0)', { step: 1250, total_steps: 1251, epoch: 12, loss: 3.9 }],
  ['PyTorch ImageNet example', 'Epoch: [4][ 200/5005]\tTime  0.310 ( 0.320)\tData  0.001 ( 0.010)\tLoss 3.1200e+00 (3.2e+00)\tAcc@1  31.25 ( 30.10)\tAcc@5  57.0 ( 55.0)', { step: 200, total_steps: 5005, epoch: 4, loss: 3.12 }],
  ['PyTorch MNIST example', 'Train Epoch: 3 [25600/60000 (43%)]\tLoss: 0.112233', { step: 25600, total_steps: 60000, epoch: 3, loss: 0.112233 }],
  ['Swin', '[2026-01-02 03:04:05 swin_tiny] (main.py 230): INFO Train: [11/300][310/1251]\teta 0:05:20 lr 0.000500\t wd 0.0500\ttime 0.3401 (0.3500)\tloss 4.9012 (5.1)\tgrad_norm 2.1 (2.2)\tloss_scale 65536.0 (65536.0)\tmem 9000MB', { step: 310, total_steps: 1251, epoch: 11, loss: 4.9012, learning_rate: 5e-4 }],
  ['Ultralytics: tqdm bar and class table', '      3/50      4.2G      1.112     0.9001      1.301         21        640: 100%|██████████| 12/12 [00:04<00:00,  2.90it/s]\n                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 2/2 [00:00<00:00,  4.01it/s]\n                   all         64        120      0.611      0.502      0.555      0.301\n', { step: 12, total_steps: 12, epoch: 3, loss: null, rate: { value: 2.9, unit: 'it/s' }, eval: { P: 0.611, R: 0.502, mAP50: 0.555, 'mAP50-95': 0.301 } }],
  ['Ultralytics: its own bar', '      4/50      4.2G      1.10     0.90      1.30         21        640: 25% ━━━───────── 3/12 2.9it/s 1.1s<3.2s', { step: 3, total_steps: 12, epoch: 4, rate: { value: 2.9, unit: 'it/s' } }],
  ['Keras 2', 'Epoch 4/20\n\r 30/100 [========>.....................] - ETA: 12s - loss: 0.5123 - accuracy: 0.8100', { step: 30, total_steps: 100, epoch: 4, loss: 0.5123, eta_s: 12 }],
  ['Keras 3', 'Epoch 2/5\n\u001b[1m 40/200\u001b[0m \u001b[32m━━━━\u001b[0m\u001b[37m━━━━━━━━━━━━━━━━\u001b[0m \u001b[1m3s\u001b[0m 21ms/step - accuracy: 0.71 - loss: 0.8801', { step: 40, total_steps: 200, epoch: 2, loss: 0.8801, rate: { value: 21, unit: 'ms/iter' } }],
  ['Keras: validation at the end of the epoch', 'Epoch 2/5\n200/200 - 4s - 21ms/step - accuracy: 0.75 - loss: 0.8100 - val_accuracy: 0.70 - val_loss: 0.9200', { step: 200, total_steps: 200, epoch: 2, loss: 0.81, eval: { val_accuracy: 0.7, val_loss: 0.92 } }],
  ['MaxText', 'completed step: 41, seconds: 2.500, TFLOP/s/device: 180.500, Tokens/s/device: 3276.800, total_weights: 65536, loss: 6.912', { step: 41, loss: 6.912 }],
  ['Flax examples', 'I0102 03:04:05.678901 139876543210 logging_writer.py:48] [1200] accuracy=0.52, learning_rate=0.1, loss=2.31, steps_per_second=4.5', { step: 1200, loss: 2.31, learning_rate: 0.1 }],
  ['Stable-Baselines3', '------------------------------------------\n| rollout/                |              |\n|    ep_len_mean          | 195          |\n|    ep_rew_mean          | 180.5        |\n| time/                   |              |\n|    fps                  | 1210         |\n|    iterations           | 12           |\n|    time_elapsed         | 20           |\n|    total_timesteps      | 24576        |\n| train/                  |              |\n|    learning_rate        | 0.0003       |\n|    loss                 | 0.052        |\n|    value_loss           | 0.3          |\n------------------------------------------', { step: 24576, loss: 0.052, learning_rate: 3e-4, rate: { value: 1210, unit: 'steps/s' }, eval: { ep_len_mean: 195, ep_rew_mean: 180.5 } }],
  ['JSON lines', '{"step": 50, "total_steps": 400, "loss": 2.5, "lr": 0.001, "tokens_per_second": 9000}\n{"step": 60, "total_steps": 400, "loss": 2.4, "lr": 0.001, "tokens_per_second": 9100}\n', { step: 60, total_steps: 400, loss: 2.4, learning_rate: 1e-3, rate: { value: 9100, unit: 'tok/s' } }],
  ['CSV', 'epoch,step,train_loss,val_loss,lr\n0,100,2.1,2.3,0.001\n0,200,1.9,,0.0009\n', { epoch: 0, step: 200, loss: 1.9, learning_rate: 9e-4, eval: { val_loss: 2.3 } }],
  ['generic', 'step 150/2000 loss 1.75 lr 3e-4 2.5 it/s eta 12m20s', { step: 150, total_steps: 2000, loss: 1.75, learning_rate: 3e-4, rate: { value: 2.5, unit: 'it/s' }, eta_s: 740 }],
  ['NeMo', 'Training epoch 0, iteration 119/999 | lr: 1.5e-05 | global_batch_size: 32 | global_step: 119 | reduced_train_loss: 3.412 | train_step_timing in s: 0.91 | consumed_samples: 3840', { step: 119, total_steps: 999, epoch: 0, loss: 3.412 }],
  ['torchtitan', '[titan] 2026-01-02 03:04:05,678 - root - INFO - step: 30  loss:  7.1200  memory: 20.10GiB(25.30%)  tps: 5,120  tflops: 180.20  mfu: 18.2%', { step: 30, loss: 7.12, rate: { value: 5120, unit: 'tok/s' } }],
  ['verl', 'step:12 - actor/pg_loss:0.012 - actor/lr:1e-06 - critic/score/mean:0.41 - timing_s/step:95.2 - perf/throughput:810.5', { step: 12, loss: 0.012 }],
  ['NUL bytes, blank frames and a clock in front', '\0\0[03:04:05] step 7/10 | loss 0.5\r          \r\0\0', { step: 7, total_steps: 10, loss: 0.5 }],
  ['interleaved ranks', '[rank1]: step 11/99 loss 2.0\n[rank0]: step 12/99 loss 1.9\n', { step: 12, total_steps: 99, loss: 1.9 }],
  ['dataset bars are no progress', 'Map (num_proc=8):  40%|████      | 4000/10000 [00:02<00:03, 1900.00 examples/s]\rGenerating train split: 5000 examples [00:01, 4000 examples/s]', { step: null, total_steps: null, rate: null, activity: 'preparing' }],
  ['downloads are no progress', 'model-00001-of-00002.safetensors:  40%|████      | 2.00G/4.98G [00:20<00:29, 101MB/s]', { step: null, rate: null, activity: 'downloading' }],
  ['an early NaN of statistics is no divergence', 'step 5 | loss 3.2 | ep_reward nan | mean_iou nan', { step: 5, loss: 3.2, diverged: false }],
  ['divergence', 'step 9 | loss 3.2\nstep 10 | loss nan\n', { step: 10, loss: null, diverged: true }],
  ['recovered', 'step 10 | loss nan\nstep 11 | loss 3.1\n', { step: 11, loss: 3.1, diverged: false }],
  ['dead gradients', "{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 1e-05, 'epoch': 0.1}\n".repeat(3), { loss: 0, diverged: true }],
];

describe('formats', () => {
  it.each(FORMATS)('%s', (_name, log, expected) => {
    expect(readLog(log)).toMatchObject(expected);
  });
});
