import { defineConfig } from 'vitest/config';

const report = process.env.VASTSIT_TEST_REPORT;
const e2e = ['test/e2e/**/*.test.{ts,tsx}'];
export default defineConfig({
  test: {
    testTimeout: 20_000,
    retry: 0,
    setupFiles: ['test/seed.ts'],
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      { extends: true, test: { name: 'rooms', include: ['test/**/*.test.{ts,tsx}'], exclude: e2e } },
      // Real processes, ptys and clocks: after the others and one file at a time, so that two cores are never fought over.
      { extends: true, test: { name: 'e2e', include: e2e, globalSetup: 'test/e2e/build.ts', sequence: { groupOrder: 1 }, fileParallelism: false, testTimeout: 240_000, hookTimeout: 120_000 } },
    ],
  },
});
