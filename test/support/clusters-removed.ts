import { rmSync } from 'node:fs';

export default function tearDown(): void {
  const directory = process.env['TOLLBRIDGE_TEST_CLUSTERS'];
  if (directory) rmSync(directory, { recursive: true, force: true });
}
