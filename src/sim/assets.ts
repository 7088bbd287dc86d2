/** Where the files lie that the simulation ships: beside this module in the sources, beside the bundle in dist. */
import { fileURLToPath } from 'node:url';

/** Absolute path of a shipped file. */
export const assetPath = (...parts: string[]): string => fileURLToPath(new URL(`./assets/${parts.map(encodeURIComponent).join('/')}`, import.meta.url));
