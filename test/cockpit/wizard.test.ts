import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createErrands } from '../../src/cockpit/errands.ts';
import type { Key } from '../../src/cockpit/keys.ts';
import { lineText } from '../../src/cockpit/line.ts';
import { onKey } from '../../src/cockpit/on-key.ts';
import { settle } from '../../src/cockpit/settle.ts';
import { createUi, type Ui } from '../../src/cockpit/ui.ts';
import { view } from '../../src/cockpit/view.ts';
import { experience, OFFERS_FRESH_MS, whatIf, type WizardPorts } from '../../src/cockpit/wizard.ts';
import type { Command } from '../../src/core/commands.ts';
import type { Offer } from '../../src/core/market.ts';
import { rankOffers } from '../../src/core/offers.ts';
import { createWizard } from '../../src/commands/wizard.ts';
import { SPEC_TEMPLATE } from '../../src/headless/init.ts';
import { calmWorld, NOW, run, spec } from './world.ts';

const world = calmWorld();
const offer = (id: number, part: Partial<Offer> = {}): Offer => ({ id, machine_id: id, host_id: 1, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, cpu_ram: 64_000, cpu_cores_effective: 16, disk_space: 200, dph_base: 0.3 + id / 100, dph_total: 0.31, min_bid: null, storage_cost: 0.1, inet_up_cost: 0, inet_down_cost: 0, inet_up: 900, inet_down: 900, reliability: 0.99, cuda_max_good: 12.8, driver_version: '1', direct_port_count: 10, geolocation: 'SE', verification: 'verified', duration: 9e6, rentable: true, ...part });

let dir: string;
let searches = 0;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vastsit-wizard-'));
  searches = 0;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const market = { searchOffers: () => Promise.resolve([offer(1), offer(2), offer(3, { reliability: 0.5 })]) };
const realPorts = (): WizardPorts => createWizard({ project: dir, env: {}, market: () => Promise.resolve(market as never), world: () => world, clock: { now: () => NOW } as never });

/** The screen's memory with errands that are really run. */
function desk(ports: WizardPorts | null) {
  let ui: Ui = settle(createUi({ columns: 120, rows: 40 }, 0), world, 0);
  let now = 1_000;
  const commands: Command[] = [];
  const errands = createErrands({ wizard: ports, clock: { now: () => now } as never, ui: () => ui, become: (next) => { ui = next; } });
  const press = (...names: string[]): void => {
    for (const name of names) {
      const key: Key = { name, text: name === 'space' ? ' ' : [...name].length === 1 ? name : null };
      const pressed = onKey(ui, key, world, (now += 400));
      ui = pressed.ui;
      if (pressed.command) commands.push(pressed.command);
      if (pressed.errand) errands.run(pressed.errand);
    }
  };
  const text = (): string => view(ui, world, NOW, '').map(lineText).join('\n');
  return { press, text, commands, look: errands.look, wait: (ms: number) => { now += ms; }, until: async (pattern: RegExp) => { for (let n = 0; n < 400 && !pattern.test(text()); n += 1) await new Promise((done) => setTimeout(done, 5)); expect(text()).toMatch(pattern); }, ui: () => ui };
}

