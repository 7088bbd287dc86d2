/** What is missing for the real thing: looked for here, so that a command and a first-run screen can show the same. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { llmKeyOf } from '../brain.ts';
import { RUNWAY_WARN_H } from '../core/budget.ts';
import { rateNow, type Instance } from '../core/market.ts';
import { MarketError, type Clock } from '../core/ports.ts';
import { cleanLine } from '../core/text.ts';
import type { Finding } from '../headless/doctor.ts';
import { keyFile, readSettings } from '../settings.ts';
import { createVastMarket, findApiKey, type FoundKey, type VastMarket } from '../vast/index.ts';
import { makeDirectory } from '../journal/index.ts';
import { plainEnv } from '../remote/ssh.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Below this, checkpoints and the journal have no room. */
const LEAST_FREE_GB = 2;
/** Times on the screen are wrong by this much, and so are deadlines that a person reads off them. */
const SKEW_MS = 60_000;
/** ConnectTimeout, accept-new and the rest of what we ask of ssh. */
const OLDEST_SSH = 7.6;

export interface DoctorOptions {
  env: Env;
  /** The state directory. */
  dir: string;
  /** The user's project: results and STATUS.md. */
  project: string;
  wire: Clock;
}

/** Looks at this machine first, then at the account: at most one call each for account and list, nothing that costs. Never rejects. */
export async function findings({ env, dir, project, wire }: DoctorOptions): Promise<Finding[]> {
  const local = [node(), ssh(), keygen(), await folder('state', dir, 'set VASTSIT_HOME to a folder that you own'), await folder('project', project, 'run it in a project folder that you own: results/ and STATUS.md go there')];
  return [...local, ...(await account(env, wire)), llm(env)];
}

const ok = (check: string, found: string, remedy: string | null = null): Finding => ({ check, ok: true, found, remedy });
const bad = (check: string, found: string, remedy: string): Finding => ({ check, ok: false, found, remedy });

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 12) ? ok('node', process.version) : bad('node', process.version, 'install Node 20.12 or later');
}

function ssh(): Finding {
  const said = version('ssh', ['-V']);
  if (said === null) return bad('ssh', 'not found', 'install the OpenSSH client (Debian: apt install openssh-client)');
  const number = Number.parseFloat(/OpenSSH_(?:for_Windows_)?(\d+\.\d+)/.exec(said)?.[1] ?? '');
  return number < OLDEST_SSH ? bad('ssh', said, `install OpenSSH ${OLDEST_SSH} or later: host keys are pinned with accept-new`) : ok('ssh', said || 'found');
}

function keygen(): Finding {
  return version('ssh-keygen', ['-?']) === null ? bad('ssh-keygen', 'not found', 'it comes with the OpenSSH client') : ok('ssh-keygen', 'found');
}

/** The first line that it says of itself; null when it is not there. */
function version(name: string, args: string[]): string | null {
  const done = spawnSync(name, args, { encoding: 'utf8', timeout: 5_000, env: plainEnv() });
  return done.error !== undefined ? null : done.status === 0 ? cleanLine(`${done.stderr}${done.stdout}`.split('\n')[0] ?? '', 80) : '';
}

async function folder(check: string, path: string, remedy: string): Promise<Finding> {
  try {
    if (check === 'state') makeDirectory(path);
    await access(path, constants.W_OK);
  } catch {
    return bad(check, `${path} cannot be written`, remedy);
  }
  const { bavail, bsize } = await statfs(path);
  const free = (bavail * bsize) / 1e9;
  if (free < LEAST_FREE_GB) return bad(check, `${path}, ${free.toFixed(1)} GB free`, 'make room: a journal or a checkpoint that cannot be written stops the watch');
  const open = check === 'state' && process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0;
  return open ? bad(check, `${path} is open to other users`, `chmod 700 ${path}`) : ok(check, `${path}, ${free < 100 ? free.toFixed(0) : '100+'} GB free`);
}

