/** Runs another program in our terminal, until it ends. */
import { execa } from 'execa';

/** What to say afterwards. The command was built by us: no shell reads it, and a person types from here on. */
export async function runIn([file = 'ssh', ...args]: readonly string[]): Promise<string> {
  const { exitCode, failed, signal, shortMessage } = await execa(file, args, { stdio: 'inherit', reject: false, env: shellEnv(), extendEnv: false });
  if (exitCode === undefined) return `the shell could not be opened: ${shortMessage ?? signal ?? 'no reason given'}`;
  return failed && exitCode === 255 ? 'the connection to the box was lost' : 'back from the shell';
}

/** What a person's shell needs of ours. Keys are in the environment too, and no child needs them. */
function shellEnv(): Record<string, string> {
  return Object.fromEntries(['PATH', 'HOME', 'TERM', 'COLORTERM', 'LANG', 'LC_ALL', 'LC_CTYPE'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}
