/** The open connections: one box and one event stream a run. Memory only; a restart opens them anew. */
import { createProgressReader, type ProgressReader } from '../core/progress/index.ts';
import { RemoteError, type Box, type SshTarget } from '../core/ports.ts';
import type { InstanceState, RunState } from '../core/state.ts';
import { cleanLine } from '../core/text.ts';
import { quietly, type AgentPorts } from './context.ts';

/** The log of one attempt as far as it was read. */
export interface LogStream {
  attempt: number;
  reader: ProgressReader;
  /** Bytes of the attempt's log that were read so far. */
  offset: number;
  close: (() => void) | null;
  heard_at: number;
}

export interface Sessions {
  /** The box of a run's instance, connected on demand. Rejects with RemoteError. */
  box(run: RunState, instance: InstanceState): Promise<Box>;
  /** Forgets a connection that failed, so that the next use opens a new one. */
  drop(run: string): Promise<void>;
  stream(run: RunState, attempt: number): LogStream;
  /** When the sentinel's lease was renewed last, epoch ms of the program's clock. */
  leases: Map<string, number>;
  closeAll(): Promise<void>;
}

export function createSessions(ports: AgentPorts): Sessions {
  const boxes = new Map<string, { instance: number; box: Promise<Box> }>();
  const streams = new Map<string, LogStream>();
  const leases = new Map<string, number>();

  const drop = async (run: string): Promise<void> => {
    const held = boxes.get(run);
    boxes.delete(run);
    streams.get(run)?.close?.();
    await held?.box.then((box) => box.close()).catch(() => undefined);
  };

  return {
    leases,
    drop,
    async box(run, instance) {
      const held = boxes.get(run.id);
      if (held?.instance === instance.id) return held.box;
      if (held) await drop(run.id);
      const box = ports.remote.connect(targetOf(instance), run.id);
      boxes.set(run.id, { instance: instance.id, box });
      box.then(
        (open) => {
          void hearSentinel(ports, run.id, open);
          quietly(() => ports.facts.record({ type: 'ssh.up', run: run.id, instance: instance.id, endpoint: open.sshCommand().at(-1) ?? 'ssh' }));
        },
        () => boxes.delete(run.id),
      );
      return box;
    },
    stream(run, attempt) {
      const known = streams.get(run.id);
      if (known?.attempt === attempt) return known;
      known?.close?.();
      const { format, regex } = run.spec.progress;
      const fresh: LogStream = { attempt, reader: createProgressReader(regex === undefined ? { format } : { format, regex }), offset: 0, close: null, heard_at: ports.clock.now() };
      streams.set(run.id, fresh);
      return fresh;
    },
    async closeAll() {
      for (const stream of streams.values()) stream.close?.();
      await Promise.all([...boxes.keys()].map(drop));
      await ports.remote.closeAll();
    },
  };
}

/** What the sentinel does by itself, in its own words. */
const OWN_DEEDS = /^(?:lease ran out|confirmed|stop: HTTP|destroy: HTTP|no container|neither curl)/;
const SENTINEL_LINES = 60;

/** Tells what the sentinel did while nobody watched: read at each new connection, told once. Never rejects. */
async function hearSentinel({ facts }: AgentPorts, id: string, box: Box): Promise<void> {
  const run = facts.world().runs[id];
  if (!run?.ran_here) return;
  try {
    const { stdout } = await box.exec(`tail -n ${SENTINEL_LINES} .vastsit/sentinel.log 2>/dev/null`, { timeout_ms: 20_000 });
    const told = stdout.split('\n').flatMap((line) => {
      const [, at, text] = /^(\d{9,11}) (.+)$/.exec(cleanLine(line, 200)) ?? [];
      return at !== undefined && text !== undefined && Number(at) > run.sentinel_s && OWN_DEEDS.test(text) ? [{ at: Number(at), text }] : [];
    });
    const last = told.at(-1);
    if (last) facts.record({ type: 'sentinel.told', run: id, instance: box.instance, until_s: last.at, lines: told.map(({ at, text }) => `${new Date(at * 1_000).toISOString().slice(11, 19)} ${text}`) });
  } catch {
    // It is asked again at the next connection.
  }
}

/** Direct first, then the proxy; both are read from the newest facts, because ports change after a restart. */
export function targetOf(instance: InstanceState): SshTarget {
  const { facts } = instance;
  const endpoints: { host: string; port: number; via: 'direct' | 'proxy' }[] = [];
  if (facts.public_ipaddr && facts.direct_ssh_port) endpoints.push({ host: facts.public_ipaddr, port: facts.direct_ssh_port, via: 'direct' });
  if (facts.ssh_host && facts.ssh_port) endpoints.push({ host: facts.ssh_host, port: facts.ssh_port, via: 'proxy' });
  if (endpoints.length === 0) throw new RemoteError('refused', 'the market names no SSH endpoint for it yet');
  return { instance: instance.id, endpoints, user: 'root' };
}
