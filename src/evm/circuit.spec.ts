import { Circuit, CIRCUIT_TRANSITIONS, type CircuitState } from './circuit';

/** A circuit whose probes are answered by hand, and what it went through. */
function circuitWith(): { circuit: Circuit; states: CircuitState[]; answer: (isThere: boolean) => Promise<void> } {
  const probes: ((isThere: boolean) => void)[] = [];
  const states: CircuitState[] = ['closed'];
  const isThere = () => new Promise<boolean>((resolve) => probes.push(resolve));
  const circuit = new Circuit(isThere, (_, to) => states.push(to), 1);
  const answer = async (there: boolean) => {
    while (probes.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    probes.shift()?.(there);
    await new Promise(setImmediate);
  };
  return { circuit, states, answer };
}

test('a call that fails while somebody is there opens nothing', async () => {
  const { circuit, states, answer } = circuitWith();
  circuit.failed();
  circuit.failed();
  expect([circuit.state, circuit.isOpen]).toEqual(['suspect', false]);
  await answer(true);
  expect(states).toEqual(['closed', 'suspect', 'closed']);
});

test('it opens when nobody is there, asks by itself, and closes with the first answer', async () => {
  const { circuit, states, answer } = circuitWith();
  circuit.failed();
  await answer(false);
  expect(circuit.isOpen).toBe(true);
  await answer(false);
  await answer(true);
  expect(circuit.isOpen).toBe(false);
  expect(states).toEqual(['closed', 'suspect', 'open', 'half_open', 'open', 'half_open', 'closed']);
});

test('calls that were on their way when it opened change nothing', async () => {
  const { circuit, answer } = circuitWith();
  circuit.failed();
  await answer(false);
  circuit.failed();
  expect(CIRCUIT_TRANSITIONS.open).not.toHaveProperty('call_failed');
  expect(circuit.isOpen).toBe(true);
  circuit.stop();
});
