/** A network that fails: lines that are open at one end alone, packets that are lost or late, doors that move. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/agents/engine.ts';
import { createClock } from '../../src/clock.ts';
import type { Body, Event } from '../../src/core/events.ts';
import type { Instance } from '../../src/core/market.ts';
import type { Market, Remote, SshTarget } from '../../src/core/ports.ts';
import { reduce, tick } from '../../src/core/reduce.ts';
import { emptyWorld } from '../../src/core/state.ts';
import { createHome } from '../../src/home.ts';
import { instance, offer } from '../core/model/market.ts';
import { makeSpec } from '../core/spec-factory.ts';
import { has } from '../needs.ts';
import { startSshd, until, type TestSshd } from '../remote/sshd.ts';
import { cockpit, later, namespaces, openLine, run, type Later } from './line.ts';

const clock = createClock();

describe.skipIf(!has('sshd', 'procps'))('a door that moves', () => {
  /** A way to the sshd that gives every byte late and in pieces of its own. */
  async function slowWay(close: Later, to: number, piece: number, delay_ms: number): Promise<number> {
    const sockets = new Set<Socket>();
    const pour = (from: Socket, into: Socket): void => {
      from.on('data', (bytes: Buffer) => {
        from.pause();
        void (async () => {
          for (let at = 0; at < bytes.length; at += piece) {
            await clock.sleep(delay_ms);
            if (!into.destroyed) into.write(bytes.subarray(at, at + piece));
          }
          from.resume();
        })();
      });
      from.on('error', () => into.destroy()).on('close', () => into.destroy());
    };
    const server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      for (const socket of [near, far]) sockets.add(socket);
      pour(near, far);
      pour(far, near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  it('is followed by the instance\'s id, with the key that was pinned; another key is refused in words that explain; late pieces change no byte', async (test) => {
    const close = later(test);
    const sshd = await startSshd();
    close(() => sshd.stop());
    const remote = await cockpit(sshd, close);
    const real = sshd.target.endpoints[0]?.port ?? 0;
    const at = (port: number): SshTarget => ({ ...sshd.target, endpoints: [{ host: '127.0.0.1', port, via: 'direct' }] });
    await (await remote.connect(at(real), 'one')).close();
    // After a restart: the same box behind another port, on a slow line.
    const box = await remote.connect(at(await slowWay(close, real, 700, 3)), 'one');
    const content = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index % 251));
    await box.put([{ path: 'in/file', content }]);
    const [file] = await box.list(['in/**']);
    if (!file) throw new Error('not listed');
    const home = join(sshd.home, '..', 'fetched');
    await box.fetch(file, home);
    expect((await readFile(home)).equals(content)).toBe(true);
    await box.close();
    // A stranger behind the address that was ours.
    await sshd.changeHostKey();
    const refused = await remote.connect(at(real), 'one').then(() => null, (error: unknown) => error);
    expect(refused).toMatchObject({ failure: 'host_key_changed', message: expect.stringMatching(/another host key than the one pinned[\s\S]*Nothing was sent[\s\S]*delete .*known_hosts\.4242/) as unknown });
  }, 120_000);
});

