// npm run bench -- NAME [options]
const BENCHES = { tokens: './tokens.mjs' };

const [name, ...options] = process.argv.slice(2);
const file = Object.hasOwn(BENCHES, name ?? '') ? BENCHES[name] : null;
if (file === null) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')} [--json]`);
  process.exit(2);
}
await (await import(file)).run(options);