async function account(env: Env, wire: Clock): Promise<Finding[]> {
  let key: FoundKey | null;
  try {
    key = await findApiKey({ env, home: env['HOME'] ?? homedir(), own: keyFile(env) });
  } catch (error) {
    return [bad('api key', 'cannot be read', words(error))];
  }
  if (key === null) return [bad('api key', 'none', 'set VAST_API_KEY, or run `vastai set api-key KEY` (cloud.vast.ai, Keys)')];
  const found = await keyFinding(key);
  try {
    const market = createVastMarket({ url: env['VAST_URL'] ?? readSettings({ env }).api_url, apiKey: key.key, clock: wire, wire });
    return [found, ...(await askMarket(market, key)), ...clockFinding(market)];
  } catch (error) {
    return [found, bad('market', 'not asked', words(error))];
  }
}

async function keyFinding({ source }: FoundKey): Promise<Finding> {
  if (source === 'VAST_API_KEY') return ok('api key', 'from VAST_API_KEY');
  const { mode } = await stat(source);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) return ok('api key', `from ${source}, which other users of this machine can read`, `chmod 600 ${source}`);
  return source.endsWith('vast_tfa_key') ? ok('api key', `from ${source}: a 2FA session, which ends by itself`, 'when it does, control is lost until you log in again: for unattended nights use a key of its own (cloud.vast.ai, Keys)') : ok('api key', `from ${source}`);
}

async function askMarket(market: VastMarket, key: FoundKey): Promise<Finding[]> {
  let credit: number;
  try {
    ({ credit } = await market.account());
  } catch (error) {
    const ended = error instanceof MarketError && error.failure === 'auth' && key.source.endsWith('vast_tfa_key');
    return [bad('market', 'not reached', ended ? `the 2FA session in ${key.source} has ended: log in again with \`vastai tfa login\`, or delete that file to use the normal key` : words(error))];
  }
  const rich = credit > 0 ? ok('market', `credit $${credit.toFixed(2)}`) : bad('market', `credit $${credit.toFixed(2)}`, 'add credit at cloud.vast.ai, Billing');
  try {
    return [rich, fleetFinding(await market.list(), credit)];
  } catch (error) {
    return [rich, bad('instances', 'cannot be listed', words(error))];
  }
}

/** What bills on the account now, whoever started it. */
function fleetFinding(instances: readonly Instance[], credit: number): Finding {
  const burn = instances.reduce((sum, one) => sum + rateNow(one), 0);
  if (instances.length === 0) return ok('instances', 'none: nothing bills');
  const hours = burn > 0 ? credit / burn : Infinity;
  const found = `${instances.length}, billing $${burn.toFixed(3)}/h together`;
  return hours < RUNWAY_WARN_H ? bad('instances', `${found}; the credit lasts ${hours.toFixed(1)} h`, 'add credit: at zero Vast stops everything, and deletes it later') : ok('instances', found);
}

function clockFinding(market: VastMarket): Finding[] {
  const skew = market.clockSkew();
  if (skew === null) return [];
  const off = Math.abs(skew);
  return [off <= SKEW_MS ? ok('clock', 'agrees with Vast\'s') : bad('clock', `${(off / 60_000).toFixed(0)} min ${skew > 0 ? 'behind' : 'ahead of'} Vast's`, 'set it by the network (systemd: timedatectl set-ntp true): the times that are shown and logged are wrong by as much')];
}

function llm(env: Env): Finding {
  if (llmKeyOf(env) === null) return ok('language model', 'none: the rules do the whole job', 'OPENAI_API_KEY or VASTSIT_LLM_KEY adds one for what no rule explains');
  try {
    const url = env['OPENAI_BASE_URL'] || readSettings({ env }).llm_url || 'https://api.openai.com/v1';
    return URL.canParse(url) ? ok('language model', `a key is set, at ${new URL(url).host}`) : bad('language model', 'OPENAI_BASE_URL is no address', 'set it to an http or https address, or unset it');
  } catch (error) {
    return bad('language model', 'settings cannot be read', words(error));
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
