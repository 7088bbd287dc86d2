/** The boxes of one run behind the production port: what is put, run, listed, fetched and probed takes time, and fails while the box is away. */
import { RemoteError, type Box, type ExecResult, type FileFact, type Home, type Remote, type SentinelEvent } from '../../../src/core/ports.ts';
import type { VirtualClock } from './clock.ts';
import type { Contract, FleetOfOne } from './market.ts';
import { reading } from './probe.ts';
import { startProcess, stepAt, type Process } from './process.ts';
import { outlook } from './track.ts';
import type { Fate } from './world.ts';
import { began, cure, ended, met, type Truth } from './truth.ts';

/** One command over an open session, a connection, a package or patch, the end of a process group; ms. */
const EXEC = 800;
const CONNECT = 2_500;
const NO_ANSWER = 15_000;
const INSTALL = 40_000;
const KILL = 3_000;
const CHECKPOINT_BYTES = 500_000_000;
const KEPT = 3;

interface Machine {
  contract: Contract;
  disk: Map<string, FileFact>;
  process: Process | null;
  listeners: Set<(event: SentinelEvent) => void>;
  fence: number;
  bootId: number;
  settings: readonly number[];
  seen: number;
}

export interface BoxWorld {
  remote: Remote;
  home: Home;
  /** Applied patches by number: was it the right one? Filled by the model. */
  patches: Map<number, boolean>;
}

