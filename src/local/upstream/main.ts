import { parseArgs } from 'node:util';
import { startUpstream } from './upstream-simulator';

const HELP = `Usage: node main.js [--port N] [--api-key KEY] [--help]

Runs the OpenAI-shaped upstream of the local world on 127.0.0.1 and prints one JSON line, {"url": …}, when it is ready.
  --port N       the port to listen on (default: any free one)
  --api-key KEY  refuse callers that do not bear this key
SIGTERM or SIGINT ends it. README.md in this folder's sources lists the behaviours a request may ask for.
`;

/** Runs the upstream as a process of its own; the bench measures against it so. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, 'api-key': { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port: not a port: ${values.port}`);
  const key = values['api-key'];
  const upstream = await startUpstream({ port, ...(key === undefined ? {} : { apiKey: key }) });
  const end = (): void => void upstream.stop();
  process.once('SIGTERM', end).once('SIGINT', end);
  process.stdout.write(`${JSON.stringify({ url: upstream.url })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
