// The house plan's one arrow: infra → functions → lib → db (DESIGN: "House plan"). `npm run imports` enforces it.
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^${from}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^(functions|lib|db|infra|tests|bench)/', pathNot: `^(${allowed.join('|')})/` },
})

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    only('db-is-a-leaf', 'db', ['db']),
    only('lib-imports-db', 'lib', ['lib', 'db']),
    only('functions-import-lib', 'functions', ['functions', 'lib', 'db']),
    only('infra-is-the-top', 'infra', ['infra', 'functions', 'lib', 'db']),
    {
      name: 'kafka-client-in-one-file',
      severity: 'error',
      from: { path: '^(functions|lib|db|infra)/', pathNot: '^lib/events/kafka\\.ts$|^infra/local/(demo|kafka)' },
      to: { path: 'node_modules/kafkajs' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
}
