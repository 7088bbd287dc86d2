/** The cockpit as lines, for screen readers and for whoever likes to scroll: what happens is printed, orders are typed words. */
import { createInterface } from 'node:readline';
import type { Command, CommandAnswer } from '../core/commands.ts';
import type { World } from '../core/state.ts';
import { EXIT, type ExitCode, type Io } from '../headless/io.ts';
import { printStatus } from '../headless/status.ts';
import { saidLine } from '../headless/stream.ts';

export interface LinesPorts {
  world(): World;
  /** Calls back after each change; returns how to stop it. */
  subscribe(listener: () => void): () => void;
  dispatch(command: Command): Promise<CommandAnswer>;
  now(): number;
  stdin: NodeJS.ReadableStream;
  signal: AbortSignal;
}

const HELP = 'words: status, launch SPEC, check RUN, hold RUN MINUTES REASON, release RUN, keep RUN, destroy RUN, recall RUN, relaunch RUN, switch RUN, bid RUN USD, approve RUN, refuse RUN, help, quit';

export type Words = { say: 'status' } | { say: 'help' } | { say: 'quit' } | { say: 'order'; command: Command; /** Must be typed as a line of its own first. */ word: string | null } | { say: 'unknown'; why: string };

/** A typed line as an order. What ends something wants the run's name typed once more, as the cockpit does. */
export function readWords(line: string): Words {
  const [verb = '', run = '', ...rest] = line.trim().split(/\s+/);
  const order = (command: Command, word: string | null = null): Words => (run === '' ? { say: 'unknown', why: `${verb} wants a name` } : { say: 'order', command, word });
  switch (verb) {
    case '':
    case 'status':
      return { say: 'status' };
    case 'help':
      return { say: 'help' };
    case 'quit':
    case 'exit':
      return { say: 'quit' };
    case 'launch':
      return order({ do: 'launch', spec_path: run }, 'launch');
    case 'check':
    case 'release':
    case 'recall':
    case 'approve':
    case 'refuse':
      return order({ do: verb, run });
    case 'relaunch':
    case 'switch':
      return order({ do: verb, run }, run);
    case 'keep':
      return order({ do: 'keep', run, keep: true });
    case 'destroy':
      return order({ do: 'destroy', run, waive: false, grace_s: 10 }, run);
    case 'bid':
      return Number(rest[0]) > 0 ? order({ do: 'raise_bid', run, usd_per_hour: Number(rest[0]) }) : { say: 'unknown', why: 'bid wants a price: bid RUN 0.35' };
    case 'hold':
      return Number(rest[0]) > 0 && rest.length > 1 ? order({ do: 'hold', run, minutes: Number(rest[0]), reason: rest.slice(1).join(' ') }) : { say: 'unknown', why: 'hold wants minutes and a reason: hold RUN 30 look at it' };
    default:
      return { say: 'unknown', why: `there is no word ${JSON.stringify(verb.slice(0, 40))}` };
  }
}

/** Until `quit`, the end of the input, or a signal. */
export async function lines(io: Io, ports: LinesPorts): Promise<ExitCode> {
  let spoken = ports.world().said.at(-1)?.seq ?? 0;
  const tell = (): void => {
    const { said } = ports.world();
    for (const line of said) if (line.seq > spoken) saidLine(io, line);
    spoken = Math.max(spoken, said.at(-1)?.seq ?? 0);
  };
  printStatus(io, ports.world(), ports.now(), false, null);
  io.out(HELP);
  const silence = ports.subscribe(tell);
  const input = createInterface({ input: ports.stdin, terminal: false });
  ports.signal.addEventListener('abort', () => input.close());
  if (ports.signal.aborted) input.close();
  let pending: { command: Command; word: string } | null = null;
  try {
    for await (const line of input) {
      if (pending !== null) {
        const { command, word } = pending;
        pending = null;
        if (line.trim() === word) await obey(io, ports, command);
        else io.out('left as it is');
        continue;
      }
      const words = readWords(line);
      if (words.say === 'quit') break;
      if (words.say === 'unknown') io.out(`${words.why}; ${HELP}`);
      else if (words.say !== 'order') tellAll(io, ports, words.say);
      else if (words.word === null) await obey(io, ports, words.command);
      else {
        pending = { command: words.command, word: words.word };
        io.out(`type ${words.word} to do it, anything else leaves all as it is`);
      }
    }
  } finally {
    silence();
    input.close();
  }
  return ports.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

function tellAll(io: Io, ports: LinesPorts, what: 'status' | 'help'): void {
  if (what === 'help') io.out(HELP);
  else printStatus(io, ports.world(), ports.now(), false, null);
}

async function obey(io: Io, ports: LinesPorts, command: Command): Promise<void> {
  const answer = await ports.dispatch(command);
  io.out(answer.ok ? answer.said : `refused: ${answer.why}`);
}
