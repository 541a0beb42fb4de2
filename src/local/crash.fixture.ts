import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** A start made by another process, for tests that kill the starter. */
export interface ForeignStart<T> {
  readonly result: T;
  /** Ends the starter as a crash does: no handler of it runs. Resolves when it is gone. */
  crash(): Promise<void>;
}

/**
 * Calls `<module>.<name>(options)` of this folder in a process of its own and waits for what it resolves to (without
 * its functions).
 */
export function startElsewhere<T>(module: string, name: string, options: object): Promise<ForeignStart<T>> {
  const script = `
    const { transformFileSync } = require('@swc/core');
    require('node:module')._extensions['.ts'] = (module, file) =>
      module._compile(transformFileSync(file, { swcrc: true }).code, file);
    require(${JSON.stringify(join(__dirname, module))})[${JSON.stringify(name)}](${JSON.stringify(options)})
      .then((result) => console.log(JSON.stringify(result)));
  `;
  const starter = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script], {
    cwd: join(__dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => starter.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    let output = '';
    starter.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (!output.endsWith('\n')) return;
      const crash = () => {
        starter.kill('SIGKILL');
        return gone;
      };
      resolve({ result: JSON.parse(output) as T, crash });
    });
    void gone.then(() => reject(new Error(`${module}.${name} ended before it had started`)));
  });
}
