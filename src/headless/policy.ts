/** `policy`: the tables that decide, for people and scripts. */
import { policyTables } from '../core/policy.ts';
import { EXIT, json, type ExitCode, type Io } from './io.ts';
import { table } from './status.ts';

export function policyCommand(io: Io, asJson: boolean): Promise<ExitCode> {
  const tables = policyTables();
  if (asJson) json(io, { type: 'policy', ...Object.fromEntries(tables.map(({ name, head, rows }) => [name, rows.map((row) => Object.fromEntries(head.map((column, index) => [column.replaceAll(' ', '_'), row[index] ?? ''])))])) });
  else {
    for (const { title, head, rows } of tables) {
      io.out(title);
      for (const line of table([[...head], ...rows.map((row) => [...row])])) io.out(`  ${line}`);
      io.out('');
    }
  }
  return Promise.resolve(EXIT.ok);
}