describe('the launch wizard', () => {
  it('picks a spec, shows what fits with its price to the end, and launches at a word', async () => {
    await writeFile(join(dir, 'experiment.yaml'), SPEC_TEMPLATE);
    await writeFile(join(dir, 'train.py'), '');
    await writeFile(join(dir, 'requirements.txt'), '');
    await writeFile(join(dir, 'other.yaml'), 'name: [\n');
    const { press, until, text, commands } = desk(realPorts());
    press('n');
    await until(/▸ +experiment\.yaml +\(my-finetune\)/);
    expect(text()).toContain('other.yaml:');
    press('enter');
    await until(/1x RTX 4090 +\$0\.\d+ +0\.990 SE +≤ \$[\d.]+ +1 new to us/);
    expect(text()).toMatch(/out: 1 by reliability/);
    expect(text()).toMatch(/▸ +The first that is still there/);
    press('enter');
    expect(text()).toMatch(/offer 1 on machine 1 in SE;[\s\S]*reliability 0\.990; new to us[\s\S]*at most \$[\s\S]*takes the first that is still there; next now: 1x RTX/);
    press('down', 'enter');
    expect(commands).toEqual([]);
    press(...'launch', 'enter');
    expect(commands).toEqual([{ do: 'launch', spec_path: 'experiment.yaml' }]);
  });

  it('takes the offer that was chosen to the launch, keeps the cursor on it, and tells when it is gone', async () => {
    let there = [offer(1), offer(2), ...Array.from({ length: 40 }, (_, n) => offer(n + 10))];
    const found = (): ReturnType<WizardPorts['offers']> => Promise.resolve({ spec: spec('a'), offers: rankOffers(spec('a', { hardware: { gpu: ['RTX 4090'], disk_gb: 40, max_usd_per_hour: 3 } }), there, {}, NOW).offers, rejected: {} });
    const { press, until, look, wait, text, commands, ui } = desk({ specs: () => Promise.resolve([{ path: 'a.yaml', name: 'a', problem: null }]), offers: found, write: () => Promise.resolve() });
    const refresh = async (pattern: RegExp): Promise<void> => {
      // What was asked before must have been answered.
      await new Promise((done) => setTimeout(done, 20));
      wait(OFFERS_FRESH_MS);
      look();
      await until(pattern);
    };
    press('n');
    await until(/a\.yaml/);
    press('enter');
    await until(/42 fit, the best first/);
    press('down', 'down');
    expect(text()).toMatch(/▸ +1x RTX 4090 +\$0\.326/);
    there = there.slice(1);
    await refresh(/41 fit[\s\S]*▸ +1x RTX 4090 +\$0\.326/);
    press('enter');
    expect(text()).toContain('If it is gone by then, or refused, the runner says so');
    // Esc is one step back, with the cursor where the rule's pick is.
    press('esc');
    await until(/41 fit[\s\S]*▸ +The first that/);
    press('down', 'enter', 'down', ...'launch', 'enter');
    expect(commands).toEqual([{ do: 'launch', spec_path: 'a.yaml', offer: 2 }]);
    // Far down the list the options scroll, and the first stays.
    press('n', 'enter');
    await until(/41 fit/);
    press(...Array.from({ length: 30 }, () => 'down'));
    expect(text()).toMatch(/Not now[\s\S]*▸ +1x RTX 4090/);
    const on = ui().dialog?.controls[ui().dialog?.focus ?? 0]?.name;
    there = there.filter(({ id }) => String(id) !== on);
    await refresh(new RegExp(`offer ${on} is gone`));
    press('down', 'enter');
    there = there.slice(1);
    await refresh(/Offer 2 is gone since/);
  });

  it('writes a spec by a form, refuses what is none at its field, and never over a file', async () => {
    await writeFile(join(dir, 'train.py'), '');
    const { press, until, ui } = desk(realPorts());
    press('n');
    await until(/No YAML file here is a spec yet/);
    press('down', 'enter');
    await until(/A new spec/);
    press('ctrl-u', ...'My Run', ...Array.from({ length: 14 }, () => 'enter'), 'enter');
    await until(/name: expected 1 to 40 lower-case letters/);
    expect(ui().dialog?.focus).toBe(0);
    press('ctrl-u', ...'mine', ...Array.from({ length: 14 }, () => 'enter'), 'enter');
    await until(/Launch mine\.yaml\?[\s\S]*1x RTX 4090/);
    expect(parse(await readFile(join(dir, 'mine.yaml'), 'utf8'))).toMatchObject({ name: 'mine', hardware: { gpu: ['RTX 4090', 'RTX 3090'], max_usd_per_hour: 0.6 }, run: 'python train.py', kill: { hours: 12, dollars: 6 } });
    // Esc is one step back, then another.
    press('esc');
    await until(/Which spec\?[\s\S]*mine\.yaml/);
    press('up', 'up', 'enter');
    await until(/A new spec/);
    press('ctrl-u', ...'mine', ...Array.from({ length: 14 }, () => 'enter'), 'enter');
    await until(/mine\.yaml is there already/);
    press('esc', 'esc');
    expect(ui().dialog).toBeNull();
  });

  it('asks the market again while its offers are looked at, and tells why it cannot', async () => {
    let fails = false;
    const ports: WizardPorts = { specs: () => Promise.resolve([{ path: 'a.yaml', name: 'a', problem: null }]), offers: () => ((searches += 1), fails ? Promise.reject(new Error('the market said 502')) : Promise.resolve({ spec: spec('a'), offers: [], rejected: { VRAM: 3 } })), write: () => Promise.resolve() };
    const { press, until, look, wait } = desk(ports);
    press('n');
    await until(/a\.yaml/);
    press('enter');
    await until(/No offer fits now \(out: 3 by VRAM\)/);
    look();
    expect(searches).toBe(1);
    wait(OFFERS_FRESH_MS);
    fails = true;
    look();
    await until(/the market said 502/);
    expect(searches).toBe(2);
  });

  it('says so where nothing can be launched', async () => {
    const { press, until } = desk(null);
    press('n');
    await until(/nothing can be launched from this screen/);
  });

  it('knows machines by what happened on them, and prices an end by what an earlier run took', () => {
    expect(experience(world, 31_244 % 9_000)).toBe('trained here once');
    expect(experience({ ...world, machines: { 7: { reason: 'stuck in loading', until: 0 } } } as never, 7)).toBe('failed: stuck in loading');
    const told = { ...world, runs: { x: run('x', null, { spec: spec('demo') }) } };
    const { most, expected } = whatIf(told, spec('demo'), 0.4);
    expect(most).toBeCloseTo(4.8);
    expect(expected).toBeCloseTo((0.4 * 2_000) / 3.42 / 3_600);
  });
});
