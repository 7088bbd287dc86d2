/** What a person sets once: theme, API address, keys of the keyboard, what a closed terminal means. No keys: those come from the environment or the official CLI's file. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import Conf from 'conf';
import { cleanLine } from './core/text.ts';
import { makeDirectory } from './journal/index.ts';

const PROJECT = 'vastsit-tui';

/** Plain values, read once at start; a change of the file counts from the next start. */
export interface Settings {
  theme: string;
  /** Base URL of the Vast API, without a trailing slash. */
  api_url: string;
  /** The language model and its endpoint, when the environment names none. Never a key. */
  llm_model?: string;
  llm_url?: string;
  /** Lines instead of a painted screen, as `--plain`. */
  plain?: boolean;
  /** Clicks and the wheel are the cockpit's; false leaves them to the terminal. */
  mouse?: boolean;
  /** What becomes of the watch when its terminal goes away: a background process goes on, or it ends. */
  on_hangup: 'watch' | 'end';
  /** Keys of the cockpit by action, instead of the usual ones. */
  keys?: Readonly<Record<string, readonly string[]>>;
}

export const DEFAULT_SETTINGS: Settings = { theme: 'default', api_url: 'https://console.vast.ai', on_hangup: 'watch' };

/** A settings file that cannot be used. The message names the file and the field, and says what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

type Env = Readonly<Record<string, string | undefined>>;

/** A theme is a file name without its ending, so it cannot lead out of the theme directories. */
const schema = {
  theme: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,39}$' },
  // Plain HTTP carries the account key in clear, so it is for this machine alone (the embedded market).
  api_url: { type: 'string', pattern: '^(https://[^\\s@/?#]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:\\d{1,5})?)(/[^\\s?#]*)?$' },
  llm_model: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}$' },
  llm_url: { type: 'string', pattern: '^https?://[^\\s@?#]+$' },
  plain: { type: 'boolean' },
  mouse: { type: 'boolean' },
  on_hangup: { type: 'string', enum: ['watch', 'end'] },
  keys: { type: 'object', additionalProperties: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1, maxLength: 12 } } },
} as const;

/**
 * Reads `settings.json` from VASTSIT_HOME, else from the platform's directory for settings. Writes no file; absent
 * values are the defaults. `cwd` names the directory outright. Throws SettingsError.
 */
export function readSettings({ env = process.env, cwd }: { env?: Env; cwd?: string } = {}): Settings {
  const dir = cwd ?? vastsitHome(env);
  try {
    // Conf would create it readable by others, and the journal lives there too.
    if (dir !== null) makeDirectory(dir);
    const conf = new Conf<Partial<Settings>>({
      projectName: PROJECT,
      projectSuffix: '',
      configName: 'settings',
      configFileMode: 0o600,
      schema,
      rootSchema: { additionalProperties: false },
      ...(dir === null ? {} : { cwd: dir }),
    });
    const { theme = DEFAULT_SETTINGS.theme, api_url = DEFAULT_SETTINGS.api_url, on_hangup = DEFAULT_SETTINGS.on_hangup, llm_model, llm_url, plain, mouse, keys } = conf.store;
    return { theme, api_url: api_url.replace(/\/+$/, ''), on_hangup, ...(llm_model !== undefined && { llm_model }), ...(llm_url !== undefined && { llm_url }), ...(plain !== undefined && { plain }), ...(mouse !== undefined && { mouse }), ...(keys !== undefined && { keys }) };
  } catch (error) {
    // A home that cannot be written holds no settings either; whoever must write there says so in better words.
    if (error instanceof Error && 'syscall' in error && error.syscall === 'mkdir') return DEFAULT_SETTINGS;
    // The parser's own words quote the file, and people paste keys into the wrong file.
    const why = error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? cleanLine(error.message, 300) : 'unknown';
    throw new SettingsError(`The settings (settings.json in ${dir ?? 'the settings directory of vastsit-tui'}) cannot be used: ${why}. Correct the file, or remove it to use the defaults.`);
  }
}

/**
 * Where the journal, the lock and keys of this program's own live: VASTSIT_HOME, else the platform's directory for state
 * with `vastsit-tui` in it. Absolute; not created here.
 */
export function stateDir(env: Env = process.env, platform: NodeJS.Platform = process.platform, home: string = homedir()): string {
  const own = vastsitHome(env);
  if (own !== null) return own;
  switch (platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support', PROJECT);
    case 'win32':
      return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), PROJECT);
    default: {
      // The XDG rules say that a relative path there is to be ignored.
      const xdg = env['XDG_STATE_HOME'];
      return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.local', 'state'), PROJECT);
    }
  }
}

/** Where a person's own agents lie (`agents/NAME.md`): VASTSIT_HOME, else the platform's directory for settings. Absolute. */
export function configDir(env: Env = process.env, platform: NodeJS.Platform = process.platform, home: string = homedir()): string {
  const own = vastsitHome(env);
  if (own !== null) return own;
  if (platform === 'darwin') return join(home, 'Library', 'Preferences', PROJECT);
  if (platform === 'win32') return join(env['APPDATA'] || join(home, 'AppData', 'Roaming'), PROJECT, 'Config');
  const xdg = env['XDG_CONFIG_HOME'];
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.config'), PROJECT);
}

/** Where the key lies that was pasted at the first run, mode 0600. */
export const keyFile = (env: Env = process.env): string => join(configDir(env), 'vast_api_key');

const vastsitHome = (env: Env): string | null => (env['VASTSIT_HOME'] ? resolve(env['VASTSIT_HOME']) : null);
