// The arrows between rooms run one way; see "Rooms" in the README.
const only = (room, allowed) => ({
  name: `${room}-imports`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})(/|\\.ts)` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    only('core', []),
    only('vast', ['core']),
    only('remote', ['core']),
    only('journal', ['core']),
    only('attach', ['core']),
    only('agents', ['core']),
    only('cockpit', ['core', 'store']),
    only('headless', ['core', 'store']),
    only('sim', ['core']),
    only('owner', ['core', 'journal', 'attach', 'agents', 'headless', 'remote', 'vast', 'store', 'app', 'clock', 'interrupts', 'settings']),
    { name: 'commands-on-top', severity: 'error', from: { path: '^src/', pathNot: '^src/(commands/|cli\\.ts|demo\\.ts)' }, to: { path: '^src/commands/' } },
    { name: 'core-is-pure', severity: 'error', from: { path: '^src/core/' }, to: { dependencyTypes: ['core'] } },
    { name: 'sim-from-demo-alone', severity: 'error', from: { path: '^src/', pathNot: '^src/(sim/|demo\\.ts)' }, to: { path: '^src/sim/' } },
    { name: 'react-only-in-cockpit', severity: 'error', from: { path: '^src/', pathNot: '^src/cockpit/' }, to: { path: 'node_modules/(react|ink)/' } },
  ],
  options: { tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' }, enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.json'] } },
};
