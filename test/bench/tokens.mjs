// What a day of watching costs in tokens: our babysitter, woken by incidents, beside an agent that reads logs at every check.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const HOURS = 24;
const INCIDENTS_AT_H = [2, 9, 17];
const STEP_S = 6;
/** The naive agent, as people build them: one chat with a shell, asked to look every five minutes; two requests a look (it asks
 * for the log, it reads it), its history kept until it is summed up at 100,000 tokens. */
const NAIVE = { every_min: 5, tail: 300, context: 100_000, summary: 1_500, answer: 120, system: 1_800 };
/** The price of both, $ for a million tokens; no discount for repeated input on either side. */
const PRICE = { in: 0.25, out: 2 };

async function run(options) {
  const lib = await bundle(`
    export { countTokens } from './src/core/brain/tokens.ts';
    export { opening } from './src/agents/brain/consult.ts';
    export { converse } from './src/agents/brain/converse.ts';
    export { useTool } from './src/agents/brain/tools.ts';
    export { parseAgent } from './src/agents/brain/agent-files.ts';
    export { decide } from './src/agents/engine.ts';
    export { createRedactor } from './src/core/redact.ts';
    export { reduce } from './src/core/reduce.ts';
    export { parseSpec } from './src/core/spec.ts';
    export { emptyWorld } from './src/core/state.ts';
    export { createProgressReader } from './src/core/progress/index.ts';
  `);
  const script = readFileSync(fileURLToPath(new URL('../../src/sim/assets/train.mjs', import.meta.url)), 'utf8');
  const ours = await ourDay(lib, script);
  const naive = naiveDay(lib, script);
  const share = (100 * ours.tokens) / naive.tokens;
  if (options.includes('--json')) return console.log(JSON.stringify({ ours: { tokens: ours.tokens, usd: round(ours.usd) }, naive: { tokens: naive.tokens, usd: round(naive.usd) } }));
  console.log(`${HOURS} h of one run, ${INCIDENTS_AT_H.length} incidents that want a model; tokens as we estimate them, on the high side for both`);
  console.log(`          checks  requests       tokens        usd`);
  for (const [name, day] of Object.entries({ ours, naive, 'naive, forgetful': naiveDay(lib, script, 0) })) console.log(`${name.padEnd(17)} ${String(day.checks).padStart(5)} ${String(day.requests).padStart(9)} ${String(day.tokens).padStart(12)} ${day.usd.toFixed(4).padStart(10)}`);
  console.log(`ours is ${share.toFixed(2)} % of naive; ${ours.healthy} tokens in healthy hours; the largest packet had ${ours.packet} tokens`);
}

const round = (usd) => Math.round(usd * 1e6) / 1e6;
const priceOf = (tokensIn, tokensOut) => (tokensIn * PRICE.in + tokensOut * PRICE.out) / 1e6;

const logLine = (step) => `{'loss': ${(2 + 3 / Math.sqrt(step)).toFixed(4)}, 'grad_norm': ${(1 + (step % 97) / 50).toFixed(4)}, 'learning_rate': ${(2e-4 * (1 - step / 20_000)).toExponential(3)}, 'epoch': ${(step / 1_000).toFixed(2)}}`;
const barLine = (step) => ` ${Math.floor(step / 200)}%|${'█'.repeat(Math.floor(step / 2_000)).padEnd(10)}| ${step}/20000 [${Math.floor((step * STEP_S) / 3600)}:${String(Math.floor((step * STEP_S) / 60) % 60).padStart(2, '0')}:00<10:00:00,  ${STEP_S.toFixed(2)}s/it]`;
const tail = (step, lines) => Array.from({ length: lines }, (_, n) => Math.max(1, step - lines + n)).map((at) => `${logLine(at)}\n${barLine(at)}`).join('\n').split('\n').slice(-lines);
const CRASH = ['Traceback (most recent call last):', '  File "train.mjs", line 187, in trainStep', '    const all = examples(size * width, step)', 'RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x6 and 7x24)'];
const SMI = '| 0  NVIDIA GeForce RTX 4090   On | 00000000:01:00.0 Off | Off |\n| 30% 62C P2 402W / 450W | 20110MiB / 24564MiB | 99% Default |\n'.repeat(3);

