/** argv in, exit code out. What a command needs is loaded when it runs: --version, --help and --json never load React. */
import { runCli } from './cli.ts';
import { interrupt } from './interrupts.ts';

// A reader that leaves (`| head -1`), or a terminal that hangs up, is no failure; what must be closed is closed first.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  if (!interrupt(error.code === 'EIO' ? 'hangup' : 'asked')) process.exit(0);
});
// Nobody reads what is said any more; that is no reason to stop.
process.stderr.on('error', () => undefined);

process.exitCode = await runCli(process.argv.slice(2));
