import type { Entry } from './command';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Entry[] = [
  {
    name: 'dev',
    summary: 'Run everything on this machine: database, chain, Stripe, upstream, the server',
    load: async () => (await import('./dev.js')).dev,
  },
  {
    name: 'demo',
    summary: 'Make paid calls on every rail against the running local stack, and show the invoices',
    load: async () => (await import('./demo.js')).demo,
  },
  {
    name: 'start',
    summary: 'Run the HTTP server (and its jobs, unless JOBS_IN_PROCESS=false)',
    load: async () => (await import('./serve.js')).start,
  },
  {
    name: 'worker',
    summary: 'Run only the jobs, without a port',
    load: async () => (await import('./serve.js')).worker,
  },
  {
    name: 'migrate',
    summary: 'Bring the database up to date',
    load: async () => (await import('./migrate.js')).migrate,
  },
  {
    name: 'customers create',
    summary: 'Make a customer',
    load: async () => (await import('./customers.js')).createCustomer,
  },
  {
    name: 'customers list',
    summary: 'List customers, newest first',
    load: async () => (await import('./customers.js')).listCustomers,
  },
  {
    name: 'customers show',
    summary: 'Show a customer with its money and keys',
    load: async () => (await import('./customers.js')).showCustomer,
  },
  {
    name: 'customers credit-limit',
    summary: 'Set how much a customer may owe',
    load: async () => (await import('./customers.js')).setCreditLimit,
  },
  {
    name: 'keys create',
    summary: 'Make an API key; its secret is shown once',
    load: async () => (await import('./keys.js')).createKey,
  },
  {
    name: 'keys list',
    summary: 'List API keys, the oldest first',
    load: async () => (await import('./keys.js')).listKeys,
  },
  {
    name: 'keys rotate',
    summary: 'Make a new secret with the rights of a key, which ends after a while',
    load: async () => (await import('./keys.js')).rotateKey,
  },
  {
    name: 'keys revoke',
    summary: 'End an API key now',
    load: async () => (await import('./keys.js')).revokeKey,
  },
  {
    name: 'models list',
    summary: 'List models, and whether they have a price',
    load: async () => (await import('./models.js')).listModels,
  },
  {
    name: 'models set',
    summary: 'Make a model, or change one',
    load: async () => (await import('./models.js')).setModel,
  },
  {
    name: 'prices list',
    summary: 'List the prices in force, or every version of one model',
    load: async () => (await import('./prices.js')).listPrices,
  },
  {
    name: 'prices set',
    summary: 'Add the next version of a price',
    load: async () => (await import('./prices.js')).setPrice,
  },
  {
    name: 'export usage',
    summary: 'Write the usage of a period as CSV',
    load: async () => (await import('./export.js')).exportUsage,
  },
  {
    name: 'chain',
    summary: 'Show the chains: nodes, blocks, wallets of ours with their gas money, alarms',
    load: async () => (await import('./chain.js')).showChains,
  },
  {
    name: 'jobs list',
    summary: 'List jobs, newest first, with their last error',
    load: async () => (await import('./jobs.js')).listJobs,
  },
  {
    name: 'jobs retry',
    summary: 'Let a dead job run again, or all of them',
    load: async () => (await import('./jobs.js')).retryJobs,
  },
  {
    name: 'jobs discard',
    summary: 'Give up the waiting jobs of a name',
    load: async () => (await import('./jobs.js')).discardJobs,
  },
  {
    name: 'jobs schedules',
    summary: 'List what repeats: when it ran, when it runs, how it went',
    load: async () => (await import('./jobs.js')).listSchedules,
  },
  {
    name: 'ledger verify',
    summary: 'Prove the books: hash chain, postings, balances, holds, usage and invoices',
    load: async () => (await import('./ledger.js')).verifyLedger,
  },
  {
    name: 'ledger balance',
    summary: 'Show the balance of an account at any instant',
    load: async () => (await import('./accounts.js')).showBalance,
  },
  {
    name: 'ledger statement',
    summary: 'List what moved an account in a period, with running balance',
    load: async () => (await import('./accounts.js')).showStatement,
  },
  {
    name: 'ledger correct',
    summary: 'Take an entry back, by a new one that names it',
    load: async () => (await import('./accounts.js')).correctEntry,
  },
  {
    name: 'grants give',
    summary: 'Give a customer credit: a gift, or a correction',
    load: async () => (await import('./grants.js')).giveGrant,
  },
  {
    name: 'grants list',
    summary: 'List the grants of a customer, and what is left of each, at any instant',
    load: async () => (await import('./grants.js')).listGrants,
  },
  {
    name: 'grants void',
    summary: 'Take back what is left of credit that was given, and end it',
    load: async () => (await import('./grants.js')).voidGrant,
  },
  {
    name: 'codes create',
    summary: 'Make a code that gives credit, once per customer',
    load: async () => (await import('./codes.js')).createCode,
  },
  {
    name: 'codes list',
    summary: 'List codes, newest first, and how often they were redeemed',
    load: async () => (await import('./codes.js')).listCodes,
  },
  {
    name: 'codes end',
    summary: 'End a code; what it gave stays',
    load: async () => (await import('./codes.js')).endCode,
  },
  {
    name: 'refunds create',
    summary: 'Refund a top-up by card, or a part of it',
    load: async () => (await import('./refunds.js')).createRefund,
  },
  {
    name: 'refunds list',
    summary: 'List refunds of cards, newest first',
    load: async () => (await import('./refunds.js')).listRefunds,
  },
  {
    name: 'disputes list',
    summary: 'List disputes of cards, newest first',
    load: async () => (await import('./disputes.js')).listDisputes,
  },
  {
    name: 'receivables write-off',
    summary: 'Give up what a customer owes, or a part of it',
    load: async () => (await import('./receivables.js')).writeOff,
  },
  {
    name: 'suspense list',
    summary: 'List card payments and transfers whose owner is not known',
    load: async () => (await import('./suspense.js')).listSuspense,
  },
  {
    name: 'suspense attribute',
    summary: 'Say whose a card payment or a transfer in suspense is',
    load: async () => (await import('./suspense.js')).attributeSuspense,
  },
  {
    name: 'refunds create-usdc',
    summary: 'Refund a call or a top-up that was paid in USDC, or a part of it',
    load: async () => (await import('./usdc-refunds.js')).createUsdcRefund,
  },
  {
    name: 'refunds list-usdc',
    summary: 'List refunds in USDC, newest first',
    load: async () => (await import('./usdc-refunds.js')).listUsdcRefunds,
  },
  {
    name: 'reconcile',
    summary: 'Compare the books with Stripe, the chains and themselves',
    load: async () => (await import('./reconcile.js')).reconcile,
  },
  {
    name: 'discrepancies list',
    summary: 'List what does not match, as it was first found',
    load: async () => (await import('./discrepancies.js')).listDiscrepancies,
  },
  {
    name: 'discrepancies resolve',
    summary: 'Settle a discrepancy by an entry, or waive it, with a reason',
    load: async () => (await import('./discrepancies.js')).resolveDiscrepancy,
  },
];
