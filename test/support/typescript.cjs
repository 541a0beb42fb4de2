// Lets a process that a test starts run from the sources. What swc made of a file is kept under `node_modules/.cache`
// by the file's content: some hundred processes of a test run load the same six hundred files.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { version } = require('@swc/core/package.json');

const root = path.join(__dirname, '..', '..');
const config = readFileSync(path.join(root, '.swcrc'), 'utf8');
const options = { ...JSON.parse(config), swcrc: false, sourceMaps: false };
const cache = path.join(root, 'node_modules', '.cache', 'tollbridge-sources');
mkdirSync(cache, { recursive: true });

require.extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  const name = createHash('sha256').update(`${version}\0${config}\0${filename}\0${source}`).digest('hex');
  module._compile(compiled(path.join(cache, `${name}.js`), source, filename), filename);
};

function compiled(kept, source, filename) {
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const { code } = require('@swc/core').transformSync(source, { ...options, filename });
    writeFileSync(`${kept}.${process.pid}`, code);
    renameSync(`${kept}.${process.pid}`, kept); // another process may read it at this moment
    return code;
  }
}
