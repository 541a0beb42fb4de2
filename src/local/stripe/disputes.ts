import type Stripe from 'stripe';
import { moveDispute } from './dispute-lifecycle';
import { EVIDENCE } from './dispute-object';
import { listPage } from './list-page';
import { type Params } from './params';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { badState, noSuch } from './stripe-fault';

const SUBMISSION = ['manual', 'prefer_manual', 'prefer_smart_disputes', 'smart_disputes'] as const;

/** https://docs.stripe.com/api/disputes: made by card holders, never by the API */
export const disputeRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/disputes', handle: list },
  {
    method: 'GET',
    path: '/v1/disputes/:id',
    handle: ({ sim, params, id }) => (params.only(), requireDispute(sim, id)),
  },
  { method: 'POST', path: '/v1/disputes/:id', handle: update },
  { method: 'POST', path: '/v1/disputes/:id/close', handle: close },
];

export function requireDispute(sim: Simulation, id: string): Stripe.Dispute {
  const dispute = sim.store.get('disputes', id);
  if (dispute === undefined) throw noSuch('dispute', id, 'id', 404);
  return dispute;
}

/** Evidence goes to the bank unless `submit` is false. https://docs.stripe.com/api/disputes/update */
function update({ sim, params, id, caller }: Call): Stripe.Dispute {
  params.only('evidence', 'intended_submission_method', 'metadata', 'submit');
  const dispute = requireDispute(sim, id);
  const evidence = params.hash('evidence')?.only(...EVIDENCE);
  const submit = params.boolean('submit') ?? evidence !== undefined;
  if ((evidence || submit) && !dispute.status.endsWith('needs_response')) {
    throw badState(undefined, `This dispute is ${dispute.status}: evidence cannot be submitted any more.`);
  }
  if (params.has('metadata')) dispute.metadata = params.metadata(dispute.metadata);
  dispute.intended_submission_method =
    params.oneOf('intended_submission_method', SUBMISSION) ?? dispute.intended_submission_method;
  if (evidence) readEvidence(dispute, evidence);
  sim.store.put('disputes', dispute);
  if (!submit) {
    sim.emit(caller, 'charge.dispute.updated', dispute);
    return dispute;
  }
  dispute.evidence_details.submission_count += 1;
  dispute.evidence_details.submission_method = 'manual';
  moveDispute(sim, dispute, 'review', caller);
  // The bank answers after the call that submitted has been answered.
  sim.agenda.plan('dispute_verdict', dispute.id, sim.now());
  return structuredClone(dispute);
}

function readEvidence(dispute: Stripe.Dispute, sent: Params): void {
  const given = EVIDENCE.flatMap((field) => (sent.has(field) ? [[field, sent.optional(field)] as const] : []));
  Object.assign(dispute.evidence, Object.fromEntries(given));
  dispute.evidence_details.has_evidence = true;
}

/** Accepting the loss: it cannot be taken back. */
function close({ sim, params, id, caller }: Call): Stripe.Dispute {
  params.only();
  const dispute = requireDispute(sim, id);
  moveDispute(sim, dispute, dispute.status.startsWith('warning_') ? 'warn_close' : 'lose', caller);
  return dispute;
}

function list(call: Call): object {
  const wanted = (['charge', 'payment_intent'] as const).map((field) => [field, call.params.optional(field)] as const);
  const rows = call.sim.store
    .all('disputes')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['charge', 'created', 'payment_intent']);
}
