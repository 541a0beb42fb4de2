// Runs the server from its sources, for walks that need a process of its own to kill. It ends with the one that forked it.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

const root = join(__dirname, '..', '..');
const options = { ...JSON.parse(readFileSync(join(root, '.swcrc'), 'utf8')), swcrc: false, sourceMaps: false };
require.extensions['.ts'] = (module, filename) =>
  module._compile(transformSync(readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);

process.once('disconnect', () => process.exit(1));
const main = require(join(root, 'src', 'main.ts'));
if (main.serve) main.serve();
