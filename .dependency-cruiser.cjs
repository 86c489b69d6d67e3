/** The import rules of the tree: services import packages, never services; packages never import services; contracts only Zod. */
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
      from: { path: '^(services|packages|apps)/', pathNot: '[.]test[.]ts$' },
      to: { path: '^simulators/' },
    },
    {
      name: 'contracts-import-only-zod',
      severity: 'error',
      from: { path: '^packages/contracts/' },
      to: { pathNot: ['^packages/contracts/', '^node_modules/zod/'] },
    },
    {
      name: 'no-test-code-in-programs',
      severity: 'error',
      from: { pathNot: ['[.]test[.]ts$', '^packages/testing/', '^e2e/', '^bench/', 'test-[a-z-]+[.]ts$', '^vitest'] },
      to: { path: ['^packages/testing/', '[.]test[.]ts$'] },
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
