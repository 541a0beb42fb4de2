// The floors: a folder imports itself and lower floors only; neighbours on a floor never meet. AGENTS.md shows them.
const FLOORS = [
  ['common', 'payments-client'],
  ['config'],
  ['database', 'evm'],
  ['jobs'],
  ['ledger', 'customers', 'metering'],
  ['pricing', 'credits', 'budgets'],
  ['payments', 'topups'],
  ['invoicing', 'exports', 'reconciliation'],
  ['gateway'],
  ['health'],
];
const FRAMEWORKS = '(^|/)node_modules/(@nestjs|typeorm|stripe|bull|ioredis|pg|fastify|@fastify|express)/';

const floorRules = FLOORS.flatMap((floor, height) =>
  floor.map((folder) => {
    const allowed = [folder, ...FLOORS.slice(0, height).flat()];
    return {
      name: `floor-${height}-${folder}`,
      comment: `src/${folder} may import ${allowed.join(', ')}`,
      severity: 'error',
      from: { path: `^src/${folder}/`, pathNot: '\\.spec\\.ts$' },
      to: { path: '^(src|test|bench)/', pathNot: `^src/(${allowed.join('|')})/` },
    };
  }),
);

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'local-knows-nothing-of-the-product',
      severity: 'error',
      from: { path: '^src/local/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/', pathNot: '^src/local/' },
    },
    {
      name: 'product-never-loads-local',
      comment: 'only cli.ts composes the local world, and only for `dev`',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(local/|cli\\.ts|cli/)|\\.spec\\.ts$' },
      to: { path: '^src/local/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'one-dot-is-pure',
      comment: 'a one-dot file is domain code: the second dot names the framework role',
      severity: 'error',
      from: { path: '/[^/.]+\\.ts$', pathNot: '^src/(local|cli)/|^src/[^/]+$' },
      to: { path: FRAMEWORKS },
    },
    {
      name: 'only-topups-knows-stripe',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(topups|local)/' },
      to: { path: '(^|/)node_modules/stripe/' },
    },
    {
      name: 'only-evm-and-payments-know-a-chain',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(evm|payments|payments-client|local)/|\\.spec\\.ts$' },
      to: { path: '(^|/)node_modules/(viem|@x402)/' },
    },
    {
      name: 'scheme-by-interface',
      comment:
        'only payments/ may name a scheme folder; chain-watch is none: reconciliation asks it, and who attributes',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/payments/|\\.spec\\.ts$' },
      to: { path: '^src/payments/[^/]+/', pathNot: '^src/payments/chain-watch/(chain-reconciliation|attributions)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
