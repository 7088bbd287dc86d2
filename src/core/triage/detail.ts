/** Names that a remedy needs, taken out of the key line and checked: they come from a log. */
import type { Cause } from '../causes.ts';
import { packageFor, safeModule } from './packages.ts';

export function detailOf(cause: Cause, signature: string): { module?: string; package?: string; file?: string } {
  const detail: { module?: string; package?: string; file?: string } = {};
  if (cause === 'missing_dependency') {
    const named = /No module named ['"]?([^'"\s;,]{1,120})/.exec(signature)?.[1] ?? /^.*?([\w.+-]{1,80}): command not found/.exec(signature)?.[1];
    const module = named === undefined ? undefined : safeModule(named);
    if (module !== undefined) {
      detail.module = module;
      const found = signature.includes('command not found') ? undefined : packageFor(module);
      if (found !== undefined) detail.package = found;
    }
  }
  const file = /['"`(]((?:\.{0,2}\/|[A-Za-z]:\\)[^'"`()]{1,200})['"`)]/.exec(signature)?.[1] ?? /(?:No such file or directory|not found|cannot open)[:\s]+'?(\/?[\w./-]{2,200})/.exec(signature)?.[1];
  if (file !== undefined) detail.file = file;
  return detail;
}
