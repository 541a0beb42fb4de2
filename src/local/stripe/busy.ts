import { type Call, type Route } from './route';
import { book } from './settlement';
import { type Simulation } from './simulation';

/** A look at the balance or at its transactions while money moves: before the answer is made and after it. */
export const busily =
  (handle: Route['handle']): Route['handle'] =>
  (call: Call) => {
    move(call.sim);
    const answer = handle(call);
    move(call.sim);
    return answer;
  };

/** Amounts differ from each other, so that no sum of some is the sum of others by chance. */
function move(sim: Simulation): void {
  for (let left = sim.movesPerLook; left > 0; left -= 1) {
    const amount = -1 - (sim.store.all('balance_transactions').length % 97);
    book(sim, { type: 'stripe_fee', amount, currency: 'usd', source: null, description: 'Radar' });
  }
}
