/** Reads any training log: step, total, epoch, rate, loss, metrics, and what the run is doing. Pure. */
export { createProgressReader, readLog, type ProgressOptions, type ProgressReader, type ProgressReading } from './reader.ts';
export { PRESET_NAMES } from './presets.ts';
export { stepsPerSecond } from './rates.ts';
export { patternProblem } from './user.ts';
