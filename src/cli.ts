/** The command line: names, options and help texts. Each action loads its room when it runs. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { createRedactor } from './core/redact.ts';
import { EXIT, terminalIo, type ExitCode, type Io } from './headless/io.ts';
import { VERSION } from './core/version.ts';

const write = (stream: NodeJS.WriteStream) => (text: string): void => void stream.write(text);
/** Keys that the environment holds are masked in whatever is printed, an unexpected error's stack included. */
const SECRETS = ['VAST_API_KEY', 'VASTSIT_LLM_KEY', 'OPENAI_API_KEY'].flatMap((name) => process.env[name] ?? []);
const consoleIo: Io = terminalIo(write(process.stdout), write(process.stderr), createRedactor(SECRETS));
/** For the one command whose purpose is to print a key: the embedded market's. */
const bareIo: Io = terminalIo(write(process.stdout), write(process.stderr));

const CODES = `
Exit codes: 0 goal reached, 1 a run failed, 2 bad usage or spec, 3 refused, 4 credentials, 5 no offer fits,
6 market or network down, 8 still running, 9 another cockpit owns the state directory, 130 interrupted.
stdout is data, stderr is talk. State lives in VASTSIT_HOME, else the platform's state folder.`;

export async function runCli(argv: readonly string[]): Promise<number> {
  let code: ExitCode = EXIT.ok;
  const program = new Command('vastsit-tui')
    .description('Launches, watches, repairs, brings home and ends GPU training runs on Vast.ai.\nWithout a command: the full-screen cockpit.')
    .version(VERSION)
    .option('--theme <name>', 'palette of the cockpit')
    .option('--budget <usd>', '$/h that the whole fleet may burn, all-in (VASTSIT_FLEET_USD_PER_HOUR)', price)
    .option('--detach', 'no screen: a background process watches')
    .option('--plain', 'lines instead of a painted screen, orders as words (for screen readers)')
    .addHelpText('after', CODES)
    .exitOverride()
    .showHelpAfterError('(vastsit-tui --help tells more)');
  /** An action that ends with an exit code. */
  const does = <T extends unknown[]>(action: (...args: T) => Promise<ExitCode>) => async (...args: T): Promise<void> => {
    code = await action(...args);
  };
  type Json = { json?: boolean };
  const commands = () => import('./commands/index.ts');

  program
    .usage('[command] [options]')
    .argument('[unknown]')
    .action(
      does(async (unknown: string | undefined, options: { theme?: string; budget?: number; detach?: boolean; plain?: boolean }) => {
        // With a default action, a mistyped command arrives here as a word of its own.
        if (unknown !== undefined) throw new (await import('./headless/errors.ts')).UsageError(`there is no command ${JSON.stringify(unknown)}; \`vastsit-tui --help\` lists them`);
        const how = options.detach === true ? 'ready' : await (await import('./commands/first-run.ts')).firstRun(consoleIo, process.env, { stdin: process.stdin, stdout: process.stdout, write: (text) => void process.stdout.write(text) }, options.plain === true);
        if (how === 'quit') return EXIT.credentials;
        if (how === 'demo') return (await import('./demo.ts')).demoCommand(consoleIo, { scale: 60, ...options });
        return (await import('./commands/cockpit.ts')).cockpitCommand(consoleIo, options);
      }),
    );
  program
    .command('attach')
    .description('look on at another process\'s loops, live, and order through it (plain `vastsit-tui` does so by itself)')
    .option('--theme <name>', 'palette of the cockpit')
    .action(does(async (options: { theme?: string }) => (await import('./commands/cockpit.ts')).cockpitCommand(consoleIo, { ...options, attach: true })));
  program
    .command('background', { hidden: true })
    .option('--budget <usd>', '$/h that the whole fleet may burn, all-in', price)
    .action(does(async (options: { budget?: number }) => (await import('./owner/background.ts')).backgroundCommand(consoleIo, { dir: (await import('./settings.ts')).stateDir(), project: process.cwd(), ...options })));
  program
    .command('demo')
    .description('the whole story on the embedded market: no account, key or GPU')
    .option('--json', 'headless: one event a line')
    .option('--scenario <name>', 'another story: tuning (a GPU that waits for data), recovery (bad checkpoints, a hot host)', 'demo')
    .option('--scale <n>', 'clock seconds per real second', positive, 60)
    .option('--theme <name>', 'palette of the cockpit')
    .action(does(async (options: Json & { scale: number; scenario: string; theme?: string }) => (await import('./demo.ts')).demoCommand(consoleIo, options)));
  program
    .command('sim')
    .description('the embedded market alone; prints {"url","api_key"}')
    .option('--port <n>', 'port on 127.0.0.1; 0 picks one', positive, 0)
    .option('--scenario <file>', 'a scenario (YAML)')
    .option('--scale <n>', 'clock seconds per real second', positive, 1)
    .action(does(async (options: { port: number; scenario?: string; scale: number }) => (await import('./demo.ts')).simCommand(bareIo, options)));
  program
    .command('init')
    .description('write a commented experiment.yaml')
    .argument('[file]', 'where', 'experiment.yaml')
    .action(does(async (file: string) => (await commands()).init(consoleIo, file)));
  program
    .command('offers')
    .description('what fits a spec now, at which all-in price, and why the rest is out')
    .argument('<spec>')
    .option('--json')
    .action(does(async (spec: string, options: Json) => (await commands()).offers(consoleIo, spec, options.json === true)));
  program
    .command('launch')
    .description('rent, start and watch to the end; hands over to a running cockpit when there is one')
    .argument('<spec...>')
    .option('--budget <usd>', '$/h that the whole fleet may burn, all-in', price)
    .option('--detach', 'hand over to a background process and return')
    .option('--json', 'one event a line')
    .action(does(async (specs: string[], options: Json & { budget?: number; detach?: boolean }) => {
      // Both flags may also stand before the command's name.
      const { budget, detach } = { ...program.opts<{ budget?: number; detach?: boolean }>(), ...options };
      return (await commands()).launch(consoleIo, specs, options.json === true, budget, detach);
    }));
  program
    .command('watch')
    .description('watch runs until they are over (all, unless named)')
    .argument('[run...]')
    .option('--json', 'one event a line')
    .action(does(async (runs: string[], options: Json) => (await commands()).watch(consoleIo, runs, options.json === true)));
  program
    .command('status')
    .description('one line a run: ts state step rate gpu mem eval action next_eta')
    .option('--json')
    .action(does(async (options: Json) => (await commands()).status(consoleIo, options.json === true)));
  program
    .command('cost')
    .description('dollars by instance: productive, wasted, and what still bills')
    .option('--json')
    .action(does(async (options: Json) => (await commands()).cost(consoleIo, options.json === true)));
  program
    .command('report')
    .description('why a run stands where it stands: root cause, evidence, what was tried, next best option')
    .argument('<run>')
    .option('--json')
    .action(does(async (run: string, options: Json) => (await commands()).report(consoleIo, run, options.json === true)));
  program
    .command('journal')
    .description('who decided what, on which evidence, at what cost')
    .argument('[run]')
    .option('--json', 'every event, one a line')
    .action(does(async (run: string | undefined, options: Json) => (await commands()).journal(consoleIo, run, options.json === true)));
  program
    .command('policy')
    .description('what it does by itself, as tables: ladder, fixes, teardown, away, budgets')
    .option('--json')
    .action(does(async (options: Json) => (await import('./headless/policy.ts')).policyCommand(consoleIo, options.json === true)));
  program
    .command('destroy')
    .description('bring results home, then destroy; waits until two reads say gone')
    .argument('<run>')
    .option('--waive', 'do not wait for results: what is not at home is lost')
    .option('--grace <s>', 'seconds in which `recall` calls it back', positive, 0)
    .option('--json')
    .action(does(async (run: string, options: Json & { waive?: boolean; grace: number }) => (await commands()).order(consoleIo, { do: 'destroy', run, waive: options.waive === true, ...(options.grace > 0 && { grace_s: options.grace }) }, options.json === true)));
  program
    .command('recall')
    .description('call a destroy back that waits its grace')
    .argument('<run>')
    .option('--json')
    .action(does(async (run: string, options: Json) => (await commands()).order(consoleIo, { do: 'recall', run }, options.json === true)));
  program
    .command('relaunch')
    .description('end the training and start it anew on the same instance, if need be with other commands')
    .argument('<run>')
    .option('--command <text>', 'instead of the spec\'s `run`')
    .option('--resume <text>', 'instead of the spec\'s `checkpoints.resume`')
    .option('--json')
    .action(does(async (run: string, options: Json & { command?: string; resume?: string }) => (await commands()).order(consoleIo, { do: 'relaunch', run, ...(options.command !== undefined && { command: options.command }), ...(options.resume !== undefined && { resume: options.resume }) }, options.json === true)));
  program
    .command('switch')
    .description('bring the newest checkpoint home, end this instance, and go on on another machine')
    .argument('<run>')
    .option('--json')
    .action(does(async (run: string, options: Json) => (await commands()).order(consoleIo, { do: 'switch', run }, options.json === true)));
  program
    .command('bid')
    .description('raise the bid for an interruptible instance, within the spec\'s price cap')
    .argument('<run>')
    .argument('<usd>', '$/h for the GPU; the disk is extra', price)
    .option('--json')
    .action(does(async (run: string, usd: number, options: Json) => (await commands()).order(consoleIo, { do: 'raise_bid', run, usd_per_hour: usd }, options.json === true)));
  program
    .command('adopt')
    .description('run a spec on an instance of the account that this program did not rent; given back at the end')
    .argument('<instance>', 'its number', positive)
    .argument('<spec>')
    .option('--json', 'one event a line')
    .action(does(async (instance: number, spec: string, options: Json) => (await commands()).adopt(consoleIo, instance, spec, options.json === true)));
  program
    .command('keep')
    .description('keep the instance when the run is over; it bills on until you say otherwise')
    .argument('<run>')
    .option('--no', 'the usual way again')
    .option('--json')
    .action(does(async (run: string, options: Json & { no?: boolean }) => (await commands()).order(consoleIo, { do: 'keep', run, keep: options.no !== true }, options.json === true)));
  program
    .command('hold')
    .description('approve a debugging stay; it always ends')
    .argument('<run>')
    .option('--minutes <n>', 'how long', positive, 30)
    .option('--reason <text>', 'why', 'debugging')
    .option('--json')
    .action(does(async (run: string, options: Json & { minutes: number; reason: string }) => (await commands()).order(consoleIo, { do: 'hold', run, minutes: options.minutes, reason: options.reason }, options.json === true)));
  program
    .command('release')
    .description('end a hold')
    .argument('<run>')
    .option('--json')
    .action(does(async (run: string, options: Json) => (await commands()).order(consoleIo, { do: 'release', run }, options.json === true)));
  program
    .command('approve')
    .description('say yes to what the language model proposed and the guard would not accept unasked')
    .argument('<run>')
    .option('--json')
    .action(does(async (run: string, options: Json) => (await commands()).order(consoleIo, { do: 'approve', run }, options.json === true)));
  program
    .command('refuse')
    .description('say no to it; the rules go on')
    .argument('<run>')
    .option('--json')
    .action(does(async (run: string, options: Json) => (await commands()).order(consoleIo, { do: 'refuse', run }, options.json === true)));
  program
    .command('ask')
    .description('a question about a run, answered by the language model from facts; it changes nothing')
    .argument('<run>')
    .argument('<question>')
    .option('--json')
    .action(does(async (run: string, question: string, options: Json) => (await commands()).ask(consoleIo, run, question, options.json === true)));
  program
    .command('agents')
    .description('the agents\' files: mandate, model, tools, limits')
    .command('check')
    .description('validate them, and show which file is in force')
    .option('--json')
    .action(does(async (options: Json) => (await import('./commands/brain.ts')).agentsCheck(consoleIo, process.env, options.json === true)));
  program
    .command('logs')
    .description('the end of a run\'s log, from the box or from home')
    .argument('<run>')
    .option('--lines <n>', 'how many', positive, 100)
    .option('--json')
    .action(does(async (run: string, options: Json & { lines: number }) => (await commands()).logs(consoleIo, run, options.lines, options.json === true)));
  program
    .command('triage')
    .description('explain any training log: what it did, what killed it, what to do next')
    .argument('[file]', 'a log file, or - for stdin', '-')
    .option('--json')
    .option('--llm', 'add the language model\'s reading beside the rules\'')
    .option('--jsonl', 'lines {"id","text"} on stdin, one verdict a line')
    .action(does(async (file: string, options: Json & { jsonl?: boolean; llm?: boolean }) => (await commands()).triage(consoleIo, file, options)));
  program
    .command('doctor')
    .description('what is missing for the real thing, each with its remedy')
    .option('--rehearse <spec>', 'prove the lease: rent what the spec wants for some minutes, fall silent, and see the billing end')
    .option('--yes', 'do not ask before the rehearsal costs')
    .option('--json')
    .action(does(async (options: Json & { rehearse?: string; yes?: boolean }) => (await commands()).doctor(consoleIo, options)));

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return (await import('./headless/errors.ts')).explain(consoleIo, error, argv.includes('--json'));
  }
}

function price(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected dollars per hour, such as 2.50');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('expected a number that is not negative');
  return value;
}
