// The import rules of the tree: services import packages, never services; packages never import services; contracts only Zod.

/** Pure rules lie in the room of their noun as `<name>.rules.ts`, or in domain/ where a service has no rooms. */
const pureRules = '^services/[^/]+/src/(domain/|.+[.]rules[.](test[.])?ts$)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'services-are-apart',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'packages-below-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(services|apps|simulators|e2e|bench)/' },
    },
    {
      name: 'only-the-server-hosts-services',
      severity: 'error',
      from: { path: '^(apps/(?!server/)|packages|simulators|e2e|bench)/?' },
      to: { path: '^services/' },
    },
    {
      name: 'services-know-no-simulator',
      severity: 'error',
      comment: '`npm start` starts the simulators, so its settings know where they are',
      from: {
        path: '^(services|packages|apps)/',
        pathNot: ['[.]test[.]ts$', '(^|/)test-[^/]+$', '^apps/server/src/settings[.]ts$'],
      },
      to: { path: '^simulators/' },
    },
    {
      name: 'contracts-import-only-zod',
      severity: 'error',
      from: { path: '^packages/contracts/' },
      to: { pathNot: ['^packages/contracts/', '^node_modules/zod/'] },
    },
    {
      name: 'the-demo-is-loaded-in-one-place',
      comment: 'demo/ is content: what a shop sells is in its database',
      severity: 'error',
      from: { pathNot: ['^demo/', '^services/catalog/src/operations/load-demo[.]ts$', '[.]test[.]ts$'] },
      to: { path: '^demo/' },
    },
    {
      name: 'the-demo-is-content',
      severity: 'error',
      from: { path: '^demo/' },
      to: { path: '^(services|apps|simulators|e2e|bench)/' },
    },
    {
      name: 'no-test-code-in-programs',
      severity: 'error',
      from: { pathNot: ['[.]test[.]tsx?$', '(^|/)test-[^/]+$', '^packages/testing/', '^(e2e|bench|scripts)/'] },
      to: { path: ['^packages/testing/', '[.]test[.]tsx?$', '(^|/)test-[^/]+[.]tsx?$'] },
    },
    {
      name: 'tables-know-no-room',
      comment:
        'rooms are made of db/, never the other way round; in a service without rooms, db/ may use the rules of domain/',
      severity: 'error',
      from: { path: '^services/[^/]+/src/db/' },
      to: {
        path: '^services/[^/]+/src/',
        pathNot: '^services/[^/]+/src/((db|domain|providers)/|(context|config)[.]ts$)',
      },
    },
    {
      name: 'providers-know-no-room',
      comment: 'an outside system knows its settings and pure rules; what is done with its answers is for the rooms',
      severity: 'error',
      from: { path: '^services/[^/]+/src/providers/', pathNot: '[.]test[.]ts$' },
      to: {
        path: '^services/[^/]+/src/',
        pathNot: ['^services/[^/]+/src/((providers|domain)/|config[.]ts$)', pureRules],
      },
    },
    {
      name: 'rules-know-no-tables',
      comment: 'pure: no row, no process, no provider',
      severity: 'error',
      from: { path: pureRules, pathNot: '[.]test[.]ts$' },
      to: { path: ['^services/', '^node_modules/(drizzle-orm|pg)/'], pathNot: pureRules },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['[.]next/', 'node_modules/.*/node_modules'] },
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs'],
    },
  },
};
