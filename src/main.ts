/** argv in, exit code out. What a command needs is loaded when it runs: --version, --help and --json never load React. */
import { runCli } from './cli.ts';

// A reader that leaves (`| head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2));