export function boxesOf(truth: Truth, fleet: FleetOfOne, clock: VirtualClock, patchHash: (run: string, path: string) => string | null): BoxWorld {
  const { fate } = truth;
  const machines = new Map<number, Machine>();
  const atHome = new Map<string, { bytes: number; sha256: string }>();
  const patches = new Map<number, boolean>();

  const gather = (machine: Machine): void => {
    const { process } = machine;
    if (!process) return;
    for (const position of process.checkpoints().slice(-KEPT)) {
      const poisoned = process.end.how === 'nan' && position >= process.end.position;
      const sha256 = `${machine.contract.index}-${process.attempt}-${position}`;
      const path = `ckpt/step-${stepAt(fate, position)}.pt`;
      if (machine.disk.get(path)?.sha256 === sha256) continue;
      truth.checkpoints.set(sha256, { position, poisoned });
      machine.disk.set(path, { path, bytes: CHECKPOINT_BYTES, sha256, mtime_s: Math.floor(clock.now() / 1_000) });
    }
    const kept = [...machine.disk.keys()].filter((path) => path.startsWith('ckpt/'));
    for (const path of kept.slice(0, -KEPT)) machine.disk.delete(path);
  };
  const quit = (machine: Machine, reason: string): void => {
    const { process } = machine;
    const told = [...machine.listeners];
    // Nobody is told of a process that goes with its box.
    machine.listeners.clear();
    if (process && process.exit === null) {
      if (process.healthy() && machine.contract.status === 'gone') truth.busyKilled += 1;
      gather(machine);
      process.kill('KILL');
    }
    machine.process = null;
    for (const tell of told) tell({ type: 'lost', reason });
  };
  fleet.onChange = (contract) => {
    const machine = machines.get(contract.id);
    if (!machine) return;
    if (contract.status !== 'running') quit(machine, contract.status);
    else machine.bootId += 1;
  };
  const machineOf = (id: number): Machine => {
    const contract = fleet.contracts.find((one) => one.id === id);
    if (!contract) throw new RemoteError('refused', 'no such instance');
    const known = machines.get(id) ?? { contract, disk: new Map<string, FileFact>(), process: null, listeners: new Set<(event: SentinelEvent) => void>(), fence: 0, bootId: 1, settings: [], seen: clock.now() };
    machines.set(id, known);
    return known;
  };

  const open = (machine: Machine): Box => {
    const { contract } = machine;
    const boot = machine.bootId;
    const there = (): void => {
      if (contract.status !== 'running' || machine.bootId !== boot) throw new RemoteError('lost', 'the connection is lost');
    };
    const work = async (ms: number): Promise<void> => {
      there();
      await clock.sleep(ms);
      there();
    };
    const done = (stdout = ''): ExecResult => ({ exit_code: 0, stdout, stderr: '' });
    return {
      instance: contract.id,
      async put(files) {
        await work(EXEC);
        let bytes = 0;
        for (const { path, content } of files) {
          const fact = 'local' in content ? atHome.get(content.local) : undefined;
          if (!fact) continue;
          await work(fate.results);
          bytes += fact.bytes;
          machine.disk.set(path, { path, ...fact, mtime_s: Math.floor(clock.now() / 1_000) });
        }
        return { bytes };
      },
      async exec(command) {
        if (command.includes('sh setup.sh')) {
          await work(fate.setup / 2);
          return done();
        }
        const [, what, n] = /patch\.sh (apply|revert) (\d+)/.exec(command) ?? [];
        if (what) {
          await work(2 * EXEC);
          if (what === 'apply' && patches.get(Number(n)) === true) truth.codeRight = true;
          return done();
        }
        if (/pip install|apt-get|>> .vastsit\/env.sh|find \/dev\/shm|cache purge/.test(command)) {
          await work(INSTALL);
          const { hit } = truth;
          const { of } = fate.obstacles[hit?.fault.obstacle ?? -1] ?? {};
          if (hit?.fault.log === 'module' ? command.includes('einops') : of === 'ram_disk' && /cache purge|find \/dev\/shm/.test(command)) truth.codeRight = true;
          return done();
        }
        await work(EXEC);
        return done(answerTo(command, fate));
      },
      async list(globs) {
        await work(EXEC);
        gather(machine);
        const roots = globs.map((glob) => glob.replace(/\*.*$/, ''));
        const log: FileFact[] = machine.process ? [{ path: `.vastsit/log.${machine.process.attempt}`, bytes: machine.process.log.offset, sha256: `log-${contract.index}-${machine.process.attempt}-${machine.process.log.offset}`, mtime_s: 0 }] : [];
        return [...machine.disk.values(), ...log].filter(({ path }) => roots.some((root) => path.startsWith(root)));
      },
      async fetch(file, localPath) {
        await work(file.path.startsWith('.vastsit/') ? EXEC : fate.results);
        atHome.set(localPath, { bytes: file.bytes, sha256: file.sha256 });
        const point = truth.checkpoints.get(file.sha256);
        if (point && !point.poisoned) truth.home = Math.max(truth.home, point.position);
        if (file.path.startsWith('out/')) truth.finishedAt = clock.now();
      },
      async start(order) {
        await work(EXEC);
        if (order.attempt < machine.fence) throw new RemoteError('fenced', `attempt ${machine.fence} stands`);
        machine.fence = order.attempt;
        const settings = ['batch-size', 'workers', 'lr'].map((name) => Number(new RegExp(`--${name} (\\S+)`).exec(order.command)?.[1] ?? 0));
        const [, resume] = /--resume '?(\S+?\.pt)/.exec(order.command) ?? [];
        const file = resume === undefined ? undefined : machine.disk.get(resume);
        const point = file && truth.checkpoints.get(file.sha256);
        cure(truth, contract, settings);
        const from = point?.position ?? truth.base;
        const trainingAt = clock.now() + fate.setup / 2;
        const place = { rental: { ...contract.rental, offline: NEVER, outbid: NEVER }, upSince: contract.upSince, absences: contract.absences, cured: truth.curedHosts.has(contract.index) };
        const ahead = outlook(fate, place, false, trainingAt, from, truth.cured);
        // What was saved after the numbers were gone holds none, whatever has been repaired since.
        const end = point?.poisoned ? { how: 'nan' as const, at: trainingAt, position: from, fault: ahead.fault ?? null, absence: null } : ahead;
        began(truth, from);
        // Before anyone is told of it.
        if (end.how !== 'done') clock.after(end.at - clock.now(), () => (process.exit === null ? met(truth, process, contract, settings) : undefined));
        const process = startProcess(fate, clock, order.attempt, from, trainingAt, end, {
          log: (offset, data) => {
            for (const tell of machine.listeners) tell({ type: 'log', offset, data });
          },
          exit: (exit) => {
            ended(truth, process);
            gather(machine);
            if (end.how === 'done' && exit.exit_code === 0) machine.disk.set('out/model.pt', { path: 'out/model.pt', bytes: CHECKPOINT_BYTES, sha256: `out-${contract.index}`, mtime_s: Math.floor(clock.now() / 1_000) });
            for (const tell of machine.listeners) tell({ type: 'exit', attempt: order.attempt, ...exit, at: clock.now() });
          },
        });
        machine.process = process;
        machine.settings = settings;
        return { pid: 4_000 + order.attempt, started_at: clock.now() };
      },
      async stopTraining(order) {
        await work(KILL);
        const { process } = machine;
        if (!process || process.attempt > order.attempt || process.exit !== null) return;
        if (process.healthy()) truth.busyKilled += 1;
        gather(machine);
        process.kill('TERM');
      },
      async follow(order, on) {
        await work(EXEC);
        const tell = (event: SentinelEvent): void => on(event);
        const { process } = machine;
        on({ type: 'hello', attempt: order.attempt, alive: process !== null && process.exit === null, boot_id: String(boot) });
        if (process?.attempt === order.attempt) {
          let offset = 0;
          for (const data of process.log.chunks) {
            if (offset >= order.offset) on({ type: 'log', offset, data });
            offset += data.length;
          }
          if (process.exit) on({ type: 'exit', attempt: order.attempt, ...process.exit, at: process.endedAt ?? clock.now() });
        }
        machine.listeners.add(tell);
        return { close: () => void machine.listeners.delete(tell) };
      },
      async probe() {
        await work(EXEC);
        return reading(machine, fate, clock);
      },
      renewLease: () => work(EXEC),
      sshCommand: () => ['ssh', 'root@ssh.example'],
      close: async () => undefined,
    };
  };

  return {
    patches,
    remote: {
      publicKey: async () => 'ssh-ed25519 AAAA bench',
      async connect(target) {
        const machine = machineOf(target.instance);
        await clock.sleep(machine.contract.status === 'running' ? CONNECT : NO_ANSWER);
        if (machine.contract.status !== 'running') throw new RemoteError('timeout', 'no answer');
        return open(machine);
      },
      closeAll: async () => undefined,
    },
    home: {
      runDir: (run) => `/home/${run}`,
      pathFor: (run, relative) => `/home/${run}/${relative}`,
      async fact(path) {
        const [, run = '', patch] = /^\/home\/([^/]+)\/(patches\/.+)$/.exec(path) ?? [];
        const sha256 = patch === undefined ? null : patchHash(run, patch);
        return sha256 === null ? (atHome.get(path) ?? null) : { bytes: 1, sha256 };
      },
    },
  };
}

const NEVER = (): { after: number; for: number; newFloor: number } => ({ after: Infinity, for: 0, newFloor: 1 });

/** What the first look at a box and the model's reading tools get to see. */
function answerTo(command: string, fate: Fate): string {
  // A host that is bad shows it in training, not to a first look: so the worlds are the same for everybody.
  if (command.includes('nvidia-smi -L')) return `gpus ${fate.gpus}\ndisk_free_kb 90000000\ntorch 2.6.0\ndevices ${fate.gpus}\ncomputes 1\n`;
  return command.startsWith('d=$(pwd') ? 'at 4000\ntrain.py\n' : Array.from({ length: 40 }, (_, n) => `    x${n} = layer_${n}(x${n - 1}, mask=mask)  # a line of the training script`).join('\n');
}