/** The program's own deciders over virtual time; a scripted model that reads the script and the log, then proposes. */
async function ourDay(lib, script) {
  const { countTokens } = lib;
  const agentPath = fileURLToPath(new URL('../../agents/babysitter.md', import.meta.url));
  const agent = lib.parseAgent(readFileSync(agentPath, 'utf8'), agentPath, 'babysitter');
  const bill = { checks: 0, requests: 0, tokens: 0, usd: 0, healthy: 0, packet: 0 };
  const spec = lib.parseSpec({ name: 'day', image: 'pytorch/pytorch', hardware: { max_usd_per_hour: 1 }, upload: ['train.mjs'], run: 'node train.mjs', kill: { hours: 48, dollars: 100 } });
  const start = 1_700_000_000_000;
  let world = lib.emptyWorld(start);
  let now = start;
  let seq = 0;
  const record = (...bodies) => {
    for (const body of bodies) world = lib.reduce(world, { ...body, v: 1, seq: (seq += 1), at: now });
  };
  const limits = { ...agent.limits, wall_ms: 90_000 };
  const instance = { id: 7, machine_id: 3, label: 'vastsit:day:1', actual_status: 'running', intended_status: 'running', cur_state: 'running', next_state: 'running', status_msg: null, gpu_name: 'RTX 4090', num_gpus: 1, gpu_ram: 24_564, gpu_util: 99, gpu_temp: 62, disk_space: 20, disk_usage: 1, dph_total: 0.4, dph_base: 0.39, storage_total_cost: 0.01, inet_up_cost: 0, inet_down_cost: 0, inet_up_billed: null, inet_down_billed: null, is_bid: false, min_bid: null, start_date: start / 1_000, end_date: null, ssh_host: null, ssh_port: null, public_ipaddr: null, direct_ssh_port: null, geolocation: null };
  record({ type: 'session.started', version: 'bench', pid: 1, brain: { model: 'model', limits } }, { type: 'run.submitted', run: 'day', spec, spec_path: '/p/spec.yaml', warnings: [] }, { type: 'create.accepted', run: 'day', attempt: 1, instance: 7, machine_id: 3 }, { type: 'fleet.seen', instances: [instance] }, { type: 'ssh.up', run: 'day', instance: 7, endpoint: 'x' }, { type: 'prepare.done', run: 'day', instance: 7, bytes_up: 1, restored: null });
  let attempt = 0;
  let step = 0;
  const begin = () => {
    attempt += 1;
    record({ type: 'start.intended', run: 'day', attempt, instance: 7, command: 'node train.mjs', resume_from: null, resume_step: null }, { type: 'process.started', run: 'day', attempt, pid: 1 }, { type: 'stream.opened', run: 'day', attempt, alive: true });
  };
  begin();
  const nonceFree = { box: async () => ({ exec: async (command) => ({ exit_code: 0, stderr: '', stdout: answerOf(command, script, step) }) }) };
  const consult = async (action) => {
    const talk = lib.opening({ agent, model: null, redact: lib.createRedactor([]), closing: new AbortController().signal }, { world, box: nonceFree.box }, world.runs.day, null);
    bill.packet = Math.max(bill.packet, talk.tokens);
    record({ type: 'brain.asked', run: 'day', incident: action.incident, key: action.key, model: 'model', tokens: talk.tokens });
    let turn = 0;
    const model = {
      name: 'model',
      chat: async ({ messages, tools }) => {
        turn += 1;
        bill.requests += 1;
        const calls = turn === 1 ? [{ id: 'a', name: 'read_file', arguments: '{"path":"train.mjs","from_line":150,"lines":80}' }] : [{ id: 'b', name: 'propose', arguments: JSON.stringify(PROPOSAL) }];
        const asked = countTokens(JSON.stringify(tools)) + messages.reduce((sum, message) => sum + countTokens(message.content) + (message.calls ?? []).reduce((all, call) => all + countTokens(call.arguments), 0) + 6, 0);
        return { text: 'I look at the script around the failing line.', calls, usage: { tokens_in: asked, tokens_out: 400 } };
      },
    };
    await lib.converse({
      ...talk.common,
      model,
      limits: agent.limits,
      signal: new AbortController().signal,
      onText: () => undefined,
      onUsage: ({ tokens_in, tokens_out }) => {
        bill.tokens += tokens_in + tokens_out;
        bill.usd += priceOf(tokens_in, tokens_out);
        record({ type: 'brain.used', run: 'day', usage: { tokens_in, tokens_out, usd: priceOf(tokens_in, tokens_out) } });
      },
      plain: () => ({ text: 'propose' }),
      use: async (call) => (call.name === 'propose' ? { done: true } : lib.useTool(talk.place, call)),
    });
    record({ type: 'brain.proposed', run: 'day', incident: action.incident, key: action.key, proposal: PROPOSAL });
  };
  const due = [...INCIDENTS_AT_H];
  for (; now < start + HOURS * 3_600_000; now += 30_000) {
    step += 5;
    const reading = { step, total_steps: 20_000, epoch: null, loss: 2, learning_rate: null, rate: { value: STEP_S, unit: 's/it' }, steps_per_s: 1 / STEP_S, eval: null, eta_s: null, format: 'hf', activity: 'training', diverged: false };
    if (world.runs.day.stage === 'training') record({ type: 'progress', run: 'day', attempt, reading });
    if (due.length > 0 && now >= start + due[0] * 3_600_000 && world.runs.day.stage === 'training') {
      due.shift();
      record({ type: 'process.exited', run: 'day', attempt, exit_code: 1, signal: null, oom_kills: 0, tail: [...tail(step, 76), ...CRASH], pushed: true });
    }
    for (let round = 0; round < 40; round += 1) {
      const actions = lib.decide({ ...world, now });
      const bodies = actions.flatMap((action) => (action.do === 'emit' ? [action.body] : []));
      if (bodies.length > 0) {
        record(...bodies);
        continue;
      }
      const before = bill.tokens;
      const action = actions.find(({ do: what }) => ['consult', 'fix', 'start', 'stop_training', 'probe', 'list', 'account', 'keep_patch'].includes(what));
      if (!action) break;
      if (action.do === 'consult') await consult(action);
      else if (action.do === 'fix') record({ type: 'fix.applied', run: 'day', command: action.command, exit_code: 0, tail: [] });
      else if (action.do === 'start') begin();
      else if (action.do === 'keep_patch') record({ type: 'patch.home', run: 'day', patch: action.patch, path: `patches/${action.patch}.patch` });
      else if (action.do === 'list') record({ type: 'fleet.fresh', instances: [instance] });
      else if (action.do === 'account') record({ type: 'account.seen', credit_usd: 50, email: null });
      else if (action.do === 'probe') {
        bill.checks += 1;
        record({ type: 'check.done', run: 'day', attempt, why: action.why, reading: { at: now, gpus: [{ index: 0, name: 'RTX 4090', util: 99, mem_used: 20_000, mem_total: 24_564, power_w: 402, power_limit_w: 450, temp_c: 62, sm_clock_mhz: 2_500, throttled: false }], alive: true, cpu_s: 1, load1: 1, mem_used: 1, mem_total: 2, disk: null, shm: null, net: null, io: null, log_bytes: 1, log_age_s: 1, oom_kills: 0, kernel: [], boot_id: 'a', uptime_s: 1, exit: null, driver_version: null, cuda_version: null } });
      }
      if (action.do !== 'consult') bill.healthy += bill.tokens - before;
    }
  }
  if (due.length > 0 || world.runs.day.incidents.filter(({ ended }) => ended?.how === 'resolved').length !== INCIDENTS_AT_H.length) throw new Error('the day did not go as planned');
  return bill;
}

