/** The clipboard of the terminal that a person sits at, over any number of hops: OSC 52. Only text that we cleaned goes in. */
import { Buffer } from 'node:buffer';

/** Terminals that are known to ignore OSC 52: there a file does the job. */
export function hasClipboard(env: NodeJS.ProcessEnv): boolean {
  return env['TERM'] !== 'linux' && env['TERM_PROGRAM'] !== 'Apple_Terminal' && env['VTE_VERSION'] === undefined;
}

/** The sequence that hands `text` over; GNU screen passes it on only when it is wrapped. */
export function clipboardCode(text: string, env: NodeJS.ProcessEnv): string {
  const code = `\x1b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\x07`;
  // Its device control strings hold at most 768 bytes.
  return env['STY'] === undefined ? code : (code.match(/.{1,760}/gs) ?? []).map((part) => `\x1bP${part}\x1b\\`).join('');
}
