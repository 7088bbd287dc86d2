import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where agents/ and themes/ lie: beside the bundle's directory in production, and beside src/ from source. */
export const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