const PROPOSAL = { diagnosis: 'The batch is built for one input more than the data has.', action: { kind: 'apply_diff', diff: "--- a/train.mjs\n+++ b/train.mjs\n@@ -184,4 +184,4 @@\n function trainStep(w, step) {\n   const size = args['batch-size'];\n-  const width = INPUTS + 1;\n+  const width = INPUTS;\n" } };

function answerOf(command, script, step) {
  if (command.startsWith('d=$(pwd')) return `at ${script.length}\ntrain.mjs\n`;
  const [, from, to] = /^sed -n '(\d+),(\d+)p'/.exec(command) ?? [];
  return from ? script.split('\n').slice(Number(from) - 1, Number(to)).join('\n') : tail(step, 80).join('\n');
}

/** `context` 0 forgets everything between two looks. */
function naiveDay({ countTokens }, script, context = NAIVE.context) {
  const bill = { checks: 0, requests: 0, tokens: 0, usd: 0 };
  let history = 0;
  const ask = (more) => {
    history += more;
    if (history > context) history = context === 0 ? more : NAIVE.summary + more;
    bill.requests += 1;
    bill.tokens += NAIVE.system + history + NAIVE.answer;
    bill.usd += priceOf(NAIVE.system + history, NAIVE.answer);
    history += NAIVE.answer;
  };
  for (let minute = NAIVE.every_min; minute <= HOURS * 60; minute += NAIVE.every_min) {
    bill.checks += 1;
    const step = Math.floor((minute * 60) / STEP_S);
    ask(30);
    ask(countTokens(tail(step, NAIVE.tail).join('\n')) + countTokens(SMI));
    if (INCIDENTS_AT_H.some((hour) => hour * 60 > minute - NAIVE.every_min && hour * 60 <= minute)) {
      ask(countTokens(script));
      ask(200);
    }
  }
  return bill;
}

await run(process.argv.slice(2));
