import { type Control } from './control';
import { changedFields } from './customers';
import { answerBank, requireAnyIntent } from './intent-authentication';
import { requireMethod } from './payment-methods';
import { NOBODY } from './simulation';
import { badParameter, badState } from './stripe-fault';

const OUTCOMES = ['succeeded', 'failed'] as const;

/** What banks and card holders do to saved cards and to intents that wait for them. */
export const cardControls: readonly Control[] = [
  ...(['payment_intents', 'setup_intents'].map((resource) => ({
    path: `${resource}/:id/authenticate`,
    press: ({ sim, id, body }) => {
      const passed = body.only('outcome').required('outcome', OUTCOMES) === 'succeeded';
      return answerBank(sim, requireAnyIntent(sim, id), passed);
    },
  })) satisfies Control[]),
  {
    // The card in the customer's hand stays the same; what its bank says to the next payment is another card's answer.
    path: 'payment_methods/:id/become',
    press: ({ sim, id, body }) => {
      const number = body.only('card').string('card')?.replaceAll(/[ -]/g, '');
      if (number === undefined) throw badParameter('parameter_missing', 'Missing required param: card.', 'card');
      const secret = sim.store.get('card_secrets', id);
      if (secret === undefined) throw badState(undefined, `${id} is not a card.`);
      sim.store.put('card_secrets', { ...secret, number });
      return requireMethod(sim, id);
    },
  },
  {
    path: 'payment_methods/:id/automatically_update',
    press: ({ sim, id, body }) => {
      body.only('exp_month', 'exp_year');
      const method = requireMethod(sim, id);
      if (method.card === undefined) throw badState(undefined, `${id} is not a card.`);
      const before = structuredClone(method);
      method.card.exp_month = body.integer('exp_month', 1, 12) ?? method.card.exp_month;
      method.card.exp_year = body.integer('exp_year', 2000, 9999) ?? method.card.exp_year;
      sim.store.put('payment_methods', method);
      sim.emit(NOBODY, 'payment_method.automatically_updated', method, changedFields(before, method));
      return method;
    },
  },
];
