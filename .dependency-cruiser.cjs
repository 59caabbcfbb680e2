// Imports point one way (docs/architecture): core <- archive, api, store <- engine <- drivers <- server <- cli, cluster.
const mayImport = {
  core: [],
  archive: ['core'],
  api: ['core'],
  store: ['core'],
  engine: ['core', 'store'],
  drivers: ['core', 'archive', 'engine'],
  server: ['core', 'archive', 'api', 'store', 'engine', 'drivers'],
  cli: ['core', 'archive', 'api', 'server'],
  cluster: ['core', 'archive', 'store', 'engine', 'drivers', 'server'],
};

/** A package's sources see only the packages that `mayImport` lists for it, and itself. */
const oneWay = Object.entries(mayImport).map(([name, allowed]) => ({
  name: `${name}-imports-one-way`,
  severity: 'error',
  from: { path: `^packages/${name}/src` },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...oneWay,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-imports-nothing',
      severity: 'error',
      comment: 'core is types, rules and pure functions; of Node it may use only crypto digests',
      from: { path: '^packages/core/src' },
      to: { pathNot: ['^packages/core/src', '^(node:)?crypto$'] },
    },
    {
      name: 'no-unlisted-dependency',
      severity: 'error',
      from: { path: '^packages/[^/]+/src' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs'],
    },
  },
};
