// Compiles every contracts/*.sol into contracts/artifacts.json, or checks that the file is fresh (see HELP).
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const HELP = `Usage: node contracts/compile.mjs [--check | --help]

Compiles every contracts/*.sol with the solc package into contracts/artifacts.json.
The file is committed, so nobody needs the compiler to run the local chain.

  --check   do not compile: exit 1 when artifacts.json does not belong to the sources,
            the imported OpenZeppelin files, the compiler version or its settings
  --help    this text
`;

const require = createRequire(import.meta.url);
const folder = dirname(fileURLToPath(import.meta.url));
const artifactFile = join(folder, 'artifacts.json');

/** `bytecodeHash: none` keeps the metadata hash (paths, comments) out of the code: same code on every machine. */
const SETTINGS = {
  evmVersion: 'cancun',
  viaIR: true,
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
};

/** Said of every `tstore`. The only one is OpenZeppelin's reentrancy guard, which clears its slot, as solc asks for. */
const TRANSIENT_STORAGE_WARNING = '2394';

const [flag, ...rest] = process.argv.slice(2);
if (flag === '--help' || flag === '-h') {
  process.stdout.write(HELP);
} else if (rest.length > 0 || (flag !== undefined && flag !== '--check')) {
  fail(`Unknown argument: ${[flag, ...rest].join(' ')}\n\n${HELP}`, 2);
} else if (flag === '--check') {
  check();
} else {
  compile();
}

function compile() {
  const { own, sources } = readSources();
  // Loaded here only: the compiler is a 20 MB script, and --check must be fast.
  const output = JSON.parse(
    require('solc').compile(JSON.stringify({ language: 'Solidity', sources, settings: SETTINGS })),
  );
  const messages = (output.errors ?? []).filter(({ errorCode }) => errorCode !== TRANSIENT_STORAGE_WARNING);
  if (messages.length > 0) {
    fail(`solc reports:\n${messages.map((message) => message.formattedMessage).join('\n')}`, 1);
    return;
  }
  const contracts = {};
  for (const file of own) {
    for (const [name, { abi, evm }] of Object.entries(output.contracts[file])) {
      if (evm.bytecode.object === '') continue; // an interface or an abstract contract
      contracts[name] = {
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        runtimeBytecode: `0x${evm.deployedBytecode.object}`,
      };
    }
  }
  const artifact = { sourceHash: hash(sources), compiler: compilerVersion(), contracts };
  writeFileSync(artifactFile, `${JSON.stringify(artifact, null, 1)}\n`);
  process.stdout.write(`contracts/artifacts.json: ${Object.keys(contracts).join(', ')} (solc ${artifact.compiler})\n`);
}

function check() {
  let found;
  try {
    found = JSON.parse(readFileSync(artifactFile, 'utf8')).sourceHash;
  } catch (error) {
    fail(`contracts/artifacts.json cannot be read (${error.message}). Run: npm run contracts`, 1);
    return;
  }
  if (found !== hash(readSources().sources)) {
    fail(
      'contracts/artifacts.json is stale: a source, an imported file, the compiler or its settings changed since it was compiled. Run: npm run contracts',
      1,
    );
  }
}

/** Our files and everything they import, by the name solc knows them under. Throws when an import is missing. */
function readSources() {
  const own = readdirSync(folder)
    .filter((file) => file.endsWith('.sol'))
    .toSorted();
  const sources = {};
  const waiting = [...own];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (sources[name]) continue;
    const path = name.startsWith('@') ? require.resolve(name) : join(folder, name);
    const content = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
    sources[name] = { content };
    for (const [, target] of content.matchAll(/^\s*import\s[^"';]*["']([^"']+)["']/gm)) {
      waiting.push(target.startsWith('.') ? posix.join(posix.dirname(name), target) : target);
    }
  }
  return { own, sources };
}

function hash(sources) {
  const inOrder = Object.keys(sources)
    .toSorted()
    .map((name) => [name, sources[name].content]);
  return createHash('sha256')
    .update(JSON.stringify([compilerVersion(), SETTINGS, inOrder]))
    .digest('hex');
}

function compilerVersion() {
  return require('solc/package.json').version;
}

function fail(sentence, exitCode) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = exitCode;
}
