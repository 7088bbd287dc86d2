import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placesOf } from '../../src/core/stacks.ts';

const fault = (pid: number): string => `Fatal Python error: Aborted

Thread 0x00007f0${pid}aa (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
  File "/opt/torch/data/pin.py", line 55 in do_one_step

Current thread 0x00007f0${pid}bb (most recent call first):
  File "/opt/torch/distributed/distributed_c10d.py", line 2806 in all_reduce
  File "/root/vastsit/demo/train.py", line 40 in step
  File "/root/vastsit/demo/train.py", line 71 in main
  File "/root/vastsit/demo/train.py", line 80 in <module>

Extension modules: numpy.core._multiarray_umath, torch._C (total: 30)
`;
const SPY = `Process 4242: python train.py
Python v3.11.7 (/usr/bin/python3.11)

Thread 4242 (active): "MainThread"
    _recv_bytes (multiprocessing/connection.py:416)
    next (torch/utils/data/dataloader.py:633)
Thread 4250 (idle): "QueueFeederThread"
    wait (threading.py:320)
`;

describe('where a hang stood', () => {
  it('is the main thread of each process, once for all that stand alike', () => {
    expect(placesOf(fault(1) + SPY + fault(2))).toEqual(['all_reduce (distributed_c10d.py:2806) < step (train.py:40) < main (train.py:71), 2 times', '_recv_bytes (connection.py:416) < next (dataloader.py:633)']);
  });

  it('is nothing where nobody said anything', () => {
    expect(placesOf('= 4242 node train.mjs | ep_poll\nstep 12 loss 0.4\n')).toEqual([]);
    expect(placesOf('Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nValueError: x\n')).toEqual([]);
  });

  it('never throws, and lets no escape through', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('Current thread 0x0 (most recent call first):', '  File "/a\u001b[2J/b.py", line 5 in \u001b]0;x\u0007f', '    f (a.py:1)', ''))), (lines) => {
        for (const place of placesOf(lines.join('\n'))) expect(place).not.toMatch(/[\x00-\x1f\x7f]/);
      }),
    );
  });
});