describe.skipIf(!namespaces())('a line in a namespace of its own', () => {
  it('with lost and late packets changes no byte', async (test) => {
    const close = later(test);
    const { sshd, device } = await openLine(close, 9);
    const remote = await cockpit(sshd, close);
    if (!run('tc', 'qdisc', 'add', 'dev', device, 'root', 'netem', 'delay', '60ms', '30ms', 'loss', '5%')) return console.warn('Skipped: lost and late packets: this kernel has no netem (tc qdisc add ... netem).');
    const box = await remote.connect(sshd.target, 'one');
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 253));
    await box.put([{ path: 'in/file', content }]);
    const [file] = await box.list(['in/**']);
    expect(file).toMatchObject({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
  }, 120_000);

  it('that is cut at one end alone leaves a run unknown, never dead; the line back and the door moved, it goes on as it was', async (test) => {
    const close = later(test);
    // The first look would import this machine's PyTorch.
    const stub = await mkdtemp(join(tmpdir(), 'vastsit-stub-'));
    close(() => rm(stub, { recursive: true, force: true }));
    await writeFile(join(stub, 'python3'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const { sshd, link } = await openLine(close, 8, { VASTSIT_BEAT: '1', PATH: `${stub}:/usr/bin:/bin` });
    const watched = await watchOver(sshd, await cockpit(sshd, close), close);
    await watched.seen('handed_over', 60_000);
    const step = (): number => watched.world().runs['one']?.progress?.reading.step ?? 0;
    const happened = (type: Event['type']): number => watched.events.filter((event) => event.type === type).length;
    const first = step();

    link(false);
    const [lost, failed] = [happened('stream.lost'), happened('check.failed')];
    await until(() => happened('stream.lost') > lost && happened('check.failed') > failed + 1, 'that the line is missed', 90_000);
    expect(watched.world().runs['one']).toMatchObject({ stage: 'training', verdict: null, incident: null, attempt: 1 });
    // While nobody could look, the box got another port: the market tells it by the instance's number.
    const moved = sshd.movePort();
    link(true);
    await moved;
    const opened = happened('stream.opened');
    await until(() => happened('stream.opened') > opened && step() > first + 20, 'that it is heard again', 90_000);
    expect(['create.intended', 'start.intended', 'stream.opened', 'process.exited', 'incident.opened', 'run.ended', 'instance.away', 'instance.absent'].map((type) => happened(type as Event['type']))).toEqual([1, 1, 2, 0, 0, 0, 0, 0]);
    expect(watched.world().runs['one']).toMatchObject({ stage: 'training', verdict: null, attempt: 1 });
  }, 240_000);
});

/** The engine over this sshd, as the one machine of a market that only tells the truth. Real time but for its cadence. */
async function watchOver(sshd: TestSshd, remote: Remote, close: Later) {
  const clock = createClock(20);
  const boxes = new Map<number, Instance>();
  const never = (): never => {
    throw new Error('nothing asks for this');
  };
  const door = () => ({ public_ipaddr: sshd.target.endpoints[0]?.host ?? '', direct_ssh_port: sshd.target.endpoints[0]?.port ?? 0, ssh_host: null, ssh_port: null });
  const market: Market = {
    account: () => Promise.resolve({ id: 1, email: null, credit: 50 }),
    searchOffers: () => Promise.resolve([offer(1, 1)]),
    create: (_offer, { label }) => (boxes.set(4242, { ...instance(4242, 1, label, false, clock.now()), actual_status: 'running' }), Promise.resolve({ new_contract: 4242 })),
    list: () => Promise.resolve([...boxes.values()].map((one) => ({ ...one, ...door() }))),
    show: (id) => Promise.resolve(boxes.get(id) ?? null),
    attachKey: () => Promise.resolve(),
    destroy: never, setState: never, label: never, changeBid: never, logs: never,
  };
  const events: Event[] = [];
  let world = emptyWorld(clock.now());
  const record = (...bodies: Body[]): void => {
    for (const body of bodies) {
      const event: Event = { ...body, v: 1, seq: world.seq + 1, at: clock.now() };
      world = reduce(world, event);
      events.push(event);
    }
    world = tick(world, clock.now());
    engine.wake();
  };
  const home = createHome({ root: join(sshd.home, '..', 'results') });
  const engine = createEngine({ clock, wire: createClock(), facts: { world: () => world, record }, market, remote, home, secret: () => undefined });
  record({ type: 'session.started', version: 'test', pid: 1, brain: null });
  const running = engine.run();
  close(async () => {
    await remote.connect(sshd.target, 'one').then((box) => box.stopTraining({ run: 'one', attempt: 1, grace_s: 1 })).catch(() => undefined);
    await engine.stop();
    await running;
  });
  const spec = makeSpec({ name: 'one', run: 'i=0; while :; do i=$((i + 1)); echo "step $i/9000 | loss 0.$((9000 - i)) | 0.2 s/it"; sleep 0.2; done', knobs: {}, checkpoints: undefined, artifacts: [] });
  record({ type: 'run.submitted', run: 'one', spec, spec_path: join(sshd.home, 'spec.yaml'), warnings: [] });
  return { events, world: () => world, seen: (type: Event['type'], ms: number) => until(() => events.some((event) => event.type === type), type, ms) };
}
